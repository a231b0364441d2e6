/** Names of transactions: one a subtask and checkpoint, told apart from others’. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeCommittable, encodeCommittable } from './committable.ts'
import {
  parseTransactionalId,
  strayTransactions,
  type TransactionOwner,
  transactionalIdOf,
  transactionOwnerOf,
} from './transactional-id.ts'

const OWN: TransactionOwner = { job: '0000000a', sink: '000b', leaderEpoch: 3, attempt: 2 }
const idOf = (subtask: number, checkpointId: number, owner: Partial<TransactionOwner> = {}) =>
  transactionalIdOf('p', subtask, checkpointId, { ...OWN, ...owner })
const LINEAGE = new Set(['0000000a', '0000000c'])
const FACTS = {
  prefixes: ['p', 'old'],
  claimedPrefix: null,
  lineage: LINEAGE,
  subtask: 0,
  parallelism: 2,
  owner: OWN,
}

test('a transactional id is read back, also when prefixes are prefixes of one another', () => {
  const name = { subtask: 3, checkpointId: 17 }
  const plain = transactionalIdOf('a-b', 3, 17, null)
  assert.equal(plain, 'a-b-3-17')
  assert.deepEqual(parseTransactionalId('a-b', plain), { ...name, owner: null })
  assert.equal(parseTransactionalId('a', plain), null)
  const full = transactionalIdOf('a-b', 3, 17, OWN)
  assert.equal(full, 'a-b-3-17-0000000a000b-3-2')
  assert.deepEqual(parseTransactionalId('a-b', full), { ...name, owner: OWN })
  const third = transactionalIdOf('a-b', 3, 17, OWN, 2)
  assert.equal(third, `${full}-2`)
  assert.deepEqual(parseTransactionalId('a-b', third), { ...name, owner: OWN })
  assert.equal(transactionalIdOf('a-b', 3, 17, null, 2), plain)
  assert.equal(parseTransactionalId('a', full), null)
  assert.equal(parseTransactionalId('a', 'a-1-2-3'), null)
})

test('at the start transactions of this share that came after the restored checkpoint are strays', () => {
  const ongoing = ['p-0-4', 'p-0-5', 'p-0-6', 'p-1-6', 'p-2-7', 'q-0-9', 'old-2-6']
  const restored = { checkpointId: 5, precommitted: new Set(['p-0-5']) }
  assert.deepEqual(strayTransactions(ongoing, FACTS, restored), ['p-0-6', 'p-2-7', 'old-2-6'])
})

test('of its own job’s transactions an attempt aborts those of older attempts of its sink only', () => {
  const older = [
    idOf(0, 6, { attempt: 1 }),
    idOf(0, 6, { leaderEpoch: 2, attempt: 9 }),
    idOf(2, 9, { attempt: 0 }),
  ]
  const wanted = [
    idOf(0, 5, { attempt: 1 }),
    idOf(0, 6, { attempt: 0 }),
    idOf(0, 6),
    idOf(0, 6, { attempt: 3 }),
    idOf(0, 6, { leaderEpoch: 4, attempt: 0 }),
    idOf(1, 6, { attempt: 1 }),
    idOf(0, 6, { sink: '000c', attempt: 1 }),
  ]
  const restored = { checkpointId: 5, precommitted: new Set([idOf(0, 6, { attempt: 0 })]) }
  assert.deepEqual(strayTransactions([...older, ...wanted], FACTS, restored), older)
  const ancestor = { job: '0000000c', leaderEpoch: 9 }
  const ofAncestor = idOf(0, 6, ancestor)
  const renamed = transactionalIdOf('q-of-old', 0, 6, { ...OWN, ...ancestor })
  const ancestors = [ofAncestor, renamed, idOf(0, 5, ancestor), idOf(1, 6, ancestor)]
  assert.deepEqual(strayTransactions(ancestors, FACTS, restored), [ofAncestor, renamed])
})

test('what a job that is no ancestor has open is left alone, under the same prefix too', () => {
  // Cause: two jobs whose tables shared a name ended each other's transactions for good.
  const neighbour = [idOf(0, 6, { job: '0000000b', attempt: 0 }), idOf(0, 1, { job: '0000000b' })]
  const fresh = { checkpointId: -1, precommitted: new Set<string>() }
  assert.deepEqual(strayTransactions(neighbour, FACTS, fresh), [])
  assert.deepEqual(strayTransactions(neighbour, FACTS, null), [])
})

test('after a checkpoint of its own an attempt aborts whatever older attempts of its sink have open', () => {
  const older = [idOf(0, 2, { attempt: 1 }), idOf(0, 9, { leaderEpoch: 2, attempt: 9 })]
  const others = ['p-0-9', idOf(0, 9), idOf(0, 9, { attempt: 3 }), idOf(1, 9, { attempt: 0 })]
  const otherJob = idOf(0, 9, { job: '0000000b', attempt: 0 })
  assert.deepEqual(strayTransactions([...older, ...others, otherJob], FACTS, null), older)
})

test('the owner tells jobs and sinks apart, and nothing else', () => {
  const subtask = {
    ...{ jobId: 'j', jobName: 'n', vertexId: 'v', vertexName: 'v', operatorId: 'o' },
    ...{ operatorName: 'o', subtaskIndex: 1, parallelism: 4, maxParallelism: 128 },
    ...{ leaderEpoch: 3, attempt: 2, taskManagerId: 'tm' },
  }
  const owner = transactionOwnerOf(subtask)
  assert.match(`${owner.job}${owner.sink}`, /^[0-9a-f]{12}$/)
  assert.deepEqual(transactionOwnerOf({ ...subtask, taskManagerId: 'x', subtaskIndex: 2 }), owner)
  assert.notEqual(transactionOwnerOf({ ...subtask, jobId: 'k' }).job, owner.job)
  assert.notEqual(transactionOwnerOf({ ...subtask, operatorId: 'p' }).sink, owner.sink)
})

test('a committable survives its bytes, and damaged bytes are refused', () => {
  const place = { topic: 'tö', partition: 3, offset: 2 ** 40 }
  const named = { transactionalId: 'prefix-ü-0-1', producerId: 2n ** 60n, epoch: 32766 }
  for (const committable of [
    { ...named, place },
    { ...named, place: null },
  ]) {
    assert.deepEqual(decodeCommittable(encodeCommittable(committable)), committable)
  }
  const bytes = encodeCommittable({ ...named, place })
  assert.throws(() => decodeCommittable(bytes.subarray(0, 5)))
  assert.throws(() => decodeCommittable(Buffer.from(bytes).fill(9, 0, 1)))
})

test('a committable of an earlier version has no place', () => {
  const id = Buffer.from('p-0-1')
  const bytes = Buffer.alloc(11 + id.length)
  bytes.writeInt8(1, 0)
  bytes.writeBigInt64BE(7n, 1)
  bytes.writeInt16BE(2, 9)
  id.copy(bytes, 11)
  const read = { producerId: 7n, epoch: 2, transactionalId: 'p-0-1', place: null }
  assert.deepEqual(decodeCommittable(bytes), read)
})
