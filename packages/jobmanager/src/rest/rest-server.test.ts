/** Every REST path, without a port: answers, errors, metrics. */
import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { MillraceError } from '@millrace/core'
import { errorDataOf, REST_PATHS, RestClient, restPath } from '@millrace/rest-api'
import { CHECKPOINTED, ClusterHarness, JOB_ID, pipeline } from '../testing/cluster-harness.ts'
import { createRestServer, listenRest } from './rest-server.ts'

async function serving(options: Record<string, string> = {}) {
  const cluster = new ClusterHarness(options)
  await cluster.start(2, 1)
  const server = createRestServer(cluster.jobManager)
  after(() => server.close())
  const get = async (url: string, method: 'GET' | 'PATCH' = 'GET') => {
    const response = await server.inject({ method, url })
    const isText = String(response.headers['content-type']).startsWith('text/')
    const body = isText ? null : response.json()
    return { status: response.statusCode, body, text: response.body }
  }
  /** The typed client over inject. */
  const client = new RestClient('http://jm', async (url, init) => {
    const response = await server.inject({
      method: init.method as 'GET',
      url: url.slice('http://jm'.length),
      headers: init.headers,
      ...(init.body === undefined ? {} : { payload: init.body }),
    })
    return { status: response.statusCode, text: async () => response.body }
  })
  return { cluster, server, get, client }
}

test('A job goes over REST from submission to cancellation', async () => {
  const { cluster, client, get } = await serving()
  assert.deepEqual(await client.submitJob(pipeline(2, CHECKPOINTED)), {
    jobUrl: `/jobs/${JOB_ID}`,
    jobid: JOB_ID,
  })
  await cluster.clock.advance(100)
  const detail = await client.jobDetail(JOB_ID)
  assert.equal(detail.state, 'RUNNING')
  assert.equal(detail['status-reason'], null)
  assert.equal(detail['status-counts'].RUNNING, 4)
  assert.equal(detail.vertices[0]?.tasks.RUNNING, 2)
  assert.deepEqual([detail['application-id'], detail['job-type']], [JOB_ID, 'STREAMING'])
  assert.equal(detail.plan.nodes[1]?.inputs?.[0]?.ship_strategy, 'HASH')
  assert.ok(detail.timestamps.RUNNING >= detail.timestamps.CREATED)
  const { jobs } = await client.jobsOverview()
  assert.deepEqual(
    [jobs[0]?.jid, jobs[0]?.state, jobs[0]?.tasks.total, jobs[0]?.tasks.running],
    [JOB_ID, 'RUNNING', 4, 4],
  )
  assert.equal(jobs[0]?.['pending-operators'], 0)
  const overview = await client.overview()
  assert.deepEqual(
    [overview.taskmanagers, overview['slots-total'], overview['slots-available']],
    [2, 3, 1],
  )
  assert.equal(overview['jobs-running'], 1)
  assert.deepEqual((await get(`/v1/jobs/${JOB_ID}/status`)).body, { status: 'RUNNING' })
  assert.equal((await get(`/jobs/${JOB_ID}?mode=cancel`, 'PATCH')).status, 202)
  await cluster.clock.advance(10)
  assert.deepEqual((await client.listJobs()).jobs, [{ id: JOB_ID, status: 'CANCELED' }])
  // As the reference was recorded: done is done.
  assert.equal((await get(`/jobs/${JOB_ID}?mode=cancel`, 'PATCH')).status, 202)
  assert.deepEqual((await client.listJobs()).jobs, [{ id: JOB_ID, status: 'CANCELED' }])
})

test('A job that has ended otherwise cannot be cancelled', async () => {
  const { cluster, client, get } = await serving()
  await client.submitJob(pipeline(1))
  await cluster.clock.advance(100)
  for (const taskManager of cluster.taskManagers) await taskManager.endAll()
  await cluster.clock.advance(10)
  assert.deepEqual((await client.listJobs()).jobs, [{ id: JOB_ID, status: 'FINISHED' }])
  await assert.rejects(client.cancelJob(JOB_ID), { code: 'JOB_ALREADY_ENDED' })
  assert.equal((await get(`/jobs/${JOB_ID}?mode=cancel`, 'PATCH')).status, 409)
})

