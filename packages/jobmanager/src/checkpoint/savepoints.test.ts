/**
 * Savepoints of a running job, among fake TaskManagers: they are taken between checkpoints and
 * never count as one.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { MillraceError, toErrorData } from '@millrace/core'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { readCheckpoint } from '@millrace/state'
import { CHECKPOINTED, ClusterHarness, JOB_ID, pipeline } from '../testing/cluster-harness.ts'
import { settle } from '../testing/manual-clock.ts'

const OPTIONS = { ...CHECKPOINTED, 'execution.checkpointing.dir': '/checkpoints' }
const REQUEST = { targetDirectory: 'file:///savepoints', format: 'canonical' } as const

async function running(options: Record<string, string> = {}) {
  const filesystem = new MemoryFilesystem()
  const cluster = new ClusterHarness({}, {}, filesystem)
  await cluster.start(2, 1)
  const job = await cluster.submit(pipeline(2, { ...OPTIONS, ...options }))
  assert.equal(job.state, 'RUNNING')
  const orders = () =>
    cluster.taskManagers.flatMap(({ triggers }) => triggers.map(({ order }) => order))
  const ids = () => [...new Set(orders().map(({ id }) => id))]
  /** Its outcome comes later. */
  const begin = async (request = REQUEST) => {
    const outcome = job.savepoint(request).then(
      (path) => ({ path, error: null }),
      (error: MillraceError) => ({ path: null, error }),
    )
    await settle()
    return { outcome }
  }
  const savepoint = async (request = REQUEST) => (await begin(request)).outcome
  return { cluster, job, filesystem, orders, ids, savepoint, begin }
}

const calls = (cluster: ClusterHarness) => cluster.taskManagers.flatMap((tm) => tm.calls)

test('A savepoint is written to a directory of its own, and commits and counts nothing', async () => {
  const { cluster, job, filesystem, orders, begin } = await running()
  const { outcome } = await begin()
  const [order] = orders()
  const kind = order?.kind as { savepoint: string; format: string }
  assert.match(
    kind.savepoint,
    new RegExp(`^/savepoints/savepoint-${JOB_ID.slice(0, 6)}-[0-9a-f]{12}$`),
  )
  assert.deepEqual(
    [kind.format, order?.after, order?.align],
    ['canonical', 'go-on', 'exactly-once'],
  )
  await cluster.acknowledgeAll(1)
  assert.deepEqual(await outcome, { path: kind.savepoint, error: null })
  const manifest = await readCheckpoint(kind.savepoint, filesystem)
  assert.deepEqual(manifest.savepoint, { format: 'canonical' })
  assert.deepEqual([manifest.jobId, manifest.operators.length], [JOB_ID, 2])
  assert.equal(calls(cluster).filter((call) => /^(complete|aborted)/.test(call)).length, 0)
  assert.deepEqual(job.retainedCheckpoints, [])
  const { latest, history, counts } = job.statistics.answer()
  assert.equal(latest.completed, null)
  assert.deepEqual(
    [latest.savepoint?.is_savepoint, latest.savepoint?.savepointFormat],
    [true, 'CANONICAL'],
  )
  assert.deepEqual([history[0]?.checkpoint_type, counts.completed], ['SAVEPOINT', 1])
  await cluster.clock.advance(10_000)
  await cluster.acknowledgeAll(2)
  assert.equal(calls(cluster).filter((call) => call === 'complete 2').length, 2)
  assert.deepEqual(job.retainedCheckpoints, [`/checkpoints/${JOB_ID}/chk-2`])
})

test('A restart begins from the latest checkpoint, not from a later savepoint', async () => {
  const { cluster, job, begin } = await running()
  await cluster.clock.advance(10_000)
  await cluster.acknowledgeAll(1)
  const { outcome } = await begin()
  await cluster.acknowledgeAll(2)
  assert.notEqual((await outcome).path, null)
  const [first] = cluster.tasks()
  await cluster.taskManagers[0]?.report(first as string, 'FAILED', false, new Error('lost'))
  await cluster.clock.advance(5_000)
  assert.equal(job.state, 'RUNNING')
  const restored = [...(cluster.taskManagers[0]?.tasks.values() ?? [])].map(
    (task) => task.restored?.checkpointId,
  )
  assert.deepEqual(new Set(restored), new Set([1]))
})

