/** What becomes of a task that an event of its coordinator does not reach. */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { CoordinatorContext, OperatorCoordinator } from '@millrace/connector'
import { MillraceError } from '@millrace/core'
import { CHECKPOINTED, ClusterHarness, pipeline } from '../testing/cluster-harness.ts'
import { settle } from '../testing/manual-clock.ts'

/**
 * A job whose source has ended at its TaskManager, before the JobManager knows, and
 * misses an event.
 */
async function missed() {
  const contexts: CoordinatorContext[] = []
  const coordinator = (_config: unknown, context: CoordinatorContext): OperatorCoordinator => {
    contexts.push(context)
    return IDLE
  }
  const cluster = new ClusterHarness({}, { any: coordinator })
  await cluster.start(1)
  const job = await cluster.submit(pipeline(1, CHECKPOINTED, 'any'))
  const [taskManager] = cluster.taskManagers
  const source = cluster.tasks().find((id) => id.includes('source'))
  assert.ok(taskManager !== undefined && source !== undefined)
  taskManager.tasks.delete(source)
  contexts[0]?.sendEvent(0, 'event')
  await settle()
  return { cluster, job, taskManager, source }
}

const IDLE: OperatorCoordinator = {
  start: () => {},
  handleEvent: () => null,
  subtaskReady: () => {},
  subtaskFailed: () => {},
  snapshot: () => null,
  close: () => {},
}

test('A task that has ended says why itself, though an event found it gone before', async () => {
  const { cluster, job, taskManager, source } = await missed()
  assert.equal(job.state, 'RUNNING')
  await cluster.clock.advance(1500)
  const malformed = new MillraceError('BAD_RECORD', { domain: 'data', retry: 'never' }, 'Bad.')
  await taskManager.report(source, 'FAILED', false, malformed)
  await settle()
  assert.equal(job.state, 'FAILED')
  assert.equal(job.failureCause?.code, 'BAD_RECORD')
  await cluster.clock.advance(5000)
  assert.equal(job.failures.entries.length, 1)
})

test('A task that is gone and never says why is replaced', async () => {
  const { cluster, job } = await missed()
  await cluster.clock.advance(2000)
  assert.equal(job.state, 'RESTARTING')
  assert.match(job.statusReason() ?? '', /event for source \(1\/1\).* could not be delivered/)
})
