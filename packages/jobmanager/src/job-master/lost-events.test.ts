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

test('A task that is about to be replaced is not heard by the coordinator of its successor', async () => {
  const heard: unknown[] = []
  const coordinator = (): OperatorCoordinator => ({
    ...IDLE,
    handleEvent: (_subtaskIndex, event) => heard.push(event),
  })
  const options = {
    'restart-strategy.type': 'fixed-delay',
    'restart-strategy.fixed-delay.attempts': '9',
  }
  const cluster = new ClusterHarness(options, { any: coordinator })
  await cluster.start(1)
  const job = await cluster.submit(pipeline(1, CHECKPOINTED, 'any'))
  const [taskManager] = cluster.taskManagers
  const [source, sink] = cluster.tasks() as [string, string]
  assert.ok(taskManager !== undefined && source.includes('source'))
  const operatorId = job.jobGraph.vertices[0]?.operators[0]?.id as string
  const say = (event: string) => {
    return taskManager.jobManager.operatorEvent({
      ...{ fence: taskManager.fence, attemptId: source, operatorId, event },
    })
  }
  await say('before')
  taskManager.autoCancel = false
  const down = new MillraceError('DOWN', { domain: 'external', retry: 'backoff' }, 'Down.')
  await taskManager.report(sink, 'FAILED', false, down)
  await settle()
  assert.equal(job.state, 'RESTARTING')
  await assert.rejects(say('behind'), { code: 'STALE_ATTEMPT' })
  assert.deepEqual(heard, ['before'])
})
