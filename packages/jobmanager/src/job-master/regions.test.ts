/**
 * Two pipelines of one job without data between them: what fails in one restarts that one alone,
 * and checkpoints stay those of the whole job.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { CoordinatorFactory } from '@millrace/connector'
import { MillraceError } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import { CHECKPOINTED, ClusterHarness, edge, pipeline, vertex } from '../testing/cluster-harness.ts'
import type { FakeTaskManager } from '../testing/fake-task-manager.ts'
import { settle } from '../testing/manual-clock.ts'

const OPTIONS = {
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': '3',
  'restart-strategy.fixed-delay.delay': '1 s',
}
const DOWN = new MillraceError('DOWN', { domain: 'external', retry: 'backoff' }, 'Down.')

/** `left` and `right`, each source → sink, in one slot sharing group or in two. */
function twoPipelines(groups: readonly [string, string] = ['default', 'default']): JobGraph {
  const [left, right] = groups.map((slotSharingGroup) => ({ slotSharingGroup }))
  return {
    ...pipeline(1, CHECKPOINTED),
    vertices: [
      vertex('left', 1, { ...left, coordinator: 'enumerator' }),
      vertex('left-sink', 1, { ...left, gate: true }),
      vertex('right', 1, { ...right, coordinator: 'enumerator' }),
      vertex('right-sink', 1, { ...right, gate: true }),
    ],
    edges: [edge('left', 'left-sink'), edge('right', 'right-sink')],
  }
}

async function running(graph = twoPipelines(), options: Record<string, string> = {}, slots = [2]) {
  /** What coordinators were started from, in order. */
  const started: unknown[] = []
  const enumerator: CoordinatorFactory = () => ({
    start: (restored) => void started.push(restored),
    handleEvent: () => null,
    subtaskReady: () => {},
    subtaskFailed: () => {},
    snapshot: (checkpointId) => `of ${checkpointId}`,
    close: () => {},
  })
  const cluster = new ClusterHarness({ ...OPTIONS, ...options }, { enumerator })
  await cluster.start(...slots)
  const job = await cluster.submit(graph)
  assert.equal(job.state, 'RUNNING')
  const attempts = () =>
    [...job.graph.attempts()].map(({ vertexId, number }) => `${vertexId.slice(2)} #${number}`)
  const taskManagerOf = (name: string) =>
    cluster.taskManagers.find(({ tasks }) => taskOf(tasks, name) !== undefined) as FakeTaskManager
  const fail = async (name: string) => {
    const taskManager = taskManagerOf(name)
    await taskManager.report(taskOf(taskManager.tasks, name) as string, 'FAILED', false, DOWN)
    await settle()
  }
  return { cluster, job, attempts, fail, started, taskManagerOf }
}

const taskOf = (tasks: FakeTaskManager['tasks'], name: string) =>
  [...tasks.keys()].find((id) => id.includes(`v-${name}_`))

