/** Jobs that follow the slots that there are, among fake TaskManagers that come and go. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { MillraceError } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import { CHECKPOINTED, ClusterHarness, edge, pipeline, vertex } from '../testing/cluster-harness.ts'
import type { FakeTaskManager } from '../testing/fake-task-manager.ts'
import { settle } from '../testing/manual-clock.ts'

const OPTIONS = {
  'jobmanager.scheduler': 'adaptive',
  'jobmanager.adaptive-scheduler.submission.resource-wait-timeout': '100 s',
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': '100',
  'restart-strategy.fixed-delay.delay': '1 s',
  'web.adaptive-scheduler.rescale-history.size': '9',
}

async function submitted(
  slots: number[],
  graph: JobGraph = pipeline(4, CHECKPOINTED),
  options: Record<string, string> = {},
) {
  const cluster = new ClusterHarness({ ...OPTIONS, ...options })
  await cluster.start(...slots)
  const job = await cluster.submit(graph)
  const parallelism = () => [...job.graph.vertices.values()].map((each) => each.vertex.parallelism)
  const require = (lowerBound: number, upperBound: number) => {
    const bounds = job.jobGraph.vertices.map(({ id }) => [id, { lowerBound, upperBound }])
    return job.require(Object.fromEntries(bounds))
  }
  const causes = () => job.rescales.records.map(({ cause, outcome }) => `${cause} ${outcome}`)
  return { cluster, job, parallelism, require, causes }
}

/** What every task was restored from. */
const restoredIds = ({ taskManagers }: ClusterHarness) => [
  ...new Set(
    taskManagers.flatMap(({ tasks }) =>
      [...tasks.values()].map(({ restored }) => restored?.checkpointId ?? null),
    ),
  ),
]

test('With all slots it starts at once, with fewer after the settling time', async () => {
  const whole = await submitted([2, 2])
  assert.deepEqual([whole.job.state, whole.parallelism()], ['RUNNING', [4, 4]])
  assert.deepEqual(whole.causes(), ['INITIAL_SCHEDULE SUCCEEDED'])
  const { cluster, job, parallelism } = await submitted([2, 1])
  assert.equal(job.state, 'CREATED')
  assert.match(
    job.statusReason() ?? '',
    /^3 of 4 slots are there; it begins with these in 10\.0 s$/,
  )
  await cluster.clock.advance(9_999)
  assert.equal(job.state, 'CREATED')
  await cluster.clock.advance(1)
  assert.deepEqual([job.state, parallelism()], ['RUNNING', [3, 3]])
  assert.equal(job.statusReason(), 'runs with 3 of the 4 slots that it may use')
  assert.deepEqual(cluster.jobManager.slotPool.counts(), { total: 3, free: 0 })
})

test('A slot that comes while it waits is taken along', async () => {
  const { cluster, job, parallelism } = await submitted([3])
  await cluster.clock.advance(5_000)
  await cluster.addTaskManager(1)
  await settle()
  assert.deepEqual([job.state, parallelism()], ['RUNNING', [4, 4]])
})

test('Without the slots of its lower bounds it waits for the wait timeout, and fails by name', async () => {
  const { cluster, job } = await submitted([])
  await cluster.clock.advance(99_999)
  assert.equal(job.state, 'CREATED')
  assert.match(
    job.statusReason() ?? '',
    /^0 of 4 slots are there; it fails without at least 1 with/,
  )
  await cluster.clock.advance(1)
  assert.equal(job.state, 'FAILED')
  assert.equal(job.failureCause?.code, 'NOT_ENOUGH_SLOTS')
  assert.match(job.failureCause?.message ?? '', /at least 1 slots.* 0 of the 4 .*after 100\.0 s/)
  assert.match(job.failureCause?.location?.optionKey ?? '', /resource-wait-timeout/)
})

test('A lost TaskManager lets it shrink, one that comes lets it grow, from the checkpoint taken for that', async () => {
  const { cluster, job, parallelism, causes } = await submitted([2, 2])
  await cluster.clock.advance(10_000)
  await cluster.acknowledgeAll(1)
  const [, lost] = cluster.taskManagers
  lost?.kill()
  cluster.taskManagers.splice(1)
  await cluster.clock.advance(11_100)
  assert.deepEqual([job.state, parallelism(), job.restarts], ['RUNNING', [2, 2], 1])
  assert.deepEqual(restoredIds(cluster), [1])
  assert.equal(causes()[0], 'RECOVERABLE_FAILOVER SUCCEEDED')
  const came = await cluster.addTaskManager(2)
  await cluster.clock.advance(10_000)
  assert.deepEqual(parallelism(), [2, 2], 'in the cooldown')
  const [stayed] = cluster.taskManagers as [FakeTaskManager]
  await cluster.clock.advance(20_100)
  // A periodic one is under way: the one for the rescale comes behind it.
  for (let i = 0; i < 2; i++) {
    await cluster.acknowledgeAll(stayed.triggers.at(-1)?.order.id as number)
    await cluster.clock.advance(10)
  }
  assert.deepEqual([job.state, parallelism(), job.restarts], ['RUNNING', [4, 4], 1])
  assert.deepEqual(restoredIds(cluster), [stayed.triggers.at(-1)?.order.id])
  assert.equal(causes()[0], 'NEW_RESOURCE_AVAILABLE SUCCEEDED')
  assert.equal(came.tasks.size, 4)
  assert.equal(job.statusReason(), null)
})

