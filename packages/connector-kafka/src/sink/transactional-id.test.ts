/** Names of transactions: one a subtask and checkpoint, told apart from others’. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeCommittable, encodeCommittable } from './committable.ts'
import { parseTransactionalId, strayTransactions, transactionalIdOf } from './transactional-id.ts'

test('a transactional id is read back, also when prefixes are prefixes of one another', () => {
  assert.deepEqual(parseTransactionalId('a-b', transactionalIdOf('a-b', 3, 17)), {
    subtask: 3,
    checkpointId: 17,
  })
  assert.equal(parseTransactionalId('a', transactionalIdOf('a-b', 3, 17)), null)
  assert.equal(parseTransactionalId('a', 'a-1-2-3'), null)
})

test('only transactions of this share that came after the restored checkpoint are strays', () => {
  const ongoing = ['p-0-4', 'p-0-5', 'p-0-6', 'p-1-6', 'p-2-7', 'q-0-9', 'old-2-6']
  const strays = strayTransactions(ongoing, {
    prefixes: ['p', 'old'],
    subtask: 0,
    parallelism: 2,
    restoredCheckpointId: 5,
    precommitted: new Set(['p-0-5']),
  })
  assert.deepEqual(strays, ['p-0-6', 'p-2-7', 'old-2-6'])
})

test('a committable survives its bytes, and damaged bytes are refused', () => {
  const committable = { transactionalId: 'prefix-ü-0-1', producerId: 2n ** 60n, epoch: 32766 }
  const bytes = encodeCommittable(committable)
  assert.deepEqual(decodeCommittable(bytes), committable)
  assert.throws(() => decodeCommittable(bytes.subarray(0, 5)))
  assert.throws(() => decodeCommittable(Buffer.from(bytes).fill(9, 0, 1)))
})
