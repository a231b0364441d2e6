/** What the failure history keeps and what it takes for the root. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type Failure, FailureHistory } from './failure-history.ts'

const failure = (code: string): Failure => ({
  error: { brand: 'millrace-error', code, message: code, domain: 'external', retry: 'backoff' },
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

test('A lost TaskManager is the root of what its peers noticed first', () => {
  const history = new FailureHistory(16)
  history.addRoot(failure('NETWORK_CONNECTION_LOST'))
  for (const code of ['OTHER', 'TASK_MANAGER_LOST', 'TASK_MANAGER_LOST']) {
    history.addConcurrent(failure(code))
  }
  const [entry] = history.entries
  assert.equal(entry?.root.error.code, 'TASK_MANAGER_LOST')
  assert.deepEqual(
    entry?.concurrent.map(({ error }) => error.code),
    ['NETWORK_CONNECTION_LOST', 'OTHER', 'TASK_MANAGER_LOST'],
  )
})