test('A savepoint waits for the checkpoint under way, and checkpoints wait for it', async () => {
  const { cluster, ids, begin } = await running({
    'execution.checkpointing.max-concurrent-checkpoints': '3',
  })
  await cluster.clock.advance(10_000)
  assert.deepEqual(ids(), [1])
  const { outcome } = await begin()
  await cluster.clock.advance(20_000)
  assert.deepEqual(ids(), [1])
  await cluster.acknowledgeAll(1)
  assert.deepEqual(ids(), [1, 2])
  await cluster.clock.advance(20_000)
  assert.deepEqual(ids(), [1, 2])
  await cluster.acknowledgeAll(2)
  assert.notEqual((await outcome).path, null)
  assert.deepEqual(ids(), [1, 2, 3])
})

test('A savepoint that a task declines, or that takes too long, leaves nothing behind and the job running', async () => {
  const { cluster, job, filesystem, begin } = await running({
    'execution.checkpointing.timeout': '4 s',
  })
  const declined = await begin()
  const full = new MillraceError(
    'STATE_WRITE_FAILED',
    { domain: 'external', retry: 'backoff' },
    'Disk full.',
  )
  const [taskManager] = cluster.taskManagers
  await taskManager?.jobManager.declineCheckpoint({
    fence: taskManager.fence,
    attemptId: cluster.tasks()[0] as string,
    checkpointId: 1,
    error: toErrorData(full),
  })
  const { error } = await declined.outcome
  assert.equal(error?.code, 'SAVEPOINT_FAILED')
  assert.equal(toErrorData(error).cause?.code, 'CHECKPOINT_DECLINED')
  assert.equal(toErrorData(error).cause?.cause?.code, 'STATE_WRITE_FAILED')
  const late = await begin()
  await cluster.clock.advance(4_000)
  const expired = (await late.outcome).error
  assert.match(
    toErrorData(expired).cause?.message ?? '',
    /Savepoint 2 was not complete after 4 s: 4 of 4/,
  )
  assert.deepEqual([job.state, job.restarts], ['RUNNING', 0])
  assert.deepEqual(await filesystem.list('/savepoints'), [])
  assert.ok(calls(cluster).includes('aborted 2'))
})

test('The failure of its job ends a savepoint, also one that waits', async () => {
  const { cluster, filesystem, begin } = await running()
  const [first, second] = [await begin(), await begin()]
  await cluster.taskManagers[0]?.report(
    cluster.tasks()[0] as string,
    'FAILED',
    false,
    new Error('lost'),
  )
  await settle()
  for (const { outcome } of [first, second]) {
    const { error } = await outcome
    assert.equal(error?.code, 'SAVEPOINT_FAILED')
    assert.match(toErrorData(error).cause?.message ?? '', /the job failed/)
  }
  await settle()
  assert.deepEqual(await filesystem.list('/savepoints'), [])
})

test('What keeps a savepoint from being taken is named, and the job goes on', async () => {
  const { cluster, job, filesystem, savepoint } = await running()
  const codeOf = async (targetDirectory: string) =>
    (await savepoint({ ...REQUEST, targetDirectory } as typeof REQUEST)).error?.code
  await filesystem.writeFileAtomic('/file', new Uint8Array(1))
  assert.equal(await codeOf('/file/below'), 'SAVEPOINT_DIRECTORY_UNUSABLE')
  assert.equal(await codeOf('relative'), 'SAVEPOINT_DIRECTORY_UNUSABLE')
  assert.equal(await codeOf('nosuch://x/y'), 'SAVEPOINT_DIRECTORY_UNUSABLE')
  assert.equal(await codeOf(`/checkpoints/${JOB_ID}/mine`), 'SAVEPOINT_NOT_POSSIBLE')
  assert.deepEqual([job.state, job.statistics.counts.total], ['RUNNING', 0])
  await job.cancel()
  await cluster.clock.advance(10)
  const { error } = await savepoint()
  assert.equal(error?.code, 'SAVEPOINT_NOT_POSSIBLE')
  assert.match(error?.message ?? '', /is CANCELED/)
})

