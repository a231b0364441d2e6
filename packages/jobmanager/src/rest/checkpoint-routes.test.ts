/** Checkpoints that are asked for, over REST as the reference was recorded. */
import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { failureOf } from '@millrace/rest-api'
import { CHECKPOINTED, ClusterHarness, JOB_ID, pipeline } from '../testing/cluster-harness.ts'
import { createRestServer } from './rest-server.ts'

const TRIGGER = 'b'.repeat(31) + '6'
const CHECKPOINTS = `/v1/jobs/${JOB_ID}/checkpoints`

async function serving(configuration: Record<string, string> = CHECKPOINTED) {
  const cluster = new ClusterHarness()
  await cluster.start(2)
  const server = createRestServer(cluster.jobManager)
  after(() => server.close())
  const ask = async (method: 'GET' | 'POST', url: string, payload?: object) => {
    const answer = await server.inject({
      method,
      url,
      ...(payload === undefined ? {} : { payload }),
    })
    return { status: answer.statusCode, body: answer.json() }
  }
  await cluster.submit(pipeline(2, configuration))
  return { cluster, ask }
}

const ids = ({ taskManagers }: ClusterHarness) => [
  ...new Set(taskManagers.flatMap(({ triggers }) => triggers.map(({ order }) => order.id))),
]

test('A checkpoint is taken at once, once an id, and its status names it', async () => {
  const { cluster, ask } = await serving()
  const body = { checkpointType: 'FULL', triggerId: TRIGGER }
  const accepted = { status: 202, body: { 'request-id': TRIGGER } }
  assert.deepEqual(await ask('POST', CHECKPOINTS, body), accepted)
  assert.deepEqual(await ask('POST', CHECKPOINTS, body), accepted)
  await cluster.clock.advance(10)
  assert.deepEqual(ids(cluster), [1])
  assert.deepEqual(await ask('GET', `${CHECKPOINTS}/${TRIGGER}`), {
    status: 200,
    body: { status: { id: 'IN_PROGRESS' }, operation: null },
  })
  await cluster.acknowledgeAll(1)
  assert.deepEqual(await ask('GET', `${CHECKPOINTS}/${TRIGGER}`), {
    status: 200,
    body: { status: { id: 'COMPLETED' }, operation: { checkpointId: 1 } },
  })
  assert.equal((await ask('GET', CHECKPOINTS)).body.latest.completed.id, 1)
})

test('One that comes while another is under way gets one of its own', async () => {
  const { cluster, ask } = await serving()
  await cluster.clock.advance(10_000)
  assert.deepEqual(ids(cluster), [1])
  const { body } = await ask('POST', CHECKPOINTS, {})
  await cluster.acknowledgeAll(1)
  assert.deepEqual(ids(cluster), [1, 2])
  await cluster.acknowledgeAll(2)
  const { body: done } = await ask('GET', `${CHECKPOINTS}/${body['request-id']}`)
  assert.deepEqual(done.operation, { checkpointId: 2 })
})

test('What keeps it from that is its status: no such job, no checkpoints, a failure', async () => {
  const { cluster, ask } = await serving()
  const failure = async (path: string) => {
    const { body } = await ask('POST', path)
    await cluster.clock.advance(10)
    return async () => failureOf((await ask('GET', `${path}/${body['request-id']}`)).body)
  }
  const unknown = await failure(`/jobs/${'0'.repeat(32)}/checkpoints`)
  assert.equal((await unknown())?.code, 'JOB_NOT_FOUND')
  const givenUp = await failure(CHECKPOINTS)
  await cluster.jobManager.dispatcher.get(JOB_ID).cancel()
  await cluster.clock.advance(10)
  const error = await givenUp()
  assert.equal(error?.code, 'CHECKPOINT_FAILED')
  assert.match(String(error?.cause), /the job is cancelled/)
  const late = await failure(CHECKPOINTS)
  assert.match(String((await late())?.message), /is (CANCELLING|CANCELED)/)
  const { ask: without } = await serving({})
  const { body } = await without('POST', CHECKPOINTS)
  const { body: status } = await without('GET', `${CHECKPOINTS}/${body['request-id']}`)
  assert.equal(failureOf(status)?.code, 'CHECKPOINT_NOT_POSSIBLE')
})

test('A request that is wrong in itself is refused', async () => {
  const { ask } = await serving()
  for (const payload of [{ checkpointType: 'HALF' }, { triggerId: 'xyz' }, []]) {
    assert.equal((await ask('POST', CHECKPOINTS, payload)).status, 400, JSON.stringify(payload))
  }
  const unknown = await ask('GET', `${CHECKPOINTS}/${'c'.repeat(32)}`)
  assert.equal(unknown.status, 404)
  const expected = /There is no checkpoint operation with triggerId=c{32} for job/
  assert.match(unknown.body.errors[0], expected)
})
