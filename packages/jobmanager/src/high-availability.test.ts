/**
 * JobManagers that stand in for each other: what a takeover keeps, and what a former leader
 * can no longer do.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { JobRecordContent } from './high-availability/stored-job-record.ts'
import { JOB_ID } from './testing/cluster-harness.ts'
import type { FakeTaskManager } from './testing/fake-task-manager.ts'
import {
  CHECKPOINT_DIRECTORY,
  type HarnessMember,
  HighAvailabilityHarness,
} from './testing/high-availability-harness.ts'
import { settle } from './testing/manual-clock.ts'

const RECORD = `default/jobs/${JOB_ID}/record`

/** Two JobManagers, a TaskManager with a running job, and `checkpoints` complete checkpoints. */
async function running(checkpoints: number, configuration: Record<string, string> = {}) {
  const harness = new HighAvailabilityHarness()
  await harness.start(2)
  const taskManager = await harness.addTaskManager(2)
  const leader = harness.leader as HarnessMember
  await leader.jobManager.dispatcher.submit(harness.graph(1, configuration))
  await settle()
  const complete = async (id: number) => {
    await harness.clock.advance(10_000)
    await taskManager.acknowledgeAll(id)
    await settle()
  }
  for (let id = 1; id <= checkpoints; id++) await complete(id)
  const record = () => harness.objects.json<JobRecordContent>(RECORD)
  const onDisk = () => harness.filesystem.namesIn(`${CHECKPOINT_DIRECTORY}/${JOB_ID}`)
  return { harness, taskManager, leader, complete, record, onDisk }
}

const jobOf = (member: HarnessMember) => member.jobManager.dispatcher.get(JOB_ID)
const restoredIds = (taskManager: FakeTaskManager) =>
  new Set([...taskManager.tasks.values()].map(({ restored }) => restored?.checkpointId ?? null))

test('The next leader goes on from the last complete checkpoint, and takes its own after it', async () => {
  const { harness, taskManager, record, onDisk } = await running(2)
  assert.deepEqual(record().retained, [2])
  assert.deepEqual(onDisk(), ['chk-2'])
  const next = await harness.takeOver()
  await taskManager.follow(next.address)
  await settle()
  assert.equal(jobOf(next).state, 'RUNNING')
  assert.deepEqual(restoredIds(taskManager), new Set([2]))
  assert.ok([...taskManager.tasks.keys()].every((id) => id.endsWith('_0_e2')))
  assert.equal(taskManager.epoch, 2)
  await harness.clock.advance(10_000)
  assert.deepEqual(taskManager.triggers.at(-1)?.order.id, 4)
  await taskManager.acknowledgeAll(4)
  await settle()
  assert.deepEqual(record().retained, [4])
  assert.deepEqual(onDisk(), ['chk-4'], 'the former leader’s is dropped')
})

test('What was required of a job outlives the leader that was asked', async () => {
  const { harness, taskManager, leader, record } = await running(1)
  const bounds = { lowerBound: 1, upperBound: 2 }
  await jobOf(leader).require({ 'v-source': bounds, 'v-sink': bounds })
  assert.deepEqual(record().requirements, { 'v-source': bounds, 'v-sink': bounds })
  const next = await harness.takeOver()
  await taskManager.follow(next.address)
  await settle()
  assert.deepEqual(jobOf(next).requirements['v-sink'], bounds)
  assert.deepEqual([jobOf(next).state, taskManager.tasks.size], ['RUNNING', 4])
  assert.deepEqual(restoredIds(taskManager), new Set([1]))
})

test('Checkpoints that former leaders retained are dropped when newer ones are complete', async () => {
  const retained = { 'execution.checkpointing.num-retained': '3' }
  const { harness, taskManager, onDisk } = await running(3, retained)
  assert.deepEqual(onDisk(), ['chk-1', 'chk-2', 'chk-3'])
  const next = await harness.takeOver()
  await taskManager.follow(next.address)
  await settle()
  await harness.clock.advance(10_000)
  await taskManager.acknowledgeAll(5)
  await settle()
  assert.deepEqual(onDisk(), ['chk-2', 'chk-3', 'chk-5'])
})

