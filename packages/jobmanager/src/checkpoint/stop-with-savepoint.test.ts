/**
 * A job that a savepoint stops, among fake TaskManagers: until the savepoint counts the job runs,
 * from then on it ends, whatever fails in between.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { MillraceError, toErrorData } from '@millrace/core'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { CHECKPOINTED, ClusterHarness, JOB_ID, pipeline } from '../testing/cluster-harness.ts'
import { settle } from '../testing/manual-clock.ts'

const OPTIONS = { ...CHECKPOINTED, 'execution.checkpointing.dir': '/checkpoints' }
type Outcome = { readonly path: string } | { readonly error: MillraceError }

async function running(options: Record<string, string> = {}) {
  const filesystem = new MemoryFilesystem()
  const cluster = new ClusterHarness({}, {}, filesystem)
  await cluster.start(2, 1)
  const job = await cluster.submit(pipeline(2, { ...OPTIONS, ...options }))
  await cluster.clock.advance(10_000)
  await cluster.acknowledgeAll(1)
  assert.deepEqual([job.state, job.statistics.counts.completed], ['RUNNING', 1])
  const stop = async (after: 'suspend' | 'drain' = 'suspend') => {
    const request = { targetDirectory: '/savepoints', format: 'canonical', after } as const
    const outcome: Promise<Outcome> = cluster.jobManager.dispatcher
      .stopWithSavepoint(JOB_ID, request)
      .then(
        (path) => ({ path }),
        (error: MillraceError) => ({ error }),
      )
    await settle()
    return { outcome }
  }
  const savepoints = () => filesystem.namesIn('/savepoints')
  return { cluster, job, filesystem, stop, savepoints }
}

const calls = (cluster: ClusterHarness) => cluster.taskManagers.flatMap((tm) => tm.calls)
const lastOrder = (cluster: ClusterHarness) =>
  cluster.taskManagers.flatMap(({ triggers }) => triggers).at(-1)?.order

test('A job that is being stopped is not rescaled; if that is given up, it is after all', async () => {
  const tolerable = { 'execution.checkpointing.tolerable-failed-checkpoints': '9' }
  const { cluster, job, stop } = await running(tolerable)
  const { outcome } = await stop()
  const bounds = { lowerBound: 1, upperBound: 3 }
  await job.require({ 'v-source': bounds, 'v-sink': bounds })
  await cluster.clock.advance(5_000)
  assert.deepEqual([job.state, job.rescales.counts.inProgress], ['RUNNING', 0])
  assert.equal(lastOrder(cluster)?.id, 2)
  await decline(cluster, 2)
  assert.ok('error' in (await outcome))
  await cluster.clock.advance(1_000)
  await cluster.acknowledgeAll(lastOrder(cluster)?.id as number)
  await cluster.clock.advance(10)
  const parallelism = [...job.graph.vertices.values()].map((each) => each.vertex.parallelism)
  assert.deepEqual([job.state, parallelism], ['RUNNING', [3, 3]])
})

async function decline({ taskManagers, tasks }: ClusterHarness, checkpointId: number) {
  const [taskManager] = taskManagers
  const full = new MillraceError(
    'STATE_WRITE_FAILED',
    { domain: 'external', retry: 'backoff' },
    'Disk full.',
  )
  await taskManager?.jobManager.declineCheckpoint({
    fence: taskManager.fence,
    attemptId: [...(taskManager.tasks.keys() ?? [])][0] ?? tasks()[0] ?? '',
    checkpointId,
    error: toErrorData(full),
  })
  await settle()
}

for (const after of ['suspend', 'drain'] as const) {
  test(`A job is stopped (${after}): sinks are told, tasks finish, and only the savepoint stays`, async () => {
    const { cluster, job, filesystem, stop } = await running()
    const { outcome } = await stop(after)
    assert.equal(lastOrder(cluster)?.after, after)
    await cluster.clock.advance(60_000)
    assert.equal(job.statistics.counts.total, 2, 'no checkpoint is taken meanwhile')
    await cluster.acknowledgeAll(2)
    await settle()
    assert.equal(job.state, 'FINISHED')
    const kinds = calls(cluster).filter((call) => /^(complete 2|finish)/.test(call))
    assert.deepEqual(kinds.slice(0, 2), ['complete 2', 'finish 2 checkpoint'])
    const { path } = (await outcome) as { path: string }
    assert.deepEqual(filesystem.namesIn(path), ['_metadata'])
    assert.deepEqual(filesystem.namesIn('/checkpoints'), [])
    assert.deepEqual(job.retainedCheckpoints, [path])
  })
}

test('A task that fails once the savepoint counts is deployed anew only to end', async () => {
  const { cluster, job, stop, savepoints } = await running()
  const { outcome } = await stop()
  for (const taskManager of cluster.taskManagers) taskManager.autoFinish = false
  await cluster.acknowledgeAll(2)
  assert.equal(job.state, 'RUNNING')
  assert.throws(() => job.cancel(), { code: 'JOB_ALREADY_ENDED', message: /is stopped/ })
  const before = cluster.taskManagers.map(({ deployed }) => deployed.length)
  for (const taskManager of cluster.taskManagers) taskManager.autoFinish = true
  const [first] = cluster.taskManagers
  const [attemptId] = first?.tasks.keys() ?? []
  await first?.report(attemptId as string, 'FAILED', false, new Error('lost while it committed'))
  await cluster.clock.advance(5_000)
  assert.deepEqual([job.state, job.restarts], ['FINISHED', 1])
  const again = cluster.taskManagers.flatMap(({ deployed }, i) => deployed.slice(before[i]))
  assert.equal(again.length, 4)
  for (const { suspended, restored } of again) {
    assert.deepEqual([suspended, restored?.checkpointId], [true, 2])
  }
  assert.equal(job.statistics.answer().latest.restored?.is_savepoint, true)
  assert.equal(savepoints().length, 1)
  assert.ok('path' in (await outcome))
})

test('A job that cannot be ended after its savepoint counts says that it can be started from', async () => {
  const { cluster, job, filesystem, stop } = await running({ 'restart-strategy.type': 'none' })
  const { outcome } = await stop()
  for (const taskManager of cluster.taskManagers) taskManager.autoFinish = false
  await cluster.acknowledgeAll(2)
  const [first] = cluster.taskManagers
  const [attemptId] = first?.tasks.keys() ?? []
  await first?.report(attemptId as string, 'FAILED', false, new Error('lost while it committed'))
  await cluster.clock.advance(5_000)
  assert.equal(job.state, 'FAILED')
  const { error } = (await outcome) as { error: MillraceError }
  assert.equal(error.code, 'STOP_NOT_FINISHED')
  assert.deepEqual(filesystem.namesIn(error.location?.file ?? ''), ['_metadata'])
})

test('A stop that a task declines lets the job go on where it stands', async () => {
  const { cluster, job, stop, savepoints } = await running()
  const { outcome } = await stop()
  await decline(cluster, 2)
  const { error } = (await outcome) as { error: MillraceError }
  assert.equal(error.code, 'SAVEPOINT_FAILED')
  assert.ok(calls(cluster).includes('aborted 2'))
  assert.deepEqual([job.state, job.restarts, savepoints()], ['RUNNING', 0, []])
  await cluster.clock.advance(10_000)
  await cluster.acknowledgeAll(3)
  assert.equal(job.statistics.counts.completed, 2)
})

test('A drain that a task declines starts the job anew from its checkpoint, whatever its restart strategy', async () => {
  const { cluster, job, stop } = await running({ 'restart-strategy.type': 'none' })
  const { outcome } = await stop('drain')
  for (const taskManager of cluster.taskManagers) await taskManager.endAll()
  await decline(cluster, 2)
  assert.ok('error' in (await outcome))
  await cluster.clock.advance(1_000)
  assert.deepEqual([job.state, job.restarts], ['RUNNING', 0])
  assert.equal(calls(cluster).filter((call) => call.startsWith('finish')).length, 0)
  assert.equal(job.statistics.counts.total, 2, 'no last checkpoint of what was drained')
  assert.equal(job.statistics.answer().latest.restored?.id, 1)
})

test('A task that did not hear that it is to go on is started anew', async () => {
  const { cluster, job, stop } = await running()
  const { outcome } = await stop()
  const gateway = job.graph.vertices.get('v-source')?.subtasks[0]?.current.slot?.taskManager
    .gateway as unknown as { notifyCheckpoint(request: object): Promise<void> }
  const { notifyCheckpoint } = gateway
  gateway.notifyCheckpoint = async () => {
    gateway.notifyCheckpoint = notifyCheckpoint
    throw new Error('not reached')
  }
  await decline(cluster, 2)
  assert.ok('error' in (await outcome))
  await cluster.clock.advance(1_000)
  assert.deepEqual([job.state, job.restarts], ['RUNNING', 0])
  assert.equal(job.statistics.answer().latest.restored?.id, 1)
})

test('A job that is being stopped, or is ending by itself, is not stopped a second time', async () => {
  const { cluster, stop } = await running()
  const first = await stop()
  const second = (await (await stop()).outcome) as { error: MillraceError }
  assert.equal(second.error.code, 'SAVEPOINT_NOT_POSSIBLE')
  assert.match(second.error.message, /it is being stopped/)
  await cluster.acknowledgeAll(2)
  await settle()
  assert.ok('path' in (await first.outcome))
  const ending = await running()
  for (const taskManager of ending.cluster.taskManagers) await taskManager.endAll()
  await settle()
  const drained = (await (await ending.stop('drain')).outcome) as { error: MillraceError }
  assert.match(drained.error.message, /all its input is read, and it is ending/)
})

test('A cancellation while the savepoint is under way ends the stop, and nothing of it is left', async () => {
  const { cluster, job, stop, savepoints } = await running()
  const { outcome } = await stop()
  await job.cancel()
  await cluster.clock.advance(100)
  assert.ok('error' in (await outcome))
  assert.deepEqual([job.state, savepoints()], ['CANCELED', []])
})