const NO_CHECKPOINTS = {
  'execution.checkpointing.interval': '0',
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.delay': '1 s',
  'restart-strategy.fixed-delay.attempts': '9',
}

/** From which checkpoints its tasks were restored, since `from` deployments. */
const restoredIds = (cluster: ClusterHarness, from: number) => [
  ...new Set(
    cluster.taskManagers.flatMap(({ deployed }) =>
      deployed.slice(from).map(({ restored }) => restored?.checkpointId ?? null),
    ),
  ),
]

async function failAndRestart(cluster: ClusterHarness): Promise<void> {
  const [taskManager] = cluster.taskManagers
  const [attemptId] = taskManager?.tasks.keys() ?? []
  await taskManager?.report(attemptId as string, 'FAILED', false, new Error('down'))
  await cluster.clock.advance(1100)
}

test('A job that takes no checkpoints has savepoints, and begins anew after a failure', async () => {
  const { cluster, job, filesystem, orders, begin } = await running(NO_CHECKPOINTS)
  await cluster.clock.advance(3_600_000)
  assert.deepEqual(orders(), [])
  const { outcome } = await begin()
  await cluster.acknowledgeAll(1)
  const { path } = await outcome
  assert.equal((await readCheckpoint(path as string, filesystem)).checkpointId, 1)
  assert.equal(await filesystem.status('/checkpoints'), null)
  await failAndRestart(cluster)
  assert.deepEqual([job.state, job.restarts], ['RUNNING', 1])
  assert.deepEqual(restoredIds(cluster, 0), [null])
  await assert.rejects(job.takeCheckpoint(false), { code: 'CHECKPOINT_NOT_POSSIBLE' })
  for (const taskManager of cluster.taskManagers) await taskManager.endAll()
  await settle()
  assert.equal(job.state, 'FINISHED')
  assert.ok(calls(cluster).some((call) => /^finish \d end-of-input$/.test(call)))
})

test('Started from a savepoint, a job that takes no checkpoints goes back to that', async () => {
  const first = await running(NO_CHECKPOINTS)
  const { outcome } = await first.begin()
  await first.cluster.acknowledgeAll(1)
  const { path } = await outcome
  const cluster = new ClusterHarness({}, {}, first.filesystem)
  await cluster.start(2, 1)
  const options = { ...OPTIONS, ...NO_CHECKPOINTS, 'execution.state-recovery.path': path as string }
  const job = await cluster.submit(pipeline(2, options))
  assert.deepEqual([job.state, restoredIds(cluster, 0)], ['RUNNING', [1]])
  await failAndRestart(cluster)
  assert.deepEqual([job.state, job.restarts, restoredIds(cluster, 0)], ['RUNNING', 1, [1]])
  await cluster.clock.advance(3_600_000)
  assert.equal(job.statistics.counts.total, 0)
})

test('A savepoint stops a job that takes no checkpoints, and its sinks commit', async () => {
  for (const after of ['suspend', 'drain'] as const) {
    const { cluster, job, begin } = await running(NO_CHECKPOINTS)
    const { outcome } = await begin({ ...REQUEST, after } as never)
    // Drained, all of them are at their end before the savepoint is complete.
    if (after === 'drain') for (const each of cluster.taskManagers) await each.endAll()
    await settle()
    assert.equal(job.state, 'RUNNING')
    await cluster.acknowledgeAll(1)
    const { path } = await outcome
    assert.deepEqual([job.state, job.stoppedBy], ['FINISHED', path])
    for (const { calls } of cluster.taskManagers) {
      const order = calls.filter((call) => /complete|finish/.test(call))
      assert.match(order.join(), /^complete 1,finish \d checkpoint$/)
    }
  }
})

test('A job that is ending has no savepoints', async () => {
  const { cluster, savepoint } = await running()
  for (const taskManager of cluster.taskManagers) await taskManager.endAll()
  await settle()
  assert.match((await savepoint()).error?.message ?? '', /all its input is read/)
})
