/** Savepoints over REST, as the reference was recorded: a trigger, then its status. */
import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { failureOf, RestClient } from '@millrace/rest-api'
import { CHECKPOINTED, ClusterHarness, JOB_ID, pipeline } from '../testing/cluster-harness.ts'
import { createRestServer } from './rest-server.ts'

const TRIGGER = 'b'.repeat(31) + '1'
const SAVEPOINTS = `/v1/jobs/${JOB_ID}/savepoints`

async function serving(options: Record<string, string> = {}) {
  const cluster = new ClusterHarness(options, {}, new MemoryFilesystem())
  await cluster.start(2, 1)
  const server = createRestServer(cluster.jobManager)
  after(() => server.close())
  const ask = async (method: 'GET' | 'POST', url: string, payload?: object | string) => {
    const answer = await server.inject({
      method,
      url,
      ...(payload === undefined ? {} : { payload }),
    })
    return { status: answer.statusCode, body: answer.json() }
  }
  const client = new RestClient('http://jm', async (url, init) => {
    const answer = await server.inject({
      method: init.method as 'GET',
      url: url.slice('http://jm'.length),
      ...(init.body === undefined ? {} : { payload: init.body }),
    })
    return { status: answer.statusCode, text: async () => answer.body }
  })
  await client.submitJob(pipeline(2, CHECKPOINTED))
  await cluster.clock.advance(100)
  return { cluster, ask, client }
}

test('A savepoint is triggered once an id, and its status says where it is', async () => {
  const { cluster, ask } = await serving()
  const body = { 'target-directory': 'file:/savepoints', 'cancel-job': false, triggerId: TRIGGER }
  const accepted = { status: 202, body: { 'request-id': TRIGGER } }
  assert.deepEqual(await ask('POST', SAVEPOINTS, body), accepted)
  assert.deepEqual(await ask('GET', `${SAVEPOINTS}/${TRIGGER}`), {
    status: 200,
    body: { status: { id: 'IN_PROGRESS' }, operation: null },
  })
  assert.deepEqual(await ask('POST', SAVEPOINTS, body), accepted)
  await cluster.clock.advance(10)
  await cluster.acknowledgeAll(1)
  const { body: done } = await ask('GET', `${SAVEPOINTS}/${TRIGGER}`)
  assert.deepEqual(done.status, { id: 'COMPLETED' })
  assert.match(done.operation.location, /^\/savepoints\/savepoint-012345-[0-9a-f]{12}$/)
  const { body: checkpoints } = await ask('GET', `/v1/jobs/${JOB_ID}/checkpoints`)
  assert.equal(checkpoints.counts.total, 1)
  assert.equal(checkpoints.latest.savepoint.external_path, done.operation.location)
})

test('An outcome is known for rest.async.store-duration', async () => {
  const { cluster, ask } = await serving({ 'rest.async.store-duration': '5 s' })
  await ask('POST', SAVEPOINTS, { 'target-directory': '/savepoints', triggerId: TRIGGER })
  await cluster.clock.advance(10)
  await cluster.acknowledgeAll(1)
  await cluster.clock.advance(4_000)
  assert.equal((await ask('GET', `${SAVEPOINTS}/${TRIGGER}`)).status, 200)
  await cluster.clock.advance(2_000)
  assert.equal((await ask('GET', `${SAVEPOINTS}/${TRIGGER}`)).status, 404)
})

test('Without a body the configured directory is taken; without one the request is refused', async () => {
  const configured = await serving({ 'state.savepoints.dir': 'file:///mine' })
  const { status, body } = await configured.ask('POST', SAVEPOINTS)
  assert.equal(status, 202)
  assert.match(body['request-id'], /^[0-9a-f]{32}$/)
  await configured.cluster.clock.advance(10)
  await configured.cluster.acknowledgeAll(1)
  const answer = await configured.client.savepointStatus(JOB_ID, body['request-id'])
  assert.match(answer.operation?.location ?? '', /^\/mine\/savepoint-/)
  const { client } = await serving()
  await assert.rejects(client.triggerSavepoint(JOB_ID, { targetDirectory: null }), {
    code: 'SAVEPOINT_DIRECTORY_MISSING',
  })
})

