/** Which requests are asked again while no JobManager leads, and for how long. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { toErrorData } from '@millrace/core'
import { protocolError } from '@millrace/protocol'
import { errorAnswer } from '@millrace/rest-api'
import { patientFetch } from './patient-fetch.ts'

/** Gives the answers in order, the last again and again; time passes in pauses only. */
async function ask(method: string, answers: readonly [number, unknown][]) {
  let nowMs = 0
  let asked = 0
  const clock = {
    nowMs: () => nowMs,
    pause: async (ms: number) => {
      nowMs += ms
    },
  }
  const fetch = patientFetch(async () => {
    const [status, body] = answers[Math.min(asked++, answers.length - 1)] as [number, unknown]
    return { status, text: async () => (typeof body === 'string' ? body : JSON.stringify(body)) }
  }, clock)
  const response = await fetch('http://jm/jobs', { method, headers: {} })
  return { status: response.status, text: await response.text(), asked, nowMs }
}

const notLeader = (cause?: unknown) =>
  errorAnswer(toErrorData(protocolError('NOT_LEADER', 'x', cause === undefined ? {} : { cause })))
const refused = notLeader()
const unanswered = notLeader(new Error('no answer'))

test('A request that nobody took is asked again until a leader answers', async () => {
  const twice: [number, unknown][] = [
    [503, refused],
    [503, refused],
    [202, { jobid: 'x' }],
  ]
  for (const method of ['GET', 'POST']) {
    assert.deepEqual(await ask(method, twice), {
      status: 202,
      text: '{"jobid":"x"}',
      asked: 3,
      nowMs: 500,
    })
  }
})

test('A request that may have been carried out is asked again only when it reads', async () => {
  const answers: [number, unknown][] = [
    [503, unanswered],
    [200, {}],
  ]
  assert.equal((await ask('GET', answers)).asked, 2)
  const posted = await ask('POST', answers)
  assert.deepEqual([posted.asked, posted.status], [1, 503])
  assert.equal(posted.text, JSON.stringify(unanswered))
})

test('Other refusals are answers, and patience ends', async () => {
  assert.equal((await ask('GET', [[503, { errors: ['NOT_ENOUGH_SLOTS'] }]])).asked, 1)
  assert.equal((await ask('GET', [[503, 'not JSON']])).asked, 1)
  const endless = await ask('GET', [[503, refused]])
  assert.deepEqual([endless.status, endless.nowMs], [503, 20_000])
})
