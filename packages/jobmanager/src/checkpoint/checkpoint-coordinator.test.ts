/**
 * The checkpoint protocol among fake TaskManagers: completion, decline, expiry, restore, the final
 * one, coordinators, directories.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { CoordinatorContext, OperatorCoordinator } from '@millrace/connector'
import { MillraceError, toErrorData } from '@millrace/core'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { CHECKPOINTED, ClusterHarness, JOB_ID, pipeline } from '../testing/cluster-harness.ts'
import { settle } from '../testing/manual-clock.ts'

const directory = '/checkpoints'

async function running(options: Record<string, string> = {}, cluster = new ClusterHarness()) {
  await cluster.start(2, 1)
  const job = await cluster.submit(pipeline(2, { ...CHECKPOINTED, ...options }))
  assert.equal(job.state, 'RUNNING')
  return { cluster, job }
}

const calls = (cluster: ClusterHarness) => cluster.taskManagers.flatMap((tm) => tm.calls)

const full = new MillraceError(
  'STATE_WRITE_FAILED',
  { domain: 'external', retry: 'backoff' },
  'Disk full.',
)

function decline(cluster: ClusterHarness, checkpointId: number): Promise<void> | undefined {
  const [taskManager] = cluster.taskManagers
  const [attemptId] = cluster.tasks()
  return taskManager?.jobManager.declineCheckpoint({
    fence: taskManager.fence,
    attemptId: attemptId as string,
    checkpointId,
    error: toErrorData(full),
  })
}

test('A checkpoint triggers the sources and completes when every task has acknowledged', async () => {
  const { cluster, job } = await running()
  await cluster.clock.advance(10_000)
  const triggered = cluster.taskManagers.flatMap(({ triggers }) => triggers)
  assert.deepEqual(triggered.flatMap(({ attemptIds }) => attemptIds).sort(), [
    `${JOB_ID}_v-source_0_0`,
    `${JOB_ID}_v-source_1_0`,
  ])
  for (const { order } of triggered) {
    assert.deepEqual(
      { ...order, timestampMs: 0 },
      { id: 1, timestampMs: 0, kind: 'checkpoint', align: 'exactly-once', after: 'go-on' },
    )
  }
  await cluster.taskManagers[0]?.acknowledgeAll(1)
  await settle()
  assert.equal(job.statistics.counts.completed, 0)
  await cluster.acknowledgeAll(1)
  assert.deepEqual(job.statistics.counts, {
    restored: 0,
    total: 1,
    in_progress: 0,
    completed: 1,
    failed: 0,
  })
  assert.equal(calls(cluster).filter((call) => call === 'complete 1').length, 2)
  const entry = job.statistics.answer().latest.completed
  assert.equal(entry?.num_acknowledged_subtasks, 4)
  assert.equal(entry?.state_size, 4)
  await cluster.clock.advance(9_999)
  assert.equal(job.statistics.counts.total, 1)
  await cluster.clock.advance(1)
  assert.equal(job.statistics.counts.total, 2)
})

test('Incremental checkpoints build upon the latest that is complete, and not upon what failed', async () => {
  const incremental = { 'execution.checkpointing.incremental': 'true' }
  const inDirectory = { 'execution.checkpointing.dir': `file://${directory}` }
  const sinceOf = (cluster: ClusterHarness, id: number) =>
    cluster.taskManagers
      .flatMap(({ triggers }) => triggers)
      .filter(({ order }) => order.id === id)
      .map(({ order }) => order.incremental)[0]
  const options = { 'execution.checkpointing.tolerable-failed-checkpoints': '9' }
  const disk = new ClusterHarness({}, {}, new MemoryFilesystem())
  const { cluster } = await running({ ...incremental, ...inDirectory, ...options }, disk)
  await cluster.clock.advance(10_000)
  assert.deepEqual(sinceOf(cluster, 1), { since: null })
  await cluster.acknowledgeAll(1)
  await cluster.clock.advance(10_000)
  assert.deepEqual(sinceOf(cluster, 2), { since: 1 })
  await decline(cluster, 2)
  await settle()
  await cluster.clock.advance(10_000)
  assert.deepEqual(sinceOf(cluster, 3), { since: 1 })
  await cluster.acknowledgeAll(3)
  await cluster.clock.advance(10_000)
  assert.deepEqual(sinceOf(cluster, 4), { since: 3 })
  const inMemory = await running(incremental)
  await inMemory.cluster.clock.advance(10_000)
  assert.equal(sinceOf(inMemory.cluster, 1), undefined)
})

test('The pause between checkpoints counts from the end of the last', async () => {
  const { cluster, job } = await running({ 'execution.checkpointing.min-pause': '15 s' })
  await cluster.clock.advance(14_000)
  await cluster.acknowledgeAll(1)
  await cluster.clock.advance(14_999)
  assert.equal(job.statistics.counts.total, 1)
  await cluster.clock.advance(1)
  assert.equal(job.statistics.counts.total, 2)
})

test('A declined checkpoint fails the job unless failures are tolerated', async () => {
  const strict = await running()
  await strict.cluster.clock.advance(10_000)
  await decline(strict.cluster, 1)
  await settle()
  assert.equal(strict.job.state, 'RESTARTING')
  const root = strict.job.failures.entries[0]?.root.error
  assert.equal(root?.code, 'CHECKPOINT_FAILURES_EXCEEDED')
  assert.equal(root?.cause?.code, 'CHECKPOINT_DECLINED')
  assert.equal(root?.cause?.cause?.code, 'STATE_WRITE_FAILED')
  const tolerant = await running({ 'execution.checkpointing.tolerable-failed-checkpoints': '1' })
  await tolerant.cluster.clock.advance(10_000)
  await decline(tolerant.cluster, 1)
  await settle()
  assert.equal(tolerant.job.state, 'RUNNING')
  assert.ok(calls(tolerant.cluster).includes('aborted 1'))
  await tolerant.cluster.clock.advance(10_000)
  await decline(tolerant.cluster, 2)
  await settle()
  assert.equal(tolerant.job.state, 'RESTARTING')
})

test('A trigger that does not reach a TaskManager ends its checkpoint, and the job goes on to the next', async () => {
  const { cluster, job } = await running()
  const gateway = job.graph.vertices.get('v-source')?.subtasks[0]?.current.slot?.taskManager
    .gateway as unknown as { triggerCheckpoint(request: object): Promise<void> }
  const trigger = gateway.triggerCheckpoint
  gateway.triggerCheckpoint = async () => {
    gateway.triggerCheckpoint = trigger
    throw new Error('not reached')
  }
  await cluster.clock.advance(10_000)
  assert.equal(job.state, 'RUNNING')
  assert.equal(job.statistics.counts.failed, 1)
  assert.match(job.statistics.answer().latest.failed?.failure_message ?? '', /could not be started/)
  await cluster.clock.advance(10_000)
  await cluster.acknowledgeAll(2)
  assert.equal(job.statistics.counts.completed, 1)
  assert.deepEqual(job.failures.entries, [])
})

test('The final checkpoint is tried again after a pause when it could not be started', async () => {
  const { cluster, job } = await running()
  const gateway = job.graph.vertices.get('v-source')?.subtasks[0]?.current.slot?.taskManager
    .gateway as unknown as { triggerCheckpoint(request: object): Promise<void> }
  const trigger = gateway.triggerCheckpoint
  gateway.triggerCheckpoint = () => Promise.reject(new Error('not reached'))
  for (const taskManager of cluster.taskManagers) await taskManager.endAll()
  await cluster.clock.advance(1200)
  assert.equal(job.statistics.counts.failed, 3)
  assert.equal(job.state, 'RUNNING')
  gateway.triggerCheckpoint = trigger
  await cluster.clock.advance(500)
  await cluster.acknowledgeAll(4)
  assert.equal(job.state, 'FINISHED')
})

test('A checkpoint that takes too long expires', async () => {
  const { cluster, job } = await running({
    'execution.checkpointing.timeout': '5 s',
    'execution.checkpointing.tolerable-failed-checkpoints': '3',
  })
  await cluster.clock.advance(15_000)
  assert.equal(job.statistics.counts.failed, 1)
  assert.match(job.statistics.answer().latest.failed?.failure_message ?? '', /4 of 4 subtasks/)
  await cluster.acknowledgeAll(1)
  assert.equal(job.statistics.counts.completed, 0)
  assert.equal(job.state, 'RUNNING')
})

test('After a failure tasks get the state of the latest checkpoint', async () => {
  const { cluster, job } = await running()
  await cluster.clock.advance(10_000)
  await cluster.acknowledgeAll(1)
  await cluster.clock.advance(10_000)
  cluster.taskManagers[1]?.kill()
  await settle()
  assert.equal(job.statistics.counts.failed, 1)
  await cluster.addTaskManager(2)
  await cluster.clock.advance(1_000)
  assert.equal(job.state, 'RUNNING')
  const [deployment] = [...(cluster.taskManagers[2]?.tasks.values() ?? [])]
  assert.equal(deployment?.restored?.checkpointId, 1)
  assert.deepEqual(Object.keys(deployment?.restored?.operators ?? {}), [
    deployment?.vertex.operators[0]?.id,
  ])
  assert.equal(job.statistics.answer().latest.restored?.id, 1)
  await cluster.clock.advance(10_000)
  assert.equal(job.statistics.answer().history[0]?.id, 3)
})

test('When all input is read a final checkpoint comes before the end', async () => {
  const { cluster, job } = await running()
  for (const taskManager of cluster.taskManagers) await taskManager.endAll()
  await settle()
  assert.ok(calls(cluster).includes('trigger 1'))
  assert.ok(!calls(cluster).some((call) => call.startsWith('finish')))
  await cluster.acknowledgeAll(1)
  assert.equal(job.state, 'FINISHED')
  for (const taskManager of cluster.taskManagers) {
    const order = taskManager.calls.filter((call) => /complete|finish/.test(call))
    assert.match(order.join(), /^complete 1,finish \d checkpoint$/)
  }
})

test('The final checkpoint waits for the one that is under way', async () => {
  const { cluster, job } = await running()
  await cluster.clock.advance(10_000)
  for (const taskManager of cluster.taskManagers) await taskManager.endAll()
  await settle()
  assert.equal(job.statistics.counts.total, 1)
  await cluster.acknowledgeAll(1)
  assert.equal(job.statistics.counts.total, 2)
  await cluster.acknowledgeAll(2)
  assert.equal(job.state, 'FINISHED')
})

const NO_CHECKPOINTS_AFTER = {
  'execution.checkpointing.checkpoints-after-tasks-finish.enabled': 'false',
}

test('Told so, it takes none once a task is at the end of its input, and the job ends without a last one', async () => {
  const filesystem = new MemoryFilesystem()
  const withFiles = new ClusterHarness({}, {}, filesystem)
  const { cluster, job } = await running(NO_CHECKPOINTS_AFTER, withFiles)
  const [first] = cluster.taskManagers
  const [ended] = first?.tasks.keys() ?? []
  await first?.report(ended as string, 'RUNNING', true)
  await cluster.clock.advance(60_000)
  assert.equal(job.statistics.counts.total, 0)
  for (const taken of [
    job.takeCheckpoint(false),
    job.savepoint({ targetDirectory: 'file:///s', format: 'canonical' }),
  ]) {
    await assert.rejects(taken, /a task is at the end of its input, and 'execution.*' is false/)
  }
  for (const taskManager of cluster.taskManagers) await taskManager.endAll()
  await settle()
  assert.equal(job.statistics.counts.total, 0)
  assert.equal(job.state, 'FINISHED')
  assert.ok(calls(cluster).includes('finish 2 earlier-checkpoint 0'))
})

test('Without a last one it still waits for the checkpoint under way, and its sinks commit it', async () => {
  const { cluster, job } = await running(NO_CHECKPOINTS_AFTER)
  await cluster.clock.advance(10_000)
  for (const taskManager of cluster.taskManagers) await taskManager.endAll()
  await settle()
  assert.equal(job.state, 'RUNNING')
  await cluster.acknowledgeAll(1)
  assert.equal(job.state, 'FINISHED')
  for (const taskManager of cluster.taskManagers) {
    const order = taskManager.calls.filter((call) => /complete|finish/.test(call))
    assert.match(order.join(), /^complete 1,finish \d earlier-checkpoint 1$/)
  }
})

test('A restart takes checkpoints again, until a task is at the end of its input anew', async () => {
  const { cluster, job } = await running({
    ...NO_CHECKPOINTS_AFTER,
    'restart-strategy.type': 'fixed-delay',
  })
  const [first] = cluster.taskManagers
  const [ended, other] = first?.tasks.keys() ?? []
  await first?.report(ended as string, 'RUNNING', true)
  await first?.report(other as string, 'FAILED', false, full)
  await cluster.clock.advance(1000)
  assert.equal(job.state, 'RUNNING')
  await cluster.clock.advance(10_000)
  assert.equal(job.statistics.counts.total, 1)
})

/** Counts up; assigns what a reader asks for. */
function enumerator(log: string[], restoredStates: unknown[]) {
  return (_config: unknown, context: CoordinatorContext): OperatorCoordinator => {
    let assigned = 0
    return {
      start(restored) {
        restoredStates.push(restored)
        assigned = (restored as number | null) ?? 0
      },
      subtaskReady: (subtask) => context.sendEvent(subtask, { ready: subtask }),
      subtaskFailed: (subtask) => void log.push(`failed ${subtask}`),
      handleEvent(subtask, event) {
        assigned++
        context.sendEvent(subtask, { split: event })
        return { assigned }
      },
      snapshot(checkpointId) {
        log.push(`snapshot ${checkpointId}`)
        context.sendEvent(0, 'after-snapshot')
        return assigned
      },
      notifyCheckpointComplete: (checkpointId) => void log.push(`complete ${checkpointId}`),
      handleClientRequest: (request) => ({ request, assigned }),
      jobEnded: (state) => void log.push(state),
      close: () => void log.push('close'),
    }
  }
}

