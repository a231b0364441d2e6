/** Jobs that run are brought to another parallelism, among fake TaskManagers. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { MillraceError } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import {
  CHECKPOINTED,
  ClusterHarness,
  edge,
  JOB_ID,
  pipeline,
  vertex,
} from '../testing/cluster-harness.ts'
import { settle } from '../testing/manual-clock.ts'

async function running(graph: JobGraph = pipeline(2, CHECKPOINTED), slots = 4) {
  const cluster = new ClusterHarness({ 'restart-strategy.type': 'none' })
  await cluster.start(slots)
  const job = await cluster.submit(graph)
  assert.equal(job.state, 'RUNNING')
  const [taskManager] = cluster.taskManagers
  assert.ok(taskManager)
  const parallelism = () => [...job.graph.vertices.values()].map((each) => each.vertex.parallelism)
  /** Of all vertices. */
  const require = (upperBound: number, lowerBound = 1) => {
    const bounds = job.jobGraph.vertices.map(({ id }) => [id, { lowerBound, upperBound }])
    return job.require(Object.fromEntries(bounds))
  }
  return { cluster, job, taskManager, parallelism, require }
}

const restoredIds = ({ taskManagers }: ClusterHarness) => [
  ...new Set(
    taskManagers.flatMap(({ tasks }) =>
      [...tasks.values()].map(({ restored }) => restored?.checkpointId ?? null),
    ),
  ),
]

test('A rescale takes a checkpoint, whose sinks commit, and goes on from it at the new parallelism', async () => {
  const { cluster, job, taskManager, parallelism, require } = await running()
  assert.deepEqual(job.requirements['v-sink'], { lowerBound: 1, upperBound: 2 })
  await require(4)
  await settle()
  assert.deepEqual([job.state, taskManager.triggers.at(-1)?.order.id], ['RUNNING', 1])
  taskManager.autoRun = false
  await cluster.acknowledgeAll(1)
  const order = ['complete 1', 'cancel 4', 'deploy 2'].map((call) =>
    taskManager.calls.lastIndexOf(call),
  )
  // The sinks commit what it holds before they are taken down.
  assert.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
    taskManager.calls.join(', '),
  )
  assert.ok((order[0] as number) >= 0)
  assert.equal(job.state, 'RESTARTING')
  assert.match(job.statusReason() ?? '', /^is rescaled to 4: 0 of 8 tasks run$/)
  for (const id of taskManager.tasks.keys()) await taskManager.report(id, 'RUNNING')
  await settle()
  assert.deepEqual([job.state, job.statusReason(), parallelism()], ['RUNNING', null, [4, 4]])
  assert.deepEqual(restoredIds(cluster), [1])
  assert.deepEqual([job.restarts, job.lifecycle.rescales], [0, 1])
  assert.deepEqual(job.failures.entries, [])
  assert.deepEqual(job.requirements['v-sink'], { lowerBound: 1, upperBound: 4 })
})

test('Downwards the slots that it does not need any more are given back', async () => {
  const { cluster, parallelism, require } = await running()
  await require(1)
  await settle()
  await cluster.acknowledgeAll(1)
  assert.deepEqual(parallelism(), [1, 1])
  assert.deepEqual(cluster.jobManager.slotPool.counts(), { total: 4, free: 3 })
})

test('Where no checkpoint can be had it goes back to the latest, and says what is asked last', async () => {
  const tolerable = { 'execution.checkpointing.tolerable-failed-checkpoints': '1' }
  const graph = pipeline(2, { ...CHECKPOINTED, ...tolerable })
  const { cluster, job, taskManager, parallelism, require } = await running(graph)
  await cluster.clock.advance(10_000)
  await cluster.acknowledgeAll(1)
  await require(3)
  await settle()
  await require(4)
  const [attemptId] = taskManager.tasks.keys()
  const { fence } = taskManager
  await taskManager.jobManager.declineCheckpoint({
    fence,
    attemptId: attemptId as string,
    checkpointId: 2,
  })
  await cluster.clock.advance(10)
  assert.deepEqual([job.state, parallelism(), restoredIds(cluster)], ['RUNNING', [4, 4], [1]])
})

