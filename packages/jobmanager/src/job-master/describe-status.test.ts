/** What people are told that a job waits for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorData } from '@millrace/core'
import { describeStatus } from './describe-status.ts'

type Facts = Parameters<typeof describeStatus>[0]

function failure(message: string, cause?: ErrorData): ErrorData {
  const data: ErrorData = {
    brand: 'millrace-error',
    code: 'TEST',
    message,
    domain: 'external',
    retry: 'backoff',
  }
  return cause === undefined ? data : { ...data, cause }
}

function restarting(lastFailure: ErrorData): string | null {
  return describeStatus({
    state: 'RESTARTING',
    graph: {} as Facts['graph'],
    outside: null,
    slots: null,
    restartInMs: 1500,
    rescale: null,
    lastFailure,
    failureCause: null,
    stoppedBy: null,
  })
}

test('A job that restarts says what its failure came from in the end', () => {
  const full = failure('ENOSPC: no space left on device, write')
  const declined = failure('A task could not take part.', failure('Cannot write.', full))
  assert.equal(
    restarting(failure('Checkpoint 7 failed; none is tolerated.', declined)),
    'restarts in 1.5 s after: Checkpoint 7 failed; none is tolerated: ENOSPC: no space left on device, write',
  )
})

test('A failure that names its origin itself is not said twice', () => {
  const full = failure('ENOSPC: no space left on device')
  const told = failure('Cannot write state: ENOSPC: no space left on device.', full)
  assert.equal(
    restarting(told),
    'restarts in 1.5 s after: Cannot write state: ENOSPC: no space left on device.',
  )
  assert.equal(restarting(failure('Down.')), 'restarts in 1.5 s after: Down.')
})
