/** The decision tables of retention. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideDiscard, keepsCheckpointsAfter } from './decide-retention.ts'

test('all but the newest are discarded, oldest first, unless one is in use', () => {
  assert.deepEqual(decideDiscard([3, 1, 2], 1), [1, 2])
  assert.deepEqual(decideDiscard([3, 1, 2], 2), [1])
  assert.deepEqual(decideDiscard([3, 1, 2], 5), [])
  assert.deepEqual(decideDiscard([9, 10, 11], 1, new Set([9])), [10])
  assert.deepEqual(decideDiscard([1, 2], 0), [1])
  assert.deepEqual(decideDiscard([], 1), [])
})

test('checkpoints outlive their job as the option says', () => {
  const ends = ['FINISHED', 'CANCELED', 'FAILED', 'SUSPENDED'] as const
  const kept = (retention: Parameters<typeof keepsCheckpointsAfter>[1]): string =>
    ends.filter((end) => keepsCheckpointsAfter(end, retention)).join(' ')
  assert.equal(kept('NO_EXTERNALIZED_CHECKPOINTS'), 'SUSPENDED')
  assert.equal(kept('DELETE_ON_CANCELLATION'), 'FAILED SUSPENDED')
  assert.equal(kept('RETAIN_ON_CANCELLATION'), 'CANCELED FAILED SUSPENDED')
})
