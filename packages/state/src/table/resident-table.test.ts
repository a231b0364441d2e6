/**
 * The tables in memory: the contract of all backends, a comparison with a plain map, and what
 * memory they take.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Column,
  ColumnBatch,
  type Float64Column,
  Int64Column,
  keyGroupOf,
  keyGroups,
  type StateTableSpec,
} from '@millrace/core'
import { editedStateContract } from '../testing/edited-state-contract.ts'
import { GROUPS } from '../testing/group-table.ts'
import { stateTableContract } from '../testing/state-table-contract.ts'
import { MAX_PARALLELISM, stateTableFuzz } from '../testing/state-table-fuzz.ts'
import { resolved } from '../testing/table-steps.ts'
import { TIMERS } from '../testing/timers-contract.ts'
import { ResidentKeyedState } from './resident-keyed-state.ts'

const open = (nowMs = () => 5) => new ResidentKeyedState({ maxParallelism: MAX_PARALLELISM, nowMs })

stateTableContract('resident', open)

editedStateContract('resident', () => open())

stateTableFuzz('resident', [() => open()])

test('a BIGINT key with a count and a sum takes less than 100 bytes, growing included', async () => {
  const state = open()
  const table = state.table(GROUPS)
  const values = new BigInt64Array(2048)
  const columns: Column[] = [new Int64Column(values, null)]
  const slots = new Int32Array(2048)
  let most = 0
  for (let n = 0; n < 400; n++) {
    for (let i = 0; i < 2048; i++) values[i] = BigInt(n * 2048 + i)
    table.resolve(columns, 2048, slots)
    if (n > 20) most = Math.max(most, table.memoryBytes / table.size)
  }
  assert.ok(most < 100, `${most} bytes a key`)
  const hash = table.keyHashOf(slots[7]!)
  const group = keyGroups(new ColumnBatch(2048, columns), [0], MAX_PARALLELISM)[7]
  assert.equal(keyGroupOf(hash, MAX_PARALLELISM), group)
})

test('a time whose entry comes and goes again and again is kept once', async () => {
  // Cause: the time stayed in the heap when its last entry went; the next one put it in anew.
  const timers = open().timers(TIMERS)
  await resolved(timers, [[1n, 10]])
  const comeAndGo = async () => {
    const slots = await resolved(timers, [[2n, 1000]])
    timers.remove(slots, 1)
  }
  await comeAndGo()
  const { memoryBytes } = timers
  for (let n = 0; n < 100; n++) await comeAndGo()
  assert.equal(timers.memoryBytes, memoryBytes)
  assert.equal(timers.firstMs, 10)
  assert.equal(timers.entriesAt(1000).next().length, 0)
  await resolved(timers, [
    [3n, 1000],
    [4n, 1000],
  ])
  assert.equal(timers.entriesAt(10).next().length, 1)
  timers.removeAt(10)
  assert.equal(timers.firstMs, 1000)
  assert.equal(timers.entriesAt(1000).next().length, 2)
  timers.removeAt(1000)
  assert.equal(timers.firstMs, Number.POSITIVE_INFINITY)
})

test('what a checkpoint has written already is not copied when it changes', () => {
  const spec: StateTableSpec = {
    name: 'groups',
    key: { fields: [{ name: 'k', type: { kind: 'BIGINT', nullable: true } }] },
    sub: null,
    value: { fields: [{ name: 'n', type: { kind: 'DOUBLE', nullable: false } }] },
    ttlMs: 0,
  }
  const table = open().table(spec)
  const keys: Column[] = [
    new Int64Column(
      BigInt64Array.from({ length: 2048 }, (_, i) => BigInt(i)),
      null,
    ),
  ]
  const slots = new Int32Array(2048)
  table.resolve(keys, 2048, slots)
  const before = table.memoryBytes
  const frozen = table.freeze(1, null)[0]!
  frozen.releaseBefore(1024)
  table.beforeWrite(slots, 2048)
  const { words, stride } = table.memory
  for (const slot of slots) words[slot * stride + table.valueWords[0]!] = 7
  const copied = table.memoryBytes - before
  assert.ok(copied > 0 && copied < 2048 * stride * 8, `${copied} bytes are copied`)
  const rest = Int32Array.from({ length: 1000 }, (_, i) => 1024 + i)
  const { columns } = frozen.gather(rest, rest.length)
  assert.ok((columns[1] as Float64Column).values.every((value) => value === 0))
  frozen.releaseBefore(2049)
  assert.equal(table.memoryBytes, before)
})