test('A former leader’s checkpoint never counts: sinks are not told, and what it wrote goes', async () => {
  const { harness, taskManager, leader, record, onDisk } = await running(1)
  leader.store.writeFaults.push({ suffix: 'record', fault: 'held' })
  await harness.clock.advance(10_000)
  await taskManager.acknowledgeAll(2)
  await settle()
  assert.deepEqual(onDisk(), ['chk-1', 'chk-2'], 'its manifest is written')
  assert.ok(!taskManager.calls.includes('complete 2'))
  const next = await harness.takeOver()
  assert.deepEqual(onDisk(), ['chk-1'])
  leader.store.isCut = false
  leader.store.release()
  await settle()
  assert.deepEqual(record().retained, [1])
  assert.ok(!taskManager.calls.includes('complete 2'))
  await taskManager.follow(next.address)
  await settle()
  assert.deepEqual(restoredIds(taskManager), new Set([1]))
})

test('A checkpoint whose record was written although an error was reported is complete', async () => {
  const { harness, taskManager, leader, complete, record } = await running(1)
  leader.store.writeFaults.push({ suffix: 'record', fault: 'applied' })
  await complete(2)
  await harness.clock.advance(100)
  assert.deepEqual(record().retained, [2])
  assert.ok(taskManager.calls.includes('complete 2'))
})

test('A job that fails while a checkpoint is made to count restarts from that one', async () => {
  const { harness, taskManager, leader } = await running(1)
  leader.store.writeFaults.push({ suffix: 'record', fault: 'held' })
  await harness.clock.advance(10_000)
  await taskManager.acknowledgeAll(2)
  await settle()
  const [attemptId] = taskManager.tasks.keys()
  await taskManager.report(attemptId as string, 'FAILED', false, new Error('x'))
  await harness.clock.advance(1500)
  assert.equal(jobOf(leader).state, 'RESTARTING', 'nobody knows yet from which')
  assert.equal(taskManager.tasks.size, 0)
  leader.store.release()
  await harness.clock.advance(1500)
  assert.equal(jobOf(leader).state, 'RUNNING')
  assert.deepEqual(restoredIds(taskManager), new Set([2]))
})

test('An end shows only once it is durable, and the next leader knows it', async () => {
  const { harness, leader } = await running(1)
  leader.store.writeFaults.push({ suffix: 'record', fault: 'held' })
  const cancelled = jobOf(leader).cancel()
  await settle()
  assert.equal(jobOf(leader).state, 'CANCELLING')
  leader.store.release()
  await cancelled
  await settle()
  assert.equal(jobOf(leader).state, 'CANCELED')
  assert.deepEqual(harness.filesystem.namesIn(CHECKPOINT_DIRECTORY), [])
  assert.ok(!harness.objects.keys().includes(`default/jobs/${JOB_ID}/graph`))
  const next = await harness.takeOver()
  assert.equal(jobOf(next).state, 'CANCELED')
  await assert.rejects(next.jobManager.dispatcher.submit(harness.graph()), {
    code: 'JOB_ALREADY_SUBMITTED',
  })
})

for (const retention of ['DELETE_ON_CANCELLATION', 'RETAIN_ON_CANCELLATION']) {
  test(`A job whose cancellation had begun is cancelled by the next leader, not run (${retention})`, async () => {
    const { harness, taskManager, leader, record } = await running(2, {
      'execution.checkpointing.externalized-checkpoint-retention': retention,
    })
    taskManager.autoCancel = false
    await jobOf(leader).cancel()
    assert.equal(record().result, null)
    const next = await harness.takeOver()
    const job = jobOf(next)
    assert.equal(job.state, 'CANCELED')
    const path = `${CHECKPOINT_DIRECTORY}/${JOB_ID}/chk-2`
    const kept = retention === 'RETAIN_ON_CANCELLATION' ? [path] : []
    assert.deepEqual(job.retainedCheckpoints, kept)
    assert.equal((await harness.filesystem.status(path)) !== null, kept.length > 0)
    leader.store.isCut = false
    await harness.clock.advance(3000)
    assert.deepEqual(jobOf(await harness.takeOver()).retainedCheckpoints, kept)
  })
}

test('A checkpoint that is made to count while the job is cancelled is among those it leaves', async () => {
  const { harness, taskManager, leader, record, onDisk } = await running(1, {
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
  })
  leader.store.writeFaults.push({ suffix: 'record', fault: 'held' })
  await harness.clock.advance(10_000)
  await taskManager.acknowledgeAll(2)
  await settle()
  const cancelled = jobOf(leader).cancel()
  await settle()
  assert.equal(jobOf(leader).state, 'CANCELLING')
  leader.store.release()
  await cancelled
  await settle()
  assert.equal(jobOf(leader).state, 'CANCELED')
  assert.deepEqual(onDisk(), ['chk-2'])
  assert.deepEqual(record().retained, [2])
  assert.match(record().result?.checkpoints.join() ?? '', /chk-2$/)
})