test('What is no job id is refused as such, what is one and unknown is not found', async () => {
  const { get } = await serving()
  const unknown = '1'.repeat(32)
  for (const path of ['', '/status', '/plan', '/config', '/exceptions', '/checkpoints']) {
    // As the reference, which does not look before it asks for the state.
    const expected = path === '/status' ? 500 : 404
    assert.equal((await get(`/jobs/${unknown}${path}`)).status, expected, path)
    const { status, text } = await get(`/v1/jobs/not-an-id${path}`)
    assert.equal(status, 400, path)
    assert.match(text, /32 hexadecimal digits; it is 'not-an-id'/)
  }
  // Cause: such a path was answered in another form than all others.
  const broken = await get('/jobs/%E0%A4%A')
  assert.equal(broken.status, 400)
  assert.equal(errorDataOf(broken.body)?.code, 'REST_REQUEST_INVALID')
})

test('Every path of the table answers, bare and under /v1', async () => {
  const { cluster, client, get } = await serving({
    'web.adaptive-scheduler.rescale-history.size': '3',
    'jobmanager.scheduler': 'adaptive',
  })
  await client.submitJob(pipeline(1, CHECKPOINTED))
  await cluster.clock.advance(10_000)
  await cluster.acknowledgeAll(1)
  const bounds = { lowerBound: 1, upperBound: 2 }
  const job = cluster.jobManager.dispatcher.get(JOB_ID)
  await job.require({ 'v-source': bounds, 'v-sink': bounds })
  await cluster.acknowledgeAll(2)
  const parameters = {
    rescaleuuid: job.rescales.records[0]?.id as string,
    jobid: JOB_ID,
    vertexid: 'v-source',
    operatorid: 'op-source',
    checkpointid: '1',
    taskmanagerid: 'tm-1',
    triggerid: 'b'.repeat(32),
    applicationid: JOB_ID,
    subtaskindex: '0',
    attempt: '0',
    datasetid: 'd'.repeat(32),
    filename: 'jobmanager.log',
  }
  const triggered = { targetDirectory: 'nosuch://directory', triggerId: parameters.triggerid }
  await client.triggerSavepoint(JOB_ID, triggered)
  const { triggerid: triggerId } = parameters
  await client.triggerCheckpoint(JOB_ID, { checkpointType: 'FULL', triggerId })
  await client.triggerSavepointDisposal('/nothing', triggerId)
  // Nothing is to be had there: they are for POST.
  const written = new Set([
    ...['jobOperatorCoordinator', 'jobsRestorePlan', 'jobSavepoints', 'jobStop'],
    ...['savepointDisposals', 'jobClientHeartbeat', 'applicationCancel', 'dataset'],
  ])
  // What is not to be had in a test's process, or was never there.
  const absent: Readonly<Record<string, number>> = {
    ...{ jobManagerLog: 404, jobManagerLogFile: 404, taskManagerLog: 404, taskManagerLogFile: 404 },
    ...{ jobRescaling: 404, jobRescalingStatus: 503, datasetDeletion: 404 },
  }
  for (const [name, template] of Object.entries(REST_PATHS)) {
    if (written.has(name)) continue
    for (const prefix of ['', '/v1']) {
      const { status, text } = await get(prefix + restPath(template, parameters))
      assert.equal(status, absent[name] ?? 200, `${prefix}${template}: ${text}`)
    }
  }
  const checkpoints = await client.jobCheckpoints(JOB_ID)
  assert.equal(checkpoints.counts.completed, 2)
  const first = checkpoints.history.find(({ id }) => id === 1)
  assert.equal(first?.tasks['v-source']?.num_subtasks, 1)
})