test('Slots for less than it may use are taken once they have settled', async () => {
  const { cluster, job, parallelism } = await submitted([2], pipeline(4, CHECKPOINTED), {
    'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '0',
    'jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout': '3 s',
  })
  await cluster.clock.advance(10_000)
  assert.deepEqual(parallelism(), [2, 2])
  await cluster.addTaskManager(1)
  await cluster.clock.advance(2_999)
  assert.equal(cluster.taskManagers[0]?.triggers.length, 0)
  await cluster.clock.advance(1)
  await cluster.acknowledgeAll(1)
  await cluster.clock.advance(10)
  assert.deepEqual([job.state, parallelism(), job.lifecycle.rescales], ['RUNNING', [3, 3], 1])
})

const TRIGGER = 'jobmanager.adaptive-scheduler.rescale-trigger'

/** A job of 2 that may have 4, whose slots are there at once; no checkpoint is under way. */
async function growing(options: Record<string, string>, checkpoints: Record<string, string> = {}) {
  const graph = pipeline(4, { ...CHECKPOINTED, ...checkpoints })
  const found = await submitted([2], graph, {
    'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '0',
    'jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout': '0',
    ...options,
  })
  const [first] = found.cluster.taskManagers as [FakeTaskManager]
  await found.cluster.addTaskManager(2)
  await settle()
  return { ...found, first, taken: () => first.triggers.map(({ order }) => order.id) }
}

test('A rescale takes the next checkpoint, when the pause between two allows one', async () => {
  const { cluster, job, parallelism, taken } = await growing({})
  assert.deepEqual(taken(), [1])
  assert.equal(
    job.statusReason(),
    'is to be rescaled to 4 when a checkpoint is complete, at the latest in 30.0 s',
  )
  await cluster.acknowledgeAll(1)
  await cluster.clock.advance(10)
  assert.deepEqual([parallelism(), restoredIds(cluster)], [[4, 4], [1]])
})

test('Told so, a rescale waits for the periodic checkpoint', async () => {
  const { cluster, parallelism, taken } = await growing({
    [`${TRIGGER}.active-checkpoint.enabled`]: 'false',
  })
  await cluster.clock.advance(9_900)
  assert.deepEqual([taken(), parallelism()], [[], [2, 2]])
  await cluster.clock.advance(100)
  await cluster.acknowledgeAll(1)
  await cluster.clock.advance(10)
  assert.deepEqual([parallelism(), restoredIds(cluster)], [[4, 4], [1]])
})

test('A rescale goes back to the latest checkpoint when none is complete in time', async () => {
  for (const [delay, ms] of [
    ['0', 0],
    ['5 s', 5000],
  ] as const) {
    const { cluster, job, parallelism, taken } = await growing({ [`${TRIGGER}.max-delay`]: delay })
    if (ms > 0) {
      assert.deepEqual([taken(), parallelism()], [[1], [2, 2]])
      await cluster.clock.advance(ms - 1)
      assert.deepEqual(parallelism(), [2, 2])
      await cluster.clock.advance(1)
    }
    await cluster.clock.advance(10)
    assert.deepEqual([job.state, parallelism(), restoredIds(cluster)], ['RUNNING', [4, 4], [null]])
    assert.equal(job.restarts, 0)
  }
})

test('Checkpoints that fail in a row let it go back to the latest one, too', async () => {
  const { cluster, parallelism, first, taken } = await growing(
    { [`${TRIGGER}.max-checkpoint-failures`]: '3' },
    {
      'execution.checkpointing.tolerable-failed-checkpoints': '100',
      'execution.checkpointing.min-pause': '1 s',
    },
  )
  for (const id of [1, 2, 3]) {
    assert.deepEqual([taken().at(-1), parallelism()], [id, [2, 2]])
    const [attemptId] = first.tasks.keys()
    const { fence } = first
    const refused = { fence, attemptId: attemptId as string, checkpointId: id }
    await first.jobManager.declineCheckpoint(refused)
    // The pause between two is kept.
    await cluster.clock.advance(999)
    assert.equal(taken().at(-1), id)
    await cluster.clock.advance(1)
  }
  assert.deepEqual([parallelism(), restoredIds(cluster)], [[4, 4], [null]])
})