test('What an ended job left behind is removed by the next leader', async (t) => {
  const { harness, leader } = await running(1)
  // It gets no further than to the end of the job.
  const hanging = t.mock.method(harness.filesystem, 'remove', () => new Promise<void>(() => {}))
  await jobOf(leader).cancel()
  await settle()
  hanging.mock.restore()
  assert.equal(jobOf(leader).state, 'CANCELED')
  assert.deepEqual(harness.filesystem.namesIn(CHECKPOINT_DIRECTORY), [JOB_ID])
  await harness.takeOver()
  assert.deepEqual(harness.filesystem.namesIn(CHECKPOINT_DIRECTORY), [])
  assert.ok(!harness.objects.keys().includes(`default/jobs/${JOB_ID}/graph`))
})

test('What a disk refuses to remove of an ended job is tried again, not left to the next leader', async (t) => {
  const { harness, leader } = await running(1)
  const hanging = t.mock.method(harness.filesystem, 'remove', () => new Promise<void>(() => {}))
  await jobOf(leader).cancel()
  await settle()
  hanging.mock.restore()
  const failing = t.mock.method(harness.filesystem, 'remove', () =>
    Promise.reject(new Error('EIO')),
  )
  await harness.takeOver()
  assert.deepEqual(harness.filesystem.namesIn(CHECKPOINT_DIRECTORY), [JOB_ID])
  failing.mock.restore()
  await harness.clock.advance(20_000)
  await settle()
  assert.deepEqual(harness.filesystem.namesIn(CHECKPOINT_DIRECTORY), [])
  assert.ok(!harness.objects.keys().includes(`default/jobs/${JOB_ID}/graph`))
})

test('A leader that lost the lease stops without touching tasks, refuses calls, and may lead again', async () => {
  const { harness, taskManager, leader } = await running(1)
  const calls = taskManager.calls.length
  const job = jobOf(leader)
  const next = await harness.takeOver()
  assert.equal(job.state, 'SUSPENDED')
  assert.deepEqual(
    taskManager.calls.slice(calls).filter((call) => !/^(trigger|aborted)/.test(call)),
    [],
  )
  assert.throws(() => leader.jobManager.dispatcher, {
    code: 'NOT_LEADER',
    message: /knows none that does/,
  })
  await assert.rejects(taskManager.acknowledgeAll(2), { code: 'NOT_LEADER' })
  leader.store.isCut = false
  await harness.clock.advance(3000)
  assert.throws(() => leader.jobManager.dispatcher, {
    message: new RegExp(`'${next.jobManager.id}' does, at ${next.address}`),
  })
  next.store.isCut = true
  await harness.clock.advance(14_000)
  await settle()
  assert.equal(harness.leader, leader)
  assert.equal(leader.jobManager.epoch, 3)
  await taskManager.follow(leader.address)
  await settle()
  assert.equal(jobOf(leader).state, 'RUNNING')
})

test('A job whose checkpoints cannot be read at the takeover waits, says why, and goes on', async (t) => {
  const { harness, taskManager } = await running(1)
  const away = t.mock.method(harness.filesystem, 'readFile', async () => {
    throw new Error('the disk is away')
  })
  const next = await harness.takeOver()
  await taskManager.follow(next.address)
  await harness.clock.advance(30_000)
  assert.equal(jobOf(next).state, 'INITIALIZING')
  assert.match(jobOf(next).statusReason() ?? '', /tries again after: .*\bchk-1\b/)
  away.mock.restore()
  await harness.clock.advance(11_000)
  await settle()
  assert.equal(jobOf(next).state, 'RUNNING')
})

test('A job whose checkpoints another JobManager would not find is refused', async () => {
  const harness = new HighAvailabilityHarness()
  await harness.start(1)
  const graph = harness.graph(1, { 'execution.checkpointing.storage': 'jobmanager' })
  const { dispatcher } = (harness.leader as HarnessMember).jobManager
  await assert.rejects(dispatcher.submit(graph), { code: 'CHECKPOINTS_NOT_SHARED' })
  assert.deepEqual(harness.objects.keys(), ['default/leader'])
  await dispatcher.submit(harness.graph(1))
})

