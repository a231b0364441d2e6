/**
 * A cause and its consequences in whatever order they arrive: what the job does, and what it says
 * that it failed for.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { MillraceError } from '@millrace/core'
import { CHECKPOINTED, ClusterHarness, pipeline } from '../testing/cluster-harness.ts'
import type { FakeTaskManager } from '../testing/fake-task-manager.ts'
import { settle } from '../testing/manual-clock.ts'

const retried = { domain: 'external', retry: 'backoff' } as const
const peerGone = new MillraceError('NETWORK_CONNECTION_LOST', retried, 'The peer is gone.')
const brokerDown = new MillraceError('KAFKA_DOWN', retried, 'Down.')
const malformed = new MillraceError('BAD_RECORD', { domain: 'data', retry: 'never' }, 'Bad.')

/** A job of a source and a sink whose TaskManager confirms no cancellation by itself. */
async function running(options: Record<string, string>) {
  const cluster = new ClusterHarness()
  await cluster.start(1)
  const job = await cluster.submit(pipeline(1, options))
  const taskManager = cluster.taskManagers[0] as FakeTaskManager
  taskManager.autoCancel = false
  const fails = async (name: string, error: MillraceError) => {
    const attemptId = cluster.tasks().find((id) => id.includes(`v-${name}_`)) as string
    await taskManager.report(attemptId, 'FAILED', false, error)
    await settle()
  }
  const recorded = () => {
    const [entry] = job.failures.entries
    return [entry?.root, ...(entry?.concurrent ?? [])].map((failure) => failure?.error.code)
  }
  return { cluster, job, fails, recorded }
}

test('A cause that forbids a restart ends the job, though its consequence was heard of first', async () => {
  const { job, fails, recorded } = await running(CHECKPOINTED)
  await fails('sink', peerGone)
  assert.equal(job.state, 'RESTARTING')
  await fails('source', malformed)
  assert.equal(job.state, 'FAILED')
  assert.equal(job.restarts, 0)
  assert.equal(job.failureCause?.code, 'BAD_RECORD')
  assert.deepEqual(recorded(), ['BAD_RECORD', 'NETWORK_CONNECTION_LOST'])
  assert.equal(job.failures.entries.length, 1)
})

test('A cause and its consequence are one failure to the restart strategy', async () => {
  const { cluster, job, fails, recorded } = await running({
    ...CHECKPOINTED,
    'restart-strategy.type': 'fixed-delay',
    'restart-strategy.fixed-delay.attempts': '1',
    'restart-strategy.fixed-delay.delay': '1 s',
  })
  await fails('sink', peerGone)
  await fails('source', brokerDown)
  await cluster.clock.advance(1000)
  assert.equal(job.state, 'RUNNING')
  assert.equal(job.restarts, 1)
  assert.deepEqual(recorded(), ['KAFKA_DOWN', 'NETWORK_CONNECTION_LOST'])
})

test('Without restarts the job says the cause, not what followed from it', async () => {
  const { job, fails } = await running({})
  await fails('sink', peerGone)
  assert.equal(job.state, 'FAILING')
  await fails('source', brokerDown)
  assert.equal(job.state, 'FAILED')
  assert.equal(job.failureCause?.code, 'KAFKA_DOWN')
})

test('Where restarts are used up the end names the cause', async () => {
  const { cluster, job, fails } = await running({
    'restart-strategy.type': 'fixed-delay',
    'restart-strategy.fixed-delay.delay': '0',
  })
  for (let round = 0; round < 2; round++) {
    await fails('sink', peerGone)
    await fails('source', brokerDown)
    await cluster.clock.advance(1)
  }
  assert.equal(job.state, 'FAILED')
  assert.equal(job.failureCause?.code, 'RESTARTS_EXHAUSTED')
  assert.equal(job.failureCause?.cause?.code, 'KAFKA_DOWN')
})

test('A consequence that stays alone restarts the job; that its tasks had to be ended is no cause', async () => {
  const { cluster, job, fails, recorded } = await running(CHECKPOINTED)
  await fails('sink', peerGone)
  await cluster.clock.advance(10_000)
  assert.equal(job.state, 'RUNNING')
  assert.deepEqual(recorded(), ['NETWORK_CONNECTION_LOST', 'SLOT_LOST'])
})

test('A lost TaskManager is the root of the connections that broke with it', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(1, 1, 2)
  const job = await cluster.submit(pipeline(2, CHECKPOINTED))
  const [first, second] = cluster.taskManagers.filter(({ tasks }) => tasks.size > 0)
  assert.ok(first !== undefined && second !== undefined)
  second.autoCancel = false
  const [attemptId] = [...first.tasks.keys()]
  await first.report(attemptId as string, 'FAILED', false, peerGone)
  await settle()
  assert.equal(job.failures.entries[0]?.root.error.code, 'NETWORK_CONNECTION_LOST')
  second.kill()
  await settle()
  assert.equal(job.failures.entries[0]?.root.error.code, 'TASK_MANAGER_LOST')
  await cluster.clock.advance(2000)
  assert.equal(job.state, 'RUNNING')
  assert.equal(job.failures.entries.length, 1)
})