test('A coordinator’s events are split by its snapshot, and its state is restored', async () => {
  const log: string[] = []
  const restored: unknown[] = []
  const cluster = new ClusterHarness({}, { numbers: enumerator(log, restored) })
  await cluster.start(1)
  const job = await cluster.submit(pipeline(1, CHECKPOINTED, 'numbers'))
  const [taskManager] = cluster.taskManagers
  assert.ok(taskManager)
  const source = cluster.tasks().find((id) => id.includes('source')) as string
  const { answer } = await taskManager.jobManager.operatorEvent({
    fence: taskManager.fence,
    attemptId: source,
    operatorId: 'op-source',
    event: 'a',
  })
  assert.deepEqual(answer, { assigned: 1 })
  await cluster.clock.advance(10_000)
  assert.deepEqual(
    taskManager.calls.filter((call) => /event|trigger/.test(call)),
    ['event {"ready":0}', 'event {"split":"a"}', 'trigger 1', 'event "after-snapshot"'],
  )
  await cluster.acknowledgeAll(1)
  assert.ok(log.includes('complete 1'))
  await taskManager.report(source, 'FAILED', false, new Error('x'))
  await cluster.clock.advance(1_000)
  assert.deepEqual(restored, [null, 1])
  assert.ok(log.includes('failed 0') && log.includes('close'))
  assert.deepEqual(await job.clientRequest('v-source', 'op-source', 'q'), {
    request: 'q',
    assigned: 1,
  })
  job.cancel()
  await settle()
  assert.equal(log.at(-1), 'CANCELED')
  assert.deepEqual(await job.clientRequest('v-source', 'op-source', 'q'), {
    request: 'q',
    assigned: 1,
  })
  await cluster.clock.advance(300_000)
  await assert.rejects(job.clientRequest('v-source', 'op-source', 'q'), {
    code: 'COORDINATOR_NOT_FOUND',
  })
})

