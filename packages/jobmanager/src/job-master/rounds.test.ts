/**
 * Rounds of deployment at parallelisms of their own, among fake TaskManagers: what is the round's,
 * and what goes on through all of them.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { CoordinatorContext, OperatorCoordinator } from '@millrace/connector'
import { MillraceError } from '@millrace/core'
import { jobDetail } from '../rest/job-view.ts'
import type { DecideParallelism } from '../scheduler/decide-parallelism.ts'
import {
  CHECKPOINTED,
  ClusterHarness,
  JOB_ID,
  pipeline,
  vertex,
} from '../testing/cluster-harness.ts'
import { settle } from '../testing/manual-clock.ts'

const down = new MillraceError('KAFKA_DOWN', { domain: 'external', retry: 'backoff' }, 'Down.')

/** Answers these, one a round, for every vertex that does not go on running; the last again. */
function answering(...answers: number[]): DecideParallelism {
  return ({ vertices }, _slots, { running }) => {
    const parallelism = (answers.length > 1 ? answers.shift() : answers[0]) as number
    return new Map(vertices.map(({ id }) => [id, running.get(id) ?? parallelism]))
  }
}

interface Made {
  readonly parallelism: number
  readonly restored: unknown
}

/** Each instance that was started; its state is how many there were before. */
function enumerators(made: Made[]) {
  return (_config: unknown, { parallelism }: CoordinatorContext): OperatorCoordinator => ({
    start: (restored) => void made.push({ parallelism, restored }),
    subtaskReady: () => {},
    subtaskFailed: () => {},
    handleEvent: () => null,
    snapshot: (checkpointId) => `of ${checkpointId}`,
    close: () => {},
  })
}

async function started(decideParallelism: DecideParallelism, made: Made[] = []) {
  const coordinators = { splits: enumerators(made) }
  const cluster = new ClusterHarness({}, coordinators, null, { decideParallelism })
  await cluster.start(2, 2)
  const job = await cluster.submit(pipeline(2, CHECKPOINTED, 'splits'))
  const fail = async () => {
    const attemptId = cluster.tasks().find((id) => id.includes('v-sink_0')) as string
    const [taskManager] = cluster.taskManagers.filter(({ tasks }) => tasks.has(attemptId))
    await taskManager?.report(attemptId, 'FAILED', false, down)
    await cluster.clock.advance(60_000)
    assert.equal(job.state, 'RUNNING')
  }
  return { cluster, job, fail }
}

const attemptsOf = (cluster: ClusterHarness) =>
  cluster
    .tasks()
    .map((id) => id.replace(`${JOB_ID}_v-`, ''))
    .sort()

test('A round whose decider answers another parallelism restores the job from its checkpoint at that one', async () => {
  const made: Made[] = []
  const { cluster, job, fail } = await started(answering(2, 3), made)
  await cluster.clock.advance(10_000)
  await cluster.acknowledgeAll(1)
  assert.equal(job.statistics.counts.completed, 1)
  await fail()
  const tasks = cluster.taskManagers.flatMap((each) => [...each.tasks.values()])
  assert.equal(tasks.length, 6)
  for (const task of tasks) assert.equal(task.vertex.parallelism, 3)
  // Each of the two former subtasks had one item in a list; they are dealt out to three.
  const shares = (name: string) =>
    tasks
      .filter((task) => task.vertex.name === name)
      .sort((a, b) => a.subtaskIndex - b.subtaskIndex)
      .map(({ restored }) => Object.keys(restored?.operators ?? {}).length)
  assert.deepEqual(
    [shares('source'), shares('sink')],
    [
      [1, 1, 0],
      [1, 1, 0],
    ],
  )
  const sink = tasks.find((task) => task.vertex.name === 'sink')
  assert.equal(sink?.gates[0]?.channels.length, 3)
  assert.deepEqual(made.at(-1), { parallelism: 3, restored: 'of 1' })
})

test('What REST shows is the present round; restarts, failures and checkpoints go on', async () => {
  const { cluster, job, fail } = await started(answering(2, 4))
  await cluster.clock.advance(10_000)
  await cluster.acknowledgeAll(1)
  const shown = () =>
    jobDetail(job, 0).vertices.map(({ parallelism, tasks }) => [parallelism, tasks.RUNNING])
  assert.deepEqual(shown(), [
    [2, 2],
    [2, 2],
  ])
  await fail()
  assert.deepEqual(shown(), [
    [4, 4],
    [4, 4],
  ])
  assert.equal(job.jobGraph.vertices[0]?.parallelism, 2)
  assert.equal(job.restarts, 1)
  assert.equal(job.failures.entries[0]?.root.taskName, 'sink (1/2) - execution #0')
  const { counts } = job.statistics
  assert.equal(counts.restored, 1)
  const ids = job.statistics.answer().history.map(({ id }) => id)
  assert.deepEqual(
    ids,
    [...ids].sort((a, b) => b - a),
  )
  assert.equal(job.statistics.details(1)?.num_subtasks, 4)
})

test('Numbers of attempts go on for subtasks that come back after rounds without them', async () => {
  const { cluster, fail } = await started(answering(2, 1, 2))
  assert.deepEqual(attemptsOf(cluster), ['sink_0_0', 'sink_1_0', 'source_0_0', 'source_1_0'])
  await fail()
  assert.deepEqual(attemptsOf(cluster), ['sink_0_1', 'source_0_1'])
  await fail()
  assert.deepEqual(attemptsOf(cluster), ['sink_0_2', 'sink_1_1', 'source_0_2', 'source_1_1'])
})

test('A round of fewer subtasks gives slots back, and one of more waits for what it lacks', async () => {
  const { cluster, job, fail } = await started(answering(3, 1, 4))
  const free = () => cluster.jobManager.slotPool.counts().free
  assert.equal(free(), 1)
  await fail()
  assert.equal(free(), 3)
  await fail()
  assert.equal(free(), 0)
  assert.equal(job.state, 'RUNNING')
})

test('What a failure does not touch goes on as it is, while the rest comes back at another parallelism', async () => {
  const cluster = new ClusterHarness({}, {}, null, { decideParallelism: answering(1, 2) })
  await cluster.start(2)
  const graph = pipeline(1, CHECKPOINTED)
  const job = await cluster.submit({ ...graph, vertices: [...graph.vertices, vertex('other', 1)] })
  const other = () => job.graph.vertices.get('v-other')?.subtasks[0]?.current
  const before = other()
  const attemptId = cluster.tasks().find((id) => id.includes('v-sink')) as string
  await cluster.taskManagers[0]?.report(attemptId, 'FAILED', false, down)
  await cluster.clock.advance(1100)
  assert.equal(job.state, 'RUNNING')
  assert.deepEqual(attemptsOf(cluster), [
    'other_0_0',
    'sink_0_1',
    'sink_1_0',
    'source_0_1',
    'source_1_0',
  ])
  assert.equal(other(), before)
  await cluster.clock.advance(10_000)
  await cluster.acknowledgeAll(1)
  assert.equal(job.statistics.counts.completed, 1)
})

test('An answer that the job cannot run at ends it by name', async () => {
  const { job } = await started(answering(129))
  await settle()
  assert.equal(job.state, 'FAILED')
  assert.equal(job.failureCause?.code, 'PARALLELISM_INVALID')
})