test('What goes wrong with the savepoint is its status, as an error like any other', async () => {
  const { client } = await serving()
  const failure = async (jobId: string, targetDirectory: string) => {
    const id = await client.triggerSavepoint(jobId, { targetDirectory })
    const answer = await client.savepointStatus(jobId, id)
    assert.equal(answer.status.id, 'COMPLETED')
    return failureOf(answer)?.code
  }
  assert.equal(await failure('0'.repeat(32), '/savepoints'), 'JOB_NOT_FOUND')
  assert.equal(await failure(JOB_ID, 'nosuchscheme://x/y'), 'SAVEPOINT_DIRECTORY_UNUSABLE')
  assert.equal((await client.jobDetail(JOB_ID)).state, 'RUNNING')
})

test('A request that is wrong in itself is refused: format, trigger id, body', async () => {
  const { ask } = await serving()
  const target = { 'target-directory': 'file:///savepoints' }
  for (const payload of [
    { ...target, formatType: 'XYZ' },
    { ...target, triggerId: 'xyz' },
    { 'target-directory': 5 },
    '[]',
    '{nojson',
  ]) {
    const { status, body } = await ask('POST', SAVEPOINTS, payload)
    assert.equal(status, 400, JSON.stringify(payload))
    assert.match(body.errors[0], /\[REST_REQUEST_INVALID\]/)
  }
  assert.equal((await ask('GET', `${SAVEPOINTS}/xyz`)).status, 400)
  const unknown = await ask('GET', `${SAVEPOINTS}/${'c'.repeat(32)}`)
  assert.equal(unknown.status, 404)
  assert.match(
    unknown.body.errors[0],
    /There is no savepoint operation with triggerId=c{32} for job/,
  )
  const accepted = await ask('POST', SAVEPOINTS, { ...target, 'no-such-field': 1 })
  assert.equal(accepted.status, 202)
})

test('A job is stopped over REST, by its own path and by cancel-job', async () => {
  for (const [path, body] of [
    ['stop', { targetDirectory: 'file:///savepoints', drain: false }],
    ['savepoints', { 'target-directory': 'file:///savepoints', 'cancel-job': true }],
  ] as const) {
    const { cluster, ask, client } = await serving()
    const answer = await ask('POST', `/v1/jobs/${JOB_ID}/${path}`, { ...body, triggerId: TRIGGER })
    assert.deepEqual(answer, { status: 202, body: { 'request-id': TRIGGER } })
    await cluster.clock.advance(10)
    await cluster.acknowledgeAll(1)
    await cluster.clock.advance(10)
    const { operation } = await client.savepointStatus(JOB_ID, TRIGGER)
    assert.match(operation?.location ?? '', /^\/savepoints\/savepoint-/)
    assert.equal((await client.jobDetail(JOB_ID)).state, 'FINISHED')
    const again = await client.triggerStop(JOB_ID, { targetDirectory: '/s', drain: true })
    await cluster.clock.advance(10)
    const failure = failureOf(await client.savepointStatus(JOB_ID, again))
    assert.equal(failure?.code, 'SAVEPOINT_NOT_POSSIBLE')
    assert.match(failure?.message ?? '', /is FINISHED/)
  }
})

test('A savepoint is disposed of as the reference was recorded, and a checkpoint in use is not', async () => {
  const { cluster, ask } = await serving()
  await ask('POST', SAVEPOINTS, { 'target-directory': '/savepoints', triggerId: TRIGGER })
  await cluster.clock.advance(10)
  await cluster.acknowledgeAll(1)
  const { location } = (await ask('GET', `${SAVEPOINTS}/${TRIGGER}`)).body.operation
  const dispose = async (path: string, triggerId: string) => {
    const trigger = await ask('POST', '/v1/savepoint-disposal', {
      'savepoint-path': path,
      triggerId,
    })
    assert.deepEqual(trigger, { status: 200, body: { 'request-id': triggerId } })
    await cluster.clock.advance(10)
    return (await ask('GET', `/v1/savepoint-disposal/${triggerId}`)).body
  }
  const ids = [7, 8, 9].map((n) => 'b'.repeat(31) + n) as [string, string, string]
  const gone = { status: { id: 'COMPLETED' }, operation: {} }
  assert.deepEqual(await dispose(`file:${location}`, ids[0]), gone)
  const again = await dispose(location, ids[1])
  assert.match(again.operation['failure-cause']['stack-trace'], /CHECKPOINT_NOT_FOUND/)
  const used = await dispose(`/checkpoints/${JOB_ID}/chk-1`, ids[2])
  assert.match(used.operation['failure-cause']['stack-trace'], /CHECKPOINT_IN_USE/)
  assert.equal((await ask('POST', '/v1/savepoint-disposal', {})).status, 400)
  assert.equal((await ask('GET', `/v1/savepoint-disposal/${'c'.repeat(32)}`)).status, 404)
})