test('Reported metrics show: records, watermarks, what holds them, backpressure', async () => {
  const { cluster, client, get } = await serving()
  await client.submitJob(pipeline(1))
  await cluster.clock.advance(10)
  const taskManager = cluster.taskManagers.find(({ tasks }) => tasks.size > 0)
  assert.ok(taskManager)
  const hold = {
    reason: 'silent' as const,
    what: 'topic t, partition 2',
    sinceMs: 5,
    lastEventTimeMs: -Infinity,
    certain: true,
    hint: 'h',
  }
  await taskManager.jobManager.reportMetrics({
    fence: taskManager.fence,
    taskManagerId: taskManager.id,
    metrics: {
      process: { 'Status.JVM.Memory.Heap.Used': 5 },
      tasks: [
        {
          attemptId: `${JOB_ID}_v-source_0_0`,
          numRecordsIn: 7,
          numRecordsOut: 5,
          numBytesIn: 70,
          numBytesOut: 50,
          numRecordsInPerSecond: 1,
          numRecordsOutPerSecond: 1,
          busyTimeMsPerSecond: 100,
          idleTimeMsPerSecond: 300,
          backPressuredTimeMsPerSecond: 600,
          currentInputWatermark: 1234,
          heldBy: null,
          operators: [
            {
              operatorId: 'op-source',
              operatorName: 'source',
              values: { numLateRecordsDropped: 2 },
              watermarkHold: hold,
            },
          ],
        },
      ],
    },
  })
  const { vertices } = await client.jobDetail(JOB_ID)
  assert.equal(vertices[0]?.metrics['write-records'], 5)
  assert.equal(vertices[0]?.['low-watermark'], 1234)
  assert.equal(vertices[0]?.['late-records-dropped'], 2)
  assert.equal(vertices[0]?.['watermark-holds'][0]?.what, 'topic t, partition 2')
  const base = `/jobs/${JOB_ID}/vertices/v-source`
  assert.deepEqual((await get(`${base}/subtasks/metrics?get=numRecordsOut&agg=max,sum`)).body, [
    { id: 'numRecordsOut', max: 5, sum: 5 },
  ])
  assert.deepEqual((await get(`${base}/metrics?get=0.numRecordsIn`)).body, [
    { id: '0.numRecordsIn', value: '7' },
  ])
  assert.deepEqual((await get(`${base}/watermarks`)).body, [
    { id: '0.currentInputWatermark', value: '1234' },
  ])
  assert.equal((await get(`${base}/backpressure`)).body.backpressureLevel, 'high')
  const detail = await client.taskManager(taskManager.id)
  assert.equal(detail.metrics.heapUsed, 5)
  assert.equal(detail.allocatedSlots[0]?.jobId, JOB_ID)
})

test('Failures are shown with their cause chain, newest first', async () => {
  const { cluster, client } = await serving()
  await client.submitJob(pipeline(1, CHECKPOINTED))
  await cluster.clock.advance(10)
  const cause = new MillraceError('LOW', { domain: 'external', retry: 'backoff' }, 'Low.')
  const error = new MillraceError('HIGH', { domain: 'external', retry: 'backoff' }, 'High.', {
    hint: 'Do it.',
    cause,
  })
  const [attemptId] = cluster.tasks()
  const taskManager = cluster.taskManagers.find(({ tasks }) => tasks.has(attemptId as string))
  await taskManager?.report(attemptId as string, 'FAILED', false, error)
  const answer = await client.jobExceptions(JOB_ID)
  const [entry] = answer.exceptionHistory.entries
  assert.equal(entry?.exceptionName, 'HIGH')
  assert.match(entry?.stacktrace ?? '', /HIGH: High\.\n\thint: Do it\.[\s\S]*Caused by: LOW: Low\./)
  assert.equal(entry?.taskName, 'source (1/1) - execution #0')
  assert.equal(entry?.taskManagerId, taskManager?.id)
  assert.equal(entry?.error.cause?.code, 'LOW')
  assert.match(answer['root-exception'] ?? '', /^HIGH/)
})

test('Errors have one form, a fitting status and a hint', async () => {
  const { client, server, get } = await serving()
  await client.submitJob(pipeline(1))
  const unknown = await get('/jobs/overvew')
  assert.equal(unknown.status, 400)
  assert.equal(errorDataOf(unknown.body)?.hint, 'Did you mean /jobs/overview?')
  const path = await get('/overvew')
  assert.equal(path.status, 404)
  assert.equal(errorDataOf(path.body)?.hint, 'Did you mean /overview?')
  await assert.rejects(client.submitJob(pipeline(1)), { code: 'JOB_ALREADY_SUBMITTED' })
  await assert.rejects(client.submitJob({}), { code: 'JOB_GRAPH_VERSION_UNSUPPORTED' })
  await assert.rejects(client.submitJob({ ...pipeline(1), vertices: [] }), {
    code: 'JOB_GRAPH_INVALID',
  })
  await assert.rejects(client.taskManager('tm-9'), {
    code: 'TASK_MANAGER_NOT_FOUND',
    hint: 'Registered: tm-1, tm-2.',
  })
  await assert.rejects(client.coordinatorRequest(JOB_ID, 'v-source', 'op-source', {}), {
    code: 'COORDINATOR_NOT_FOUND',
  })
  const text = await server.inject({
    method: 'POST',
    url: '/jobs',
    headers: { 'content-type': 'application/json' },
    payload: '{',
  })
  assert.equal(text.statusCode, 400)
  assert.equal(errorDataOf(text.json())?.code, 'REST_REQUEST_INVALID')
})

