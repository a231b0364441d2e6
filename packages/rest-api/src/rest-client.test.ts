/** The REST client against answers made by hand: paths, rebuilt errors, dead and foreign addresses. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type Fetch, RestClient } from './index.ts'

function answering(status: number, body: string) {
  const calls: { url: string; method: string; body?: string }[] = []
  const fetch: Fetch = async (url, init) => {
    calls.push({
      url,
      method: init.method,
      ...(init.body === undefined ? {} : { body: init.body }),
    })
    return { status, text: async () => body }
  }
  return { calls, client: new RestClient('http://127.0.0.1:8081/', fetch) }
}

test('A request goes to the path with its parameters filled in', async () => {
  const { calls, client } = answering(202, '{}')
  await client.cancelJob('ab')
  await client.coordinatorRequest('j', 'v', 'o/1', { offset: 0 })
  assert.deepEqual(calls, [
    { url: 'http://127.0.0.1:8081/jobs/ab?mode=cancel', method: 'PATCH' },
    {
      url: 'http://127.0.0.1:8081/jobs/j/vertices/v/operators/o%2F1/coordinator',
      method: 'POST',
      body: '{"offset":0}',
    },
  ])
})

test('The server’s error comes back whole, with its hint and cause', async () => {
  const error = {
    brand: 'millrace-error',
    code: 'NOT_ENOUGH_SLOTS',
    message: 'm',
    domain: 'external',
    retry: 'backoff',
    hint: 'h',
    cause: { brand: 'millrace-error', code: 'C', message: 'c', domain: 'user', retry: 'never' },
  }
  const { client } = answering(400, JSON.stringify({ errors: ['m'], error }))
  await assert.rejects(client.submitJob({}), (thrown: Error & { code: string; hint: string }) => {
    assert.equal(thrown.code, 'NOT_ENOUGH_SLOTS')
    assert.equal(thrown.hint, 'h')
    assert.equal((thrown.cause as { code: string }).code, 'C')
    return true
  })
})

test('A dead address says what to start, a wrong one says what answered', async () => {
  const dead = new RestClient('http://127.0.0.1:1', async () => {
    throw new TypeError('fetch failed')
  })
  await assert.rejects(dead.overview(), { code: 'REST_UNREACHABLE', message: /127\.0\.0\.1:1/ })
  await assert.rejects(answering(200, '<html>').client.overview(), {
    code: 'REST_ANSWER_UNEXPECTED',
  })
  await assert.rejects(answering(404, '{"message":"no"}').client.overview(), {
    code: 'REST_ANSWER_UNEXPECTED',
  })
})
