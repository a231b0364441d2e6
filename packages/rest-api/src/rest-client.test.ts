/**
 * The REST client against answers made by hand: paths, rebuilt errors, dead and foreign addresses.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { errorAnswer, type Fetch, RestClient } from './index.ts'

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
    brand: 'millrace-error' as const,
    code: 'NOT_ENOUGH_SLOTS',
    message: 'm',
    domain: 'external' as const,
    retry: 'backoff' as const,
    hint: 'h',
    cause: {
      brand: 'millrace-error' as const,
      code: 'C',
      message: 'c',
      domain: 'user' as const,
      retry: 'never' as const,
    },
  }
  const { client } = answering(400, JSON.stringify(errorAnswer(error)))
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

test('JSON of another server is refused with what was expected and what answered', async () => {
  // Cause: `millrace list` printed `undefined` and an internal error.
  const expected = "Expected JSON with 'jobs'; found HTTP 200"
  for (const text of ['{"status":"ok"}', '[]', '"x"', 'null', '']) {
    await assert.rejects(answering(200, text).client.jobsOverview(), (error: Error) => {
      assert.ok(error.message.includes(expected), error.message)
      return true
    })
  }
  const fetch: Fetch = async () => ({
    status: 200,
    headers: new Headers({ server: 'nginx' }),
    text: async () => '{}',
  })
  await assert.rejects(new RestClient('http://h:1', fetch).jobDetail('a'), {
    message:
      /http:\/\/h:1\/jobs\/a does not.* 'state' and 'vertices'; found HTTP 200 from nginx: \{\}$/,
  })
})
