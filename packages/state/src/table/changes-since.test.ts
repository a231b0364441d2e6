/**
 * Checkpoints of tables that hold what changed since an earlier one: as a chain of segments they
 * restore to what was there, and they are as large as the change.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Column, Int64Column, type StatePart } from '@millrace/core'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import {
  changesSinceFuzz,
  forgottenSinceContract,
  writtenBehind,
} from '../testing/changes-since-fuzz.ts'
import { GROUPS } from '../testing/group-table.ts'
import { seeded } from '../testing/random-state.ts'
import { SUMS } from '../testing/state-table-contract.ts'
import { resolved, rowsOfFrozen } from '../testing/table-steps.ts'
import { ResidentKeyedState } from './resident-keyed-state.ts'

const MAX_PARALLELISM = 16
const SETTINGS = { maxParallelism: MAX_PARALLELISM, tracksChanges: true }
const open = () => new ResidentKeyedState({ ...SETTINGS, nowMs: () => 5 })

changesSinceFuzz('resident', [open])
forgottenSinceContract('resident', (now) => new ResidentKeyedState({ ...SETTINGS, nowMs: now }))

test('a checkpoint of 1 % of the keys, anywhere in the table, writes less than 3 % of it', async () => {
  const filesystem = new MemoryFilesystem()
  const state = open()
  const table = state.table(GROUPS)
  const slots = new Int32Array(2048)
  const touch = (keyOf: (i: number) => number): void => {
    const keys = BigInt64Array.from({ length: 2048 }, (_, i) => BigInt(keyOf(i)))
    const columns: Column[] = [new Int64Column(keys, null)]
    table.resolve(columns, 2048, slots)
    table.beforeWrite(slots, 2048)
  }
  const batches = 150
  for (let n = 0; n < batches; n++) touch((i) => n * 2048 + i)
  const all = await writtenBehind(filesystem, 1, state.freeze(1, null), [])
  const random = seeded(1)
  const most = batches * 2048
  for (let n = 0; n < batches / 100; n++) touch(() => Math.floor(random() * most))
  const frozen = state.freeze(2, 1)
  const changed = await writtenBehind(filesystem, 2, frozen, [])
  const size = (parts: readonly StatePart[]) => parts[0]!.handle.size
  const share = size(changed) / size(all)
  assert.ok(share > 0.005 && share < 0.03, `${share} of ${size(all)} bytes`)
})

test('an entry that comes and goes between two checkpoints is in neither', async () => {
  const state = open()
  const table = state.table(SUMS)
  for (const each of state.freeze(1, null)) each.release()
  const slots = await resolved(table, [
    [1n, 'a'],
    [2n, 'b'],
  ])
  table.remove(slots, 1)
  const frozen = state.freeze(2, 1)
  assert.deepEqual(
    frozen.map(({ removed = false, since }) => ({ removed, since })),
    [{ removed: false, since: 1 }],
  )
  assert.deepEqual(frozen.flatMap(rowsOfFrozen).map(String), ['2,b,0,'])
  const [slot] = await resolved(table, [[2n, 'b']])
  table.remove(Int32Array.of(slot!), 1)
  const [keys, rest] = state.freeze(3, 2)
  assert.equal(keys?.removed, true)
  assert.deepEqual(rowsOfFrozen(keys!).map(String), ['2,b'])
  assert.deepEqual(rowsOfFrozen(rest!), [])
})

test('what an earlier checkpoint has that is not known any more is written whole', async () => {
  const state = open()
  await resolved(state.table(SUMS), [[1n, 'a']])
  for (let id = 1; id < 12; id++) for (const each of state.freeze(id, null)) each.release()
  for (const since of [3, 99]) {
    const frozen = state.freeze(20 + since, since)
    assert.deepEqual(
      frozen.map((table) => table.since),
      [null],
    )
    assert.equal(frozen.flatMap(rowsOfFrozen).length, 1)
  }
  assert.equal(state.freeze(200, 1)[0]?.since, 1)
})