test('What was there already, or is asked for twice, moves nothing', async () => {
  const { cluster, job, taskManager, require } = await running()
  await require(2)
  await settle()
  assert.equal(taskManager.triggers.length, 0)
  await require(4)
  await settle()
  await cluster.acknowledgeAll(1)
  await require(4)
  await settle()
  assert.deepEqual([job.lifecycle.rescales, taskManager.triggers.length], [1, 1])
})

test('A failure on the way comes back at what was asked for, as a failure', async () => {
  const graph = pipeline(2, { ...CHECKPOINTED, 'restart-strategy.type': 'fixed-delay' })
  const { cluster, job, taskManager, parallelism, require } = await running(graph)
  await require(4)
  await settle()
  const down = new MillraceError('KAFKA_DOWN', { domain: 'external', retry: 'backoff' }, 'Down.')
  const [attemptId] = taskManager.tasks.keys()
  await taskManager.report(attemptId as string, 'FAILED', false, down)
  await settle()
  assert.match(job.statusReason() ?? '', /after: Down\.$/)
  await cluster.clock.advance(5_000)
  assert.deepEqual([job.state, parallelism()], ['RUNNING', [4, 4]])
  assert.deepEqual([job.restarts, job.lifecycle.rescales], [1, 0])
})

test('What cannot be is refused with what would do, and the job goes on', async () => {
  const { cluster, job, taskManager, require } = await running()
  const two = { lowerBound: 1, upperBound: 2 }
  const refused = (requirements: object, code: string, message: RegExp) =>
    assert.rejects(job.require(requirements as never), { code, message })
  const INVALID = 'RESOURCE_REQUIREMENTS_INVALID'
  await refused({ 'v-sink': two }, INVALID, /^Name bounds for vertex v-source/)
  const both = (bounds: object) => ({ 'v-source': two, 'v-sink': bounds })
  await refused({ ...both(two), 'v-x': two }, INVALID, /it has no 'v-x'/)
  await refused(both({ lowerBound: 0, upperBound: 0 }), INVALID, /bounds of 1 or more/)
  await refused(both({ lowerBound: 3, upperBound: 2 }), INVALID, /lower bound of at most the upper/)
  await refused(both({ lowerBound: 1, upperBound: 129 }), INVALID, /at most 128 \(its max para/)
  await assert.rejects(require(5), { code: 'RESCALE_NOT_POSSIBLE', message: /Provide 5 slots/ })
  assert.deepEqual([job.state, taskManager.triggers.length], ['RUNNING', 0])
  await job.cancel()
  await cluster.clock.advance(10)
  await assert.rejects(require(1), { code: 'RESCALE_NOT_POSSIBLE', message: /is CANCELED/ })
})

test('A job without checkpoints would begin anew, and one at its end has nothing to gain', async () => {
  const without = await running(pipeline(2))
  await assert.rejects(without.require(1), { code: 'RESCALE_NOT_POSSIBLE', message: /checkpoints/ })
  const ending = await running()
  await ending.taskManager.endAll()
  await assert.rejects(ending.require(1), { code: 'RESCALE_NOT_POSSIBLE', message: /is read/ })
})

test('Rows that go forward keep equal numbers, and what stands alone stays alone', async () => {
  const joined: JobGraph = {
    ...pipeline(2, CHECKPOINTED),
    edges: [edge('source', 'sink', 'forward')],
  }
  const { job } = await running(joined)
  const bounds = (upperBound: number) => ({ lowerBound: 1, upperBound })
  await assert.rejects(job.require({ 'v-source': bounds(2), 'v-sink': bounds(3) }), {
    code: 'RESOURCE_REQUIREMENTS_INVALID',
    message: /the same bounds, since rows go forward between them; they are 2 and 3/,
  })
  const { jobGraph } = (await running()).job
  const vertices = [vertex('source', 1), vertex('sink', 1, { gate: true, single: true })]
  const alone = await running({ ...jobGraph, jobId: JOB_ID, vertices })
  await assert.rejects(alone.require(2), { message: /at most 1 \(its rows cannot be dealt out\)/ })
})