test('A failure that takes no slot brings it back as it was, with the slot that is made anew', async () => {
  const { cluster, job, parallelism, causes } = await submitted([2, 2])
  const [first] = cluster.tasks()
  const error = new MillraceError('DOWN', { domain: 'external', retry: 'backoff' }, 'Down.')
  await cluster.taskManagers[0]?.report(first as string, 'FAILED', false, error)
  await cluster.clock.advance(1_100)
  assert.deepEqual([job.state, parallelism(), job.restarts], ['RUNNING', [4, 4], 1])
  assert.equal(causes()[0], 'RECOVERABLE_FAILOVER NO_RESOURCES_OR_PARALLELISMS_CHANGE')
})

test('Lower bounds are held: it waits for them, and goes on once they are lowered', async () => {
  const { cluster, job, parallelism, require, causes } = await submitted([2, 2])
  await require(3, 4)
  const [, lost] = cluster.taskManagers
  lost?.kill()
  cluster.taskManagers.splice(1)
  await cluster.clock.advance(50_000)
  assert.equal(job.state, 'RESTARTING')
  assert.match(job.statusReason() ?? '', /^2 of 4 slots are there; it fails without at least 3/)
  await require(1, 4)
  await cluster.clock.advance(10_000)
  assert.deepEqual([job.state, parallelism()], ['RUNNING', [2, 2]])
  // More than there is: it stays as it is, and takes what comes.
  await require(1, 6)
  await settle()
  assert.deepEqual([job.state, parallelism()], ['RUNNING', [2, 2]])
  await require(1, 1)
  await settle()
  const [stayed] = cluster.taskManagers as [FakeTaskManager]
  await cluster.acknowledgeAll(stayed.triggers.at(-1)?.order.id as number)
  await cluster.clock.advance(10)
  assert.deepEqual([job.state, parallelism()], ['RUNNING', [1, 1]])
  assert.equal(causes()[0], 'UPDATE_REQUIREMENT SUCCEEDED')
})

test('Slots that go before the tasks are in them are waited for anew', async () => {
  const { cluster, job, parallelism } = await submitted([2])
  await cluster.clock.advance(5_000)
  const second = await cluster.addTaskManager(2)
  second.kill()
  cluster.taskManagers.splice(1)
  await cluster.clock.advance(20_000)
  assert.deepEqual([job.state, parallelism()], ['RUNNING', [2, 2]])
  await job.cancel()
  await cluster.clock.advance(10)
  assert.equal(job.state, 'CANCELED')
})

test('A job that waits for slots is cancelled at once', async () => {
  const { cluster, job } = await submitted([1])
  await job.cancel()
  await cluster.clock.advance(20_000)
  assert.equal(job.state, 'CANCELED')
  assert.deepEqual(cluster.jobManager.slotPool.counts(), { total: 1, free: 1 })
})

test('In reactive mode it takes all slots up to max parallelism, and nobody asks for others', async () => {
  const graph: JobGraph = {
    ...pipeline(1, CHECKPOINTED),
    vertices: [
      vertex('source', 1, { maxParallelism: 6 }),
      vertex('one', 1, { gate: true, single: true }),
    ],
    edges: [edge('source', 'one')],
  }
  const { cluster, job, parallelism, require } = await submitted([2, 2], graph, {
    'jobmanager.scheduler': 'default',
    'scheduler-mode': 'reactive',
    'jobmanager.adaptive-scheduler.scaling-interval.min': '1 s',
    'jobmanager.adaptive-scheduler.scaling-interval.max': '1 s',
  })
  assert.deepEqual([job.state, parallelism()], ['RUNNING', [4, 1]])
  await assert.rejects(require(1, 1), {
    code: 'RESCALE_NOT_POSSIBLE',
    message: /runs in reactive mode/,
  })
  const again = { ...graph, jobId: '1'.repeat(32) }
  await assert.rejects(cluster.jobManager.dispatcher.submit(again), { code: 'CLUSTER_REACTIVE' })
  await cluster.addTaskManager(4)
  await cluster.clock.advance(1_000)
  await cluster.acknowledgeAll(1)
  await cluster.clock.advance(10)
  assert.deepEqual([job.state, parallelism()], ['RUNNING', [6, 1]])
})

test('In reactive mode nothing is waited for but a first slot', async () => {
  const { cluster, job, parallelism } = await submitted([], pipeline(2, CHECKPOINTED), {
    'scheduler-mode': 'reactive',
    'jobmanager.adaptive-scheduler.submission.resource-wait-timeout': '-1 ms',
  })
  await cluster.clock.advance(1_000_000)
  assert.equal(job.state, 'CREATED')
  await cluster.addTaskManager(1)
  await settle()
  assert.deepEqual([job.state, parallelism()], ['RUNNING', [1, 1]])
})