test('A task that fails takes its own pipeline along, from the last checkpoint; the other goes on', async () => {
  const { cluster, job, attempts, fail, started } = await running()
  const [taskManager] = cluster.taskManagers as [FakeTaskManager]
  await cluster.clock.advance(10_000)
  await cluster.acknowledgeAll(1)
  await cluster.clock.advance(10_000)
  assert.equal(taskManager.triggers.length, 2)
  const deployed = taskManager.deployed.length
  await fail('left-sink')
  assert.equal(job.state, 'RESTARTING')
  // The second one was under way: no task of either pipeline waits for it any more.
  assert.equal(taskManager.calls.includes('aborted 2'), true)
  assert.deepEqual(job.statistics.counts.completed, 1)
  await cluster.clock.advance(1_000)
  assert.deepEqual(
    [job.state, job.restarts, attempts()],
    ['RUNNING', 1, ['left #1', 'left-sink #1', 'right #0', 'right-sink #0']],
  )
  const again = taskManager.deployed.slice(deployed)
  assert.deepEqual(
    again.map(({ vertex: { id }, restored }) => [id, restored?.checkpointId]),
    [
      ['v-left', 1],
      ['v-left-sink', 1],
    ],
  )
  assert.deepEqual(started, [null, null, 'of 1'], 'the enumerator of the other is not touched')
  const [entry] = job.failures.entries
  assert.match(entry?.root.taskName ?? '', /^left-sink \(1\/1\) - execution #0$/)
  assert.equal(entry?.concurrent.length, 0)
  // The next one is of all tasks again.
  await cluster.clock.advance(10_000)
  await cluster.acknowledgeAll(3)
  assert.equal(job.statistics.counts.completed, 2)
  await fail('right')
  await cluster.clock.advance(1_000)
  assert.deepEqual(attempts(), ['left #1', 'left-sink #1', 'right #1', 'right-sink #1'])
  assert.deepEqual(started.at(-1), 'of 3')
})

test('With the strategy full, or a failure of the job itself, everything restarts', async () => {
  const full = await running(twoPipelines(), { 'jobmanager.execution.failover-strategy': 'full' })
  await full.fail('left')
  await full.cluster.clock.advance(1_000)
  const all = ['left #1', 'left-sink #1', 'right #1', 'right-sink #1']
  assert.deepEqual(full.attempts(), all)
  const adaptive = await running(twoPipelines(), { 'jobmanager.scheduler': 'adaptive' })
  await adaptive.fail('left')
  await adaptive.cluster.clock.advance(1_000)
  assert.deepEqual(adaptive.attempts(), all)
})

test('A lost TaskManager takes the pipelines along that had tasks on it', async () => {
  const { cluster, job, attempts, taskManagerOf } = await running(
    twoPipelines(['one', 'other']),
    {},
    [1, 1, 1],
  )
  const lost = taskManagerOf('left')
  assert.notEqual(lost, taskManagerOf('right'))
  lost.kill()
  await cluster.clock.advance(3_000)
  assert.equal(job.state, 'RUNNING')
  assert.deepEqual(attempts(), ['left #1', 'left-sink #1', 'right #0', 'right-sink #0'])
})

test('What fails while one pipeline restarts restarts too, and both count', async () => {
  const { cluster, job, attempts, fail } = await running()
  await fail('left')
  await cluster.clock.advance(500)
  await fail('right')
  await cluster.clock.advance(600)
  assert.equal(job.state, 'RESTARTING')
  await cluster.clock.advance(1_000)
  assert.deepEqual(
    [job.state, job.restarts, attempts()],
    ['RUNNING', 2, ['left #1', 'left-sink #1', 'right #1', 'right-sink #1']],
  )
})

test('A pipeline that fails under a rescale comes back at the new parallelism, then the other follows', async () => {
  const { cluster, job, fail } = await running()
  const [taskManager] = cluster.taskManagers as [FakeTaskManager]
  const parallelism = () => [...job.graph.vertices.values()].map((each) => each.vertex.parallelism)
  const bounds = { lowerBound: 1, upperBound: 2 }
  await job.require(Object.fromEntries(job.jobGraph.vertices.map(({ id }) => [id, bounds])))
  await settle()
  await fail('left')
  await cluster.clock.advance(1_000)
  assert.deepEqual([job.state, parallelism()], ['RUNNING', [2, 2, 1, 1]])
  const id = taskManager.triggers.at(-1)?.order.id as number
  await cluster.acknowledgeAll(id)
  await cluster.clock.advance(10)
  assert.deepEqual([job.state, parallelism(), job.restarts], ['RUNNING', [2, 2, 2, 2], 1])
})

test('Once all input is read everything comes back: tasks of the other may have ended for good', async () => {
  const { cluster, job, attempts, fail } = await running()
  const [taskManager] = cluster.taskManagers as [FakeTaskManager]
  await taskManager.endAll()
  await settle()
  taskManager.autoFinish = false
  await cluster.acknowledgeAll(1)
  await fail('left')
  await cluster.clock.advance(1_000)
  assert.equal(job.restarts, 1)
  assert.deepEqual(attempts(), ['left #1', 'left-sink #1', 'right #1', 'right-sink #1'])
})
