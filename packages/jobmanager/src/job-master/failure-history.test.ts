/** What the failure history keeps and what it takes for the root. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type Failure, FailureHistory } from './failure-history.ts'
import { failureRank } from './failure-rank.ts'

const failure = (code: string): Failure => ({
  error: { brand: 'millrace-error', code, message: code, domain: 'external', retry: 'backoff' },
  rank: failureRank({ code }),
  timestampMs: 0,
  taskName: null,
  taskManagerId: null,
  endpoint: null,
})

test('The history keeps the newest failures', () => {
  const history = new FailureHistory(2)
  for (const code of ['A', 'B', 'C']) history.addRoot(failure(code))
  assert.deepEqual(
    history.entries.map(({ root }) => root.error.code),
    ['B', 'C'],
  )
  assert.equal(history.truncated, true)
})

test('A cause is the root of the consequences that were noticed first, and of what comes after it', () => {
  const history = new FailureHistory(16)
  history.addRoot(failure('NETWORK_CONNECTION_LOST'))
  const further = ['OPERATOR_EVENT_LOST', 'TASK_MANAGER_LOST', 'TASK_MANAGER_LOST', 'OTHER']
  for (const code of further) history.addConcurrent(failure(code))
  const [entry] = history.entries
  assert.equal(entry?.root.error.code, 'TASK_MANAGER_LOST')
  assert.deepEqual(
    entry?.concurrent.map(({ error }) => error.code),
    ['NETWORK_CONNECTION_LOST', 'OPERATOR_EVENT_LOST', 'TASK_MANAGER_LOST', 'OTHER'],
  )
})

test('A cause that came first stays the root', () => {
  const history = new FailureHistory(16)
  history.addRoot(failure('KAFKA_DOWN'))
  for (const code of ['NETWORK_CONNECTION_LOST', 'TASK_MANAGER_LOST']) {
    history.addConcurrent(failure(code))
  }
  assert.equal(history.entries[0]?.root.error.code, 'KAFKA_DOWN')
})