test('Checkpoints in a directory: the newest are kept, and a new job starts from one at another parallelism', async () => {
  const options = {
    'execution.checkpointing.dir': `file://${directory}`,
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
  }
  const filesystem = new MemoryFilesystem()
  const kept = () => filesystem.namesIn(`${directory}/${JOB_ID}`).join()
  const cluster = new ClusterHarness({}, {}, filesystem)
  await cluster.start(2)
  const job = await cluster.submit(pipeline(2, { ...CHECKPOINTED, ...options }))
  assert.equal(job.state, 'RUNNING')
  for (const id of [1, 2]) {
    await cluster.clock.advance(10_000)
    await cluster.acknowledgeAll(id)
    assert.equal(job.statistics.counts.completed, id)
  }
  assert.equal(kept(), 'chk-2')
  job.cancel()
  await settle()
  assert.equal(job.state, 'CANCELED')
  assert.equal(kept(), 'chk-2')
  const path = `${directory}/${JOB_ID}/chk-2`
  const next = new ClusterHarness({ 'execution.checkpointing.dir': directory }, {}, filesystem)
  await next.start(3)
  const graph = pipeline(3, { ...CHECKPOINTED, 'execution.savepoint.path': path })
  const restored = await next.submit({ ...graph, jobId: 'f'.repeat(32) })
  assert.equal(restored.state, 'RUNNING')
  const counts = [...(next.taskManagers[0]?.tasks.values() ?? [])].map(
    (task) => Object.keys(task.restored?.operators ?? {}).length,
  )
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    4,
  )
})

