/** REST of a standby, without a port: what is sent on, and what is said when nothing can be. */
import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import type { LeaderRecord } from '@millrace/protocol'
import { errorDataOf } from '@millrace/rest-api'
import { ClusterHarness, pipeline } from '../testing/cluster-harness.ts'
import { type Forward, forwardToLeader, type LeaderView } from './forward-to-leader.ts'
import { createRestServer } from './rest-server.ts'

const LEADER: LeaderRecord = {
  epoch: 3,
  holderId: 'jm-9',
  rpcAddress: 'a:1',
  restAddress: 'a:2',
  leaseDurationMs: 1,
  renewal: 0,
}

async function standby(view: Partial<LeaderView>, forward: Forward | null) {
  const cluster = new ClusterHarness()
  await cluster.start()
  const server = createRestServer(cluster.jobManager)
  after(() => server.close())
  forwardToLeader(server, { servesClients: false, isLeader: false, leader: null, ...view }, forward)
  return server
}

/** Notes what it is given, and answers like a leader. */
function recording(calls: unknown[]): Forward {
  return async (url, init) => {
    calls.push([init.method, url, init.headers, init.body])
    return { status: 202, contentType: 'application/json', text: '{"jobid":"x"}' }
  }
}

test('A request is sent on with its path, query and body, and the leader’s answer comes back', async () => {
  const calls: unknown[] = []
  const server = await standby({ leader: LEADER }, recording(calls))
  const body = { jobGraph: pipeline(1) }
  const posted = await server.inject({ method: 'POST', url: '/v1/jobs?a=b', payload: body })
  assert.equal(posted.statusCode, 202)
  assert.deepEqual(posted.json(), { jobid: 'x' })
  await server.inject({ method: 'GET', url: '/overview' })
  await server.inject({ method: 'GET', url: '/what/is/not/there' })
  const marked = { 'x-millrace-forwarded': '1' }
  assert.deepEqual(calls, [
    [
      'POST',
      'http://a:2/v1/jobs?a=b',
      { ...marked, 'content-type': 'application/json' },
      JSON.stringify(body),
    ],
    ['GET', 'http://a:2/overview', marked, undefined],
    ['GET', 'http://a:2/what/is/not/there', marked, undefined],
  ])
})

test('The leader answers by itself', async () => {
  const calls: unknown[] = []
  const server = await standby({ servesClients: true, isLeader: true }, recording(calls))
  assert.equal((await server.inject({ method: 'GET', url: '/overview' })).statusCode, 200)
  assert.deepEqual(calls, [])
})

const refusals: [string, Partial<LeaderView>, Forward | null, RegExp, string?][] = [
  ['nobody is known to lead', {}, recording([]), /No JobManager is known to lead/],
  ['the leader has no REST', { leader: { ...LEADER, restAddress: '' } }, recording([]), /No JobM/],
  ['it has no way to send it on', { leader: LEADER }, null, /'jm-9' does, at http:\/\/a:2\./],
  ['it is itself taking over', { isLeader: true }, recording([]), /just taking over/],
  ['it was sent on already', { leader: LEADER }, recording([]), /'jm-9' does/, 'forwarded'],
  [
    'the leader does not answer',
    { leader: LEADER },
    () => Promise.reject(new Error('refused')),
    /'jm-9' does, at http:\/\/a:2 and does not answer\./,
  ],
]

for (const [name, view, forward, message, mark] of refusals) {
  test(`A standby says that it does not lead when ${name}`, async () => {
    const server = await standby(view, forward)
    const headers = mark === undefined ? {} : { 'x-millrace-forwarded': '1' }
    const answer = await server.inject({ method: 'GET', url: '/jobs', headers })
    assert.equal(answer.statusCode, 503)
    const error = errorDataOf(answer.json())
    assert.equal(error?.code, 'NOT_LEADER')
    assert.equal(error?.retry, 'backoff')
    assert.match(error?.message ?? '', message)
  })
}
