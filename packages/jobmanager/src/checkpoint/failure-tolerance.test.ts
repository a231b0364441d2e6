/** Which failures of checkpoints count, and when they are too many. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type CheckpointFailure, FailureTolerance } from './failure-tolerance.ts'

test('Failures in a row are too many once there are more than are tolerated, then the count begins anew', () => {
  const tolerance = new FailureTolerance(1)
  const verdicts = (['declined', 'expired', 'not-written', 'declined'] as const).map((failure) =>
    tolerance.failed(failure),
  )
  assert.deepEqual(verdicts, [false, true, false, true])
})

test('A completed checkpoint forgives those that failed before it', () => {
  const tolerance = new FailureTolerance(1)
  assert.equal(tolerance.failed('declined'), false)
  tolerance.completed()
  assert.equal(tolerance.failed('declined'), false)
})

test('A checkpoint that could not be started counts for nothing, however often', () => {
  const tolerance = new FailureTolerance(0)
  const failures: CheckpointFailure[] = ['not-started', 'not-started', 'not-started']
  assert.ok(failures.every((failure) => !tolerance.failed(failure)))
  assert.equal(tolerance.failed('expired'), true)
})
