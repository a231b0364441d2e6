/** Resource requirements over REST, in the reference's shapes. */
import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { CHECKPOINTED, ClusterHarness, JOB_ID, pipeline } from '../testing/cluster-harness.ts'
import { createRestServer } from './rest-server.ts'

const REQUIREMENTS = `/v1/jobs/${JOB_ID}/resource-requirements`
const bounds = (lowerBound: unknown, upperBound: unknown) => ({
  parallelism: { lowerBound, upperBound },
})

test('Requirements are answered and taken; what does not fit is refused and changes nothing', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(4)
  const server = createRestServer(cluster.jobManager)
  after(() => server.close())
  await cluster.submit(pipeline(2, CHECKPOINTED))
  const ask = async (method: 'GET' | 'PUT', payload?: object, url = REQUIREMENTS) => {
    const sent = payload === undefined ? {} : { payload }
    const answer = await server.inject({ method, url, ...sent })
    return { status: answer.statusCode, body: answer.json() }
  }
  const submitted = { 'v-source': bounds(1, 2), 'v-sink': bounds(1, 2) }
  assert.deepEqual(await ask('GET'), { status: 200, body: submitted })
  // As the reference was recorded: all that is wrong, in one answer.
  const { status, body } = await ask('PUT', { 'v-sink': bounds(5, 1) })
  assert.equal(status, 400)
  assert.match(body.errors[0], /Name bounds for vertex v-source.*\n.*lower bound of at most the u/)
  for (const payload of [[], { 'v-sink': 3 }, { ...submitted, 'v-sink': bounds('1', 2) }]) {
    assert.equal((await ask('PUT', payload)).status, 400, JSON.stringify(payload))
  }
  const nowhere = `/jobs/${'0'.repeat(32)}/resource-requirements`
  assert.equal((await ask('PUT', submitted, nowhere)).status, 404)
  assert.deepEqual((await ask('GET')).body, submitted)
  const wanted = { 'v-source': bounds(1, 4), 'v-sink': bounds(2, 4) }
  assert.deepEqual(await ask('PUT', wanted), { status: 200, body: {} })
  assert.deepEqual((await ask('GET')).body, wanted)
  await cluster.acknowledgeAll(1)
  await cluster.clock.advance(10)
  const job = await ask('GET', undefined, `/jobs/${JOB_ID}`)
  assert.deepEqual(
    job.body.vertices.map(({ parallelism }: { parallelism: number }) => parallelism),
    [4, 4],
  )
})