test('A second submission of the same job waits for the first: its outcome decides', async () => {
  const harness = new HighAvailabilityHarness()
  await harness.start(2)
  const leader = harness.leader as HarnessMember
  const { dispatcher } = leader.jobManager
  leader.store.writeFaults.push({ suffix: 'graph', fault: 'held' })
  const first = dispatcher.submit(harness.graph())
  await settle()
  const second = dispatcher.submit(harness.graph())
  leader.store.release()
  assert.equal((await first).jobId, JOB_ID)
  await assert.rejects(second, { code: 'JOB_ALREADY_SUBMITTED' })
  const other = { ...harness.graph(), jobId: 'f'.repeat(32) }
  leader.store.writeFaults.push({ suffix: 'graph', fault: 'held' })
  const lost = [dispatcher.submit(other), dispatcher.submit(other)]
  const refused = lost.map((each) => assert.rejects(each, { code: 'LEADERSHIP_LOST' }))
  await harness.takeOver()
  leader.store.release()
  await harness.clock.advance(5000)
  await Promise.all(refused)
})

test('A JobManager that stops in order hands over at once', async () => {
  const { harness, taskManager, leader } = await running(1)
  await leader.jobManager.stop()
  await harness.clock.advance(2500)
  await settle()
  const next = harness.leader as HarnessMember
  assert.notEqual(next, leader)
  await taskManager.follow(next.address)
  await settle()
  assert.equal(jobOf(next).state, 'RUNNING')
  assert.deepEqual(restoredIds(taskManager), new Set([1]))
})

const STOP = { targetDirectory: '/savepoints', format: 'canonical', after: 'suspend' } as const

/** A job whose stop has come to the point where all tasks have acknowledged checkpoint 2. */
async function stopping(fault: 'held' | 'none') {
  const setting = await running(1)
  const { leader, taskManager, harness } = setting
  const stopped = leader.jobManager.dispatcher.stopWithSavepoint(JOB_ID, STOP)
  stopped.catch(() => {})
  await settle()
  taskManager.autoFinish = false
  if (fault !== 'none') leader.store.writeFaults.push({ suffix: 'record', fault })
  await taskManager.acknowledgeAll(2)
  await settle()
  const savepoints = () => harness.filesystem.namesIn('/savepoints')
  return { ...setting, stopped, savepoints }
}

test('A leader lost before its record says that the job is stopped leaves it running, and no savepoint', async () => {
  const { harness, taskManager, leader, record, savepoints } = await stopping('held')
  assert.equal(record().stop?.isDecided, false)
  assert.equal(savepoints().length, 1, 'its manifest is written')
  assert.ok(!taskManager.calls.includes('complete 2'))
  taskManager.autoFinish = true
  const next = await harness.takeOver()
  await taskManager.follow(next.address)
  await settle()
  leader.store.isCut = false
  leader.store.release()
  await settle()
  assert.equal(jobOf(next).state, 'RUNNING')
  assert.deepEqual(restoredIds(taskManager), new Set([1]))
  assert.deepEqual(savepoints(), [])
  await harness.clock.advance(10_000)
  await taskManager.acknowledgeAll(taskManager.triggers.at(-1)?.order.id as number)
  await settle()
  assert.equal(jobOf(next).statistics.counts.completed, 1)
})

test('A leader lost after its record says that the job is stopped: the next only ends it', async () => {
  const { harness, taskManager, record, savepoints, onDisk } = await stopping('none')
  assert.equal(record().stop?.isDecided, true)
  assert.equal(record().result, null)
  taskManager.autoFinish = true
  const next = await harness.takeOver()
  const before = taskManager.deployed.length
  await taskManager.follow(next.address)
  await settle()
  await harness.clock.advance(1_000)
  assert.equal(jobOf(next).state, 'FINISHED')
  const again = taskManager.deployed.slice(before)
  assert.ok(again.length > 0)
  for (const { suspended, restored } of again) {
    assert.deepEqual([suspended, restored?.checkpointId], [true, 2])
  }
  assert.equal(savepoints().length, 1)
  assert.deepEqual(jobOf(next).retainedCheckpoints, [`/savepoints/${savepoints()[0]}`])
  assert.deepEqual(onDisk(), [])
})

test('A job that was stopped, and whose savepoint somebody has taken away before it ended, fails by name', async () => {
  const { harness, savepoints } = await stopping('none')
  await harness.filesystem.remove(`/savepoints/${savepoints()[0]}`)
  const next = await harness.takeOver()
  await settle()
  assert.equal(jobOf(next).state, 'FAILED')
  assert.equal(jobOf(next).failureCause?.code, 'CHECKPOINT_NOT_FOUND')
})