test('A checkpoint directory that cannot be written fails the job at its start', async () => {
  const filesystem = new MemoryFilesystem()
  await filesystem.writeFileAtomic('/file', new Uint8Array(0))
  const cluster = new ClusterHarness({}, {}, filesystem)
  await cluster.start(1)
  const job = await cluster.submit(
    pipeline(1, { ...CHECKPOINTED, 'execution.checkpointing.dir': '/file/below' }),
  )
  assert.equal(job.state, 'FAILED')
  assert.equal(job.failureCause?.code, 'CHECKPOINT_DIRECTORY_UNUSABLE')
})

test('What a failing disk keeps of the try whether a directory can be written is removed when it can', async (t) => {
  const filesystem = new MemoryFilesystem()
  const write = filesystem.writeFileAtomic.bind(filesystem)
  t.mock.method(filesystem, 'writeFileAtomic', async (path: string, bytes: Uint8Array) => {
    await write(`${path}.tmp`, bytes)
    throw Object.assign(new Error('EIO: i/o error, rename'), { code: 'EIO' })
  })
  const refusing = t.mock.method(filesystem, 'remove', () => Promise.reject(new Error('EIO')))
  const cluster = new ClusterHarness({}, {}, filesystem)
  await cluster.start(1)
  const options = { ...CHECKPOINTED, 'execution.checkpointing.dir': directory }
  const job = await cluster.submit(pipeline(1, options))
  assert.equal(job.state, 'FAILED')
  assert.deepEqual(filesystem.namesIn(`${directory}/${JOB_ID}`), ['.write-probe.tmp'])
  refusing.mock.restore()
  await cluster.clock.advance(20_000)
  await settle()
  assert.deepEqual(filesystem.namesIn(`${directory}/${JOB_ID}`), [])
})