test('Bodies are JSON whatever their content type says, and an empty one is none', async () => {
  // Cause: python's requests and dbt send a JSON content type without a body, curl -d
  // sends form data.
  const { client, server } = await serving()
  await client.submitJob(pipeline(1))
  const json = { 'content-type': 'application/json' }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  for (const [method, url, headers, payload, status] of [
    ['GET', '/overview', json, '{}', 200],
    ['GET', '/overview', form, '', 200],
    ['POST', '/jobs', form, '{}', 400],
    ['POST', '/jobs', form, 'no json', 400],
    ['POST', '/jobs', json, '', 400],
    ['PUT', '/jobs', json, '', 404],
    ['DELETE', '/jobs', json, '', 404],
    ['PATCH', `/jobs/${JOB_ID}?mode=cancel`, json, '', 202],
  ] as const) {
    const answer = await server.inject({ method, url, headers, payload })
    assert.equal(answer.statusCode, status, `${method} ${url} ${payload}: ${answer.body}`)
    assert.deepEqual(
      Object.keys(answer.json()),
      status < 400 ? Object.keys(answer.json()) : ['errors'],
    )
  }
})

test('Secrets in the configuration are masked, and metrics have the reference’s names', async () => {
  const { cluster, client, get, server } = await serving({ 's3.secret-key': 'abc', plain: 'x' })
  assert.deepEqual(await client.jobManagerConfig(), [
    { key: 'plain', value: 'x' },
    { key: 's3.secret-key', value: '******' },
  ])
  await client.submitJob(pipeline(1, { ...CHECKPOINTED, 'my.secret': 'abc' }))
  await cluster.clock.advance(10)
  assert.equal(
    (await get(`/jobs/${JOB_ID}/config`)).body['execution-config']['user-config']['my.secret'],
    '******',
  )
  const { body } = await server.inject({ method: 'GET', url: '/metrics' })
  assert.match(body, /flink_jobmanager_taskSlotsTotal 3/)
  assert.match(body, /flink_jobmanager_job_runningState\{job_id="0123.*",job_name="pipeline"\} 1/)
  assert.match(body, /flink_jobmanager_job_lastCheckpointDuration\{.*\} -1/)
  assert.equal((await get('/config')).body['refresh-interval'], 3000)
  // Cause: every job that had ever run kept its two dozen series, so that scrapes grew with
  // each statement.
  await client.cancelJob(JOB_ID)
  await cluster.clock.advance(10)
  const after = await server.inject({ method: 'GET', url: '/metrics' })
  assert.doesNotMatch(after.body, /flink_jobmanager_job_/)
  assert.match(after.body, /flink_jobmanager_numRunningJobs 0/)
})

test('Times are shown in the zone that is configured, not in that of the machine', async () => {
  const zoneOf = async (options: Record<string, string>) => {
    const { body } = await (await serving(options)).get('/config')
    return [body['timezone-name'], body['timezone-offset']]
  }
  assert.deepEqual(await zoneOf({}), ['Coordinated Universal Time', 0])
  assert.deepEqual(await zoneOf({ 'table.local-time-zone': '+05:30' }), ['+05:30', 19_800_000])
  const unknown = { 'table.local-time-zone': 'default' }
  assert.deepEqual(await zoneOf(unknown), ['Coordinated Universal Time', 0])
})

test('A port in use is named', async () => {
  const first = await serving({ 'rest.port': '0' })
  const address = await listenRest(first.server, first.cluster.jobManager.configuration)
  assert.match(address, /^127\.0\.0\.1:\d+$/)
  const port = address.split(':')[1] as string
  const second = await serving({ 'rest.bind-port': port })
  await assert.rejects(listenRest(second.server, second.cluster.jobManager.configuration), {
    code: 'REST_PORT_UNAVAILABLE',
    message: /the port is in use/,
  })
})

test('No request of another kind than cancel ends a job: ways to stop that do not exist leave it running', async () => {
  const { cluster, server, client } = await serving()
  await client.submitJob(pipeline(1, CHECKPOINTED))
  await cluster.clock.advance(100)
  const requests = [
    ['PATCH', `/jobs/${JOB_ID}?mode=stop`, 400],
    ['PATCH', `/jobs/${JOB_ID}?mode=cancel-with-savepoint`, 400],
    ['GET', `/jobs/${JOB_ID}/yarn-cancel`, 404],
    ['DELETE', `/jobs/${JOB_ID}`, 404],
  ] as const
  for (const [method, url, status] of requests) {
    const answer = await server.inject({ method, url })
    assert.equal(answer.statusCode, status, `${method} ${url}: ${answer.body}`)
  }
  await cluster.clock.advance(100)
  assert.equal((await client.jobDetail(JOB_ID)).state, 'RUNNING')
})
