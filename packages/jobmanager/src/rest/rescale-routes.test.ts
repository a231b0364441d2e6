/** What REST shows of the rescales of a job. */
import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { CHECKPOINTED, ClusterHarness, JOB_ID, pipeline } from '../testing/cluster-harness.ts'
import { createRestServer } from './rest-server.ts'
import { slotSharingGroupId } from './vertex-view.ts'

async function serving(options: Record<string, string>) {
  const cluster = new ClusterHarness({ ...options, 'restart-strategy.type': 'fixed-delay' })
  await cluster.start(4)
  const server = createRestServer(cluster.jobManager)
  after(() => server.close())
  const job = await cluster.submit(pipeline(2, CHECKPOINTED))
  const get = async (path: string) => {
    const answer = await server.inject({ method: 'GET', url: `/v1/jobs/${JOB_ID}/rescales${path}` })
    return { status: answer.statusCode, body: answer.json() }
  }
  const require = async (upperBound: number) => {
    const bounds = { lowerBound: 1, upperBound }
    await job.require({ 'v-source': bounds, 'v-sink': bounds })
    await cluster.clock.advance(50)
  }
  return { cluster, get, require }
}

test('Each rescale says where from, where to, why and how long; what failed before is ignored', async () => {
  const { cluster, get, require } = await serving({
    'web.adaptive-scheduler.rescale-history.size': '5',
  })
  await require(4)
  assert.deepEqual((await get('/overview')).body.rescalesCounts, {
    ...{ ignored: 0, inProgress: 1, completed: 0, failed: 0 },
  })
  await cluster.acknowledgeAll(1)
  await cluster.clock.advance(10)
  const [shown] = (await get('/history')).body
  assert.deepEqual(
    [shown.triggerCause, shown.terminalState, shown.terminatedReason, shown.rescaleAttemptId],
    ['UPDATE_REQUIREMENT', 'COMPLETED', 'SUCCEEDED', 1],
  )
  assert.ok(shown.endTimestampInMillis - shown.startTimestampInMillis >= 50)
  const { body: details } = await get(`/details/${shown.rescaleUuid}`)
  assert.deepEqual(details.vertices['v-sink'], {
    ...{ jobVertexId: 'v-sink', jobVertexName: 'sink' },
    ...{ slotSharingGroupId: slotSharingGroupId('default'), slotSharingGroupName: 'default' },
    ...{ desiredParallelism: 4, sufficientParallelism: 1 },
    ...{ preRescaleParallelism: 2, postRescaleParallelism: 4 },
  })
  const states = details.schedulerStates.map(({ state }: { state: string }) => state)
  assert.deepEqual(states, ['Executing', 'Restarting'])
  await require(1)
  const [taskManager] = cluster.taskManagers
  const [attemptId] = taskManager?.tasks.keys() ?? []
  await taskManager?.report(attemptId as string, 'FAILED', false, new Error('Down.'))
  await cluster.clock.advance(5_000)
  const { body: overview } = await get('/overview')
  assert.equal(overview.latest.ignored.terminatedReason, 'JOB_FAILOVER_RESTARTING')
  const { body: summary } = await get('/summary')
  assert.deepEqual([summary.rescalesCounts.completed, summary.rescalesCounts.ignored], [1, 1])
  assert.ok(summary.completedRescalesDurationStatsInMillis.max >= 50)
  assert.equal((await get(`/details/${'0'.repeat(32)}`)).status, 404)
})

test('Without a history nothing is shown, as in the reference', async () => {
  const { get } = await serving({})
  for (const path of ['/overview', '/history', '/summary', `/details/${'0'.repeat(32)}`]) {
    const { status, body } = await get(path)
    assert.equal(status, 404, path)
    assert.match(body.errors[0], /RESCALES_UNAVAILABLE.*rescale-history\.size/)
  }
})

test('How a job follows its slots is shown of one that does', async () => {
  const { get } = await serving({ 'jobmanager.scheduler': 'adaptive' })
  assert.deepEqual(await get('/config'), {
    status: 200,
    body: {
      rescaleHistoryMax: 0,
      schedulerExecutionMode: null,
      submissionResourceWaitTimeoutInMillis: 300_000,
      submissionResourceStabilizationTimeoutInMillis: 10_000,
      slotIdleTimeoutInMillis: 0,
      executingCooldownTimeoutInMillis: 30_000,
      executingResourceStabilizationTimeoutInMillis: 60_000,
      maximumDelayForTriggeringRescaleInMillis: 30_000,
      rescaleOnFailedCheckpointCount: 2,
    },
  })
  const other = await (await serving({})).get('/config')
  assert.equal(other.status, 404)
  assert.match(other.body.errors[0], /SCHEDULER_NOT_ADAPTIVE/)
})
