/**
 * The TaskManager with real slot threads and real RPC, driven by a JobManager that only records.
 */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { type ErrorData, isMillraceError } from '@millrace/core'
import {
  deploy,
  deploymentsOf,
  pause,
  requestPlace,
  startTestCluster,
  type TestCluster,
  until,
  vertexOf,
} from '../testing/test-cluster.ts'

/** So many reports in a row must be alike. */
const REPORTS_AT_REST = 4

let cluster: TestCluster
afterEach(() => cluster.close())

describe('a TaskManager', () => {
  it('runs a bounded job over two slots and loses no row', async () => {
    cluster = await startTestCluster()
    const { gateway, jobManager } = cluster
    const places = [await requestPlace(cluster, 0), await requestPlace(cluster, 1)]
    const source = vertexOf(
      'source',
      2,
      [['sequence', { count: 5000, batchRows: 100, keyCount: 50 }], 'forward'],
      true,
    )
    const sink = vertexOf('sink', 2, ['sum', 'collect'], false)
    const deployments = deploymentsOf([source, sink], { kind: 'hash', keyColumns: [0] }, places)
    await deploy(cluster, deployments)
    const ids = deployments.map(({ attemptId }) => attemptId)
    const ended = (): boolean =>
      ids.every((id) => jobManager.statesOf(id).includes('RUNNING ended'))
    await until(ended, () => jobManager.states)
    await gateway.finishTasks({
      fence: cluster.fence(),
      attemptIds: ids,
      basis: { kind: 'checkpoint' },
    })
    await until(() => ids.every((id) => jobManager.statesOf(id).includes('FINISHED')))
    for (const id of ids) {
      assert.deepEqual(jobManager.statesOf(id), [
        'INITIALIZING',
        'RUNNING',
        'RUNNING ended',
        'FINISHED',
      ])
    }
    const sums = new Map(jobManager.rows())
    assert.equal(sums.size, 50)
    for (let key = 0; key < 50; key++) {
      let expected = 0
      for (let i = key; i < 5000; i += 50) expected += 2 * i
      assert.equal(sums.get(`key-${key}`), expected)
    }
    const finished = jobManager.events.filter(
      ({ event }) => (event as { finished?: boolean }).finished,
    )
    assert.equal(finished.length, 2)
  })

  it('ends a slot that spins, names its operator, and leaves the neighbour alone', async () => {
    cluster = await startTestCluster({
      'taskmanager.slot.liveness-timeout': '600 ms',
      'taskmanager.slot.prewarm': 'true',
    })
    await failsAlone('spin', 'SLOT_UNRESPONSIVE')
  })

  it('ends a slot that runs out of memory, names its operator, and leaves the neighbour alone', async () => {
    cluster = await startTestCluster({
      'taskmanager.memory.process.size': '280m',
      'taskmanager.slot.liveness-timeout': '60 s',
    })
    await failsAlone('hoard', 'SLOT_OUT_OF_MEMORY')
  })

  it('names the state table that filled a slot', async () => {
    cluster = await startTestCluster({
      'taskmanager.memory.process.size': '280m',
      'taskmanager.slot.liveness-timeout': '60 s',
    })
    const error = await failsAlone('hoard-state', 'SLOT_OUT_OF_MEMORY')
    assert.match(
      error.message,
      /MB of it are the state table 'hoard' of operator 'hoard-state\[1\]'/,
    )
  })

  it('frees slots that a newer leader does not own', async () => {
    cluster = await startTestCluster({ 'heartbeat.interval': '50 ms' })
    const place = await requestPlace(cluster, 0)
    await deploy(
      cluster,
      deploymentsOf([endlessVertex('a', 'discard')], { kind: 'forward' }, [place]),
    )
    const old = cluster.fence()
    cluster.jobManager.epoch = 2
    await cluster.gateway.heartbeat({ fence: cluster.fence() })
    await until(() => cluster.jobManager.heartbeats.at(-1)?.slots[0]?.allocationId === '')
    await assert.rejects(cluster.gateway.heartbeat({ fence: old }), (error) =>
      isMillraceError(error, 'STALE_LEADER'),
    )
    await until(() => cluster.jobManager.registrations.length === 2)
  })

  it('registers with a JobManager that starts later, and drops its work when that is lost', async () => {
    cluster = await startTestCluster({
      'heartbeat.interval': '50 ms',
      'heartbeat.timeout': '400 ms',
    })
    const { jobManager, platform } = cluster
    await requestPlace(cluster, 0)
    const address = jobManager.server!.address
    await jobManager.server!.close()
    await pause(900)
    const before = jobManager.registrations.length
    await jobManager.serve(platform, address)
    await until(() => jobManager.registrations.length > before)
    await until(() => jobManager.registrations.at(-1)!.slots[0]!.allocationId === '')
  })

  it('refuses an occupied slot and an unknown one', async () => {
    cluster = await startTestCluster()
    await requestPlace(cluster, 0)
    await assert.rejects(requestPlace(cluster, 0), (error) =>
      isMillraceError(error, 'SLOT_OCCUPIED'),
    )
    await assert.rejects(requestPlace(cluster, 7), (error) =>
      isMillraceError(error, 'SLOT_UNKNOWN'),
    )
  })

  it('shows backpressure: a sink that takes nothing stops the source', async () => {
    cluster = await startTestCluster({ 'metrics.fetcher.update-interval': '100 ms' })
    const { jobManager, taskManager } = cluster
    const places = [await requestPlace(cluster, 0)]
    const source = vertexOf('source', 1, [['sequence', { batchRows: 500, keyCount: 9 }]], true)
    const sink = vertexOf('sink', 1, ['stuck'], false)
    await deploy(cluster, deploymentsOf([source, sink], { kind: 'forward' }, places))
    /** What each report so far says of the source. */
    const reports = () =>
      jobManager.metrics.flatMap(({ tasks }) =>
        tasks.filter((task) => task.attemptId === 'job_source_0_0'),
      )
    // At rest: reports after reports, and nothing moved any more, with the source in the state that
    // it is in for good.
    const atRest = () => {
      const last = reports().slice(-REPORTS_AT_REST)
      const isStuck = (task: (typeof last)[number]) =>
        task.values?.isBackPressured === 1 &&
        task.numRecordsOut === last[0]?.numRecordsOut &&
        task.backPressuredTimeMsPerSecond > 0
      return last.length === REPORTS_AT_REST && last.every(isStuck)
    }
    await until(atRest, () => jobManager.metrics.at(-1))
    const task = reports().at(-1)!
    assert.ok(task.numRecordsOut > 0)
    for (const time of [
      task.busyTimeMsPerSecond,
      task.idleTimeMsPerSecond,
      task.backPressuredTimeMsPerSecond,
    ]) {
      assert.ok(time >= 0 && time <= 1000, `${time} ms of a second`)
    }
    const text = await taskManager.renderTaskManagerMetrics()
    const name = 'flink_taskmanager_job_task_backPressuredTimeMsPerSecond'
    const labels = '[^}]*job_name="test job"[^}]*subtask_index="0"[^}]*'
    const shown = new RegExp(`${name}\\{${labels}\\} (\\S+)`)
    const value = Number(shown.exec(text)?.[1])
    assert.ok(value > 0 && value <= 1000, `${value} ms of a second, in:\n${text}`)
    assert.match(text, /flink_taskmanager_job_task_operator_numRecordsOut\{.*operator_name=/)
  })
})

function endlessVertex(id: string, last: string) {
  return vertexOf(id, 1, [['sequence', { batchRows: 10, keyCount: 3 }], last], true)
}

/** A job whose operator `culprit` kills its slot beside one that goes on; the slot comes back. */
async function failsAlone(culprit: string, code: string): Promise<ErrorData> {
  const { jobManager } = cluster
  const places = [await requestPlace(cluster, 0), await requestPlace(cluster, 1)]
  const neighbour = deploymentsOf([endlessVertex('good', 'discard')], { kind: 'forward' }, [
    places[1]!,
  ])
  await deploy(cluster, neighbour)
  await deploy(
    cluster,
    deploymentsOf([endlessVertex('bad', culprit)], { kind: 'forward' }, [places[0]!]),
  )
  await until(() => jobManager.errorOf('job_bad_0_0') !== undefined)
  const error = jobManager.errorOf('job_bad_0_0')!
  assert.equal(error.code, code)
  assert.equal(error.location?.operator, `${culprit}[1]`)
  assert.equal(error.location?.taskManager, cluster.taskManager.taskManagerId)
  assert.match(error.message, /Slot 0 of TaskManager/)
  const metrics = await cluster.taskManager.renderTaskManagerMetrics()
  assert.match(metrics, /task_id="good"/)
  assert.deepEqual(jobManager.statesOf('job_good_0_0'), ['INITIALIZING', 'RUNNING'])
  await requestPlace(cluster, 0)
  return error
}
