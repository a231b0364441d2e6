/** The disk backend: the contract of all backends, and what is its own: eviction, runs, merges. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Column,
  Int64Column,
  rowsOf,
  type ScanOrder,
  type StatePart,
  type StateTableSpec,
  storedSchemaOf,
} from '@millrace/core'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import {
  changesSinceFuzz,
  forgottenSinceContract,
  writtenBehind,
} from '../testing/changes-since-fuzz.ts'
import { clock, openDisk, openResident, openWorking } from '../testing/disk-in-memory.ts'
import { editedStateContract } from '../testing/edited-state-contract.ts'
import { stateTableContract } from '../testing/state-table-contract.ts'
import { stateTableFuzz } from '../testing/state-table-fuzz.ts'
import { rowsOfFrozen } from '../testing/table-steps.ts'
import { TIMERS } from '../testing/timers-contract.ts'
import type { DiskTable } from './disk-table.ts'

stateTableContract('disk', (now) => openDisk(undefined, now).state)
editedStateContract('disk', () => openDisk().state)
stateTableFuzz('disk', [() => openDisk().state])
stateTableFuzz('disk and resident', [openWorking, openResident])
changesSinceFuzz('disk', [openWorking, () => openDisk().state])
changesSinceFuzz('disk and resident', [openWorking, openResident])
forgottenSinceContract('disk', (now) => openDisk(0, now).state)

const COUNTS: StateTableSpec = {
  name: 'counts',
  key: { fields: [{ name: 'k', type: { kind: 'BIGINT', nullable: true } }] },
  sub: null,
  value: { fields: [{ name: 'n', type: { kind: 'DOUBLE', nullable: false } }] },
  ttlMs: 0,
}

const keysOf = (from: number, count: number): Column[] => [
  new Int64Column(
    BigInt64Array.from({ length: count }, (_, i) => BigInt(from + i)),
    null,
  ),
]

/** Adds 1 to each key from … from + count. */
function countUp(table: DiskTable, from: number, count: number): void {
  const slots = new Int32Array(count)
  table.resolve(keysOf(from, count), count, slots)
  table.beforeWrite(slots, count)
  const { words, stride } = table.memory
  const word = table.valueWords[0] as number
  for (const slot of slots) words[slot * stride + word] = words[slot * stride + word]! + 1
}

const sorted = (rows: readonly unknown[][]): string[] => rows.map(String).sort()

test('state that is many times its memory counts right, and a merge gives disk space back', () => {
  const { state, files, work } = openDisk(64 * 1024)
  const table = state.table(COUNTS) as DiskTable
  const keys = 60_000
  for (let round = 0; round < 3; round++) {
    for (let from = 0; from < keys; from += 1000) countUp(table, from, 1000)
  }
  assert.equal(table.size, keys)
  assert.ok(files.open > 32, `${files.open} runs`)
  const before = table.diskBytes
  assert.ok(work() > 0, 'there was something to merge')
  assert.ok(table.diskBytes < before, `${table.diskBytes} bytes after ${before}`)
  const [frozen] = state.freeze(1, null)
  const rows = rowsOfFrozen(frozen!)
  frozen!.release()
  assert.equal(rows.length, keys)
  assert.ok(rows.every(([, n]) => n === 3))
  state.close()
  assert.equal(files.open, 0, 'every file is closed')
})

test('a key that was removed does not come back from an older run, also after merging', () => {
  const { state, work } = openDisk()
  const table = state.table(COUNTS) as DiskTable
  for (let from = 0; from < 20_000; from += 1000) countUp(table, from, 1000)
  for (let from = 0; from < 20_000; from += 2000) {
    const slots = new Int32Array(1000)
    table.find(keysOf(from, 1000), 1000, slots)
    assert.ok(slots.every((slot) => slot !== 0))
    table.remove(slots, 1000)
  }
  const check = (): void => {
    for (let from = 0; from < 20_000; from += 1000) {
      const slots = new Int32Array(1000)
      table.find(keysOf(from, 1000), 1000, slots)
      const there = slots.filter((slot) => slot !== 0).length
      assert.equal(there, from % 2000 === 0 ? 0 : 1000, `keys from ${from}`)
    }
  }
  check()
  assert.equal(table.size, 10_000)
  for (let from = 100_000; from < 140_000; from += 1000) countUp(table, from, 1000)
  work()
  check()
  countUp(table, 0, 1000)
  const slots = new Int32Array(1000)
  table.find(keysOf(0, 1000), 1000, slots)
  const { words, stride } = table.memory
  assert.ok(slots.every((slot) => words[slot * stride + table.valueWords[0]!] === 1))
})

test('what is frozen stays while entries leave the cache and runs are merged', () => {
  const { state, files, work } = openDisk()
  const table = state.table(COUNTS) as DiskTable
  for (let from = 0; from < 10_000; from += 1000) countUp(table, from, 1000)
  const [frozen] = state.freeze(1, null)
  for (let round = 0; round < 4; round++) {
    for (let from = 0; from < 10_000; from += 500) countUp(table, from, 500)
  }
  work()
  assert.deepEqual(
    sorted(rowsOfFrozen(frozen!)),
    sorted(Array.from({ length: 10_000 }, (_, k) => [k, 1])),
  )
  const open = files.open
  frozen!.release()
  assert.ok(files.open < open, 'what only the checkpoint needed is closed')
})

test('of 1 % of the keys an increment writes less than 2 % of the whole, whatever left the cache', async () => {
  const { state, files, work } = openDisk(64 * 1024)
  const table = state.table(COUNTS) as DiskTable
  const keys = 100_000
  for (let from = 0; from < keys; from += 1000) countUp(table, from, 1000)
  const filesystem = new MemoryFilesystem()
  const sizeOf = (parts: readonly StatePart[]): number => parts.at(-1)!.handle.size
  let parts = await writtenBehind(filesystem, 1, state.freeze(1, null), [])
  const whole = sizeOf(parts)
  for (let id = 2; id < 8; id++) {
    for (let from = id; from < keys; from += 10_000) countUp(table, from, 100)
    work()
    parts = await writtenBehind(filesystem, id, state.freeze(id, id - 1), parts)
    const share = sizeOf(parts) / whole
    assert.ok(share > 0.003 && share < 0.02, `${share} of ${whole} bytes`)
  }
  assert.equal(parts.length, 7)
  state.close()
  assert.equal(files.open, 0, 'every file is closed')
})

test('a run that was merged away is still in the next increment, and its file goes with the one after', async () => {
  const { state, files, work } = openDisk(0)
  const table = state.table(COUNTS) as DiskTable
  countUp(table, 0, 4000)
  for (const each of state.freeze(1, null)) each.release()
  for (let round = 0; round < 8; round++) countUp(table, 0, 500)
  assert.ok(work() > 0, 'there was something to merge')
  const [increment] = state.freeze(2, 1)
  assert.deepEqual(
    sorted(rowsOfFrozen(increment!)),
    sorted(Array.from({ length: 500 }, (_, k) => [k, 9])),
  )
  increment!.release()
  const open = files.open
  for (const each of state.freeze(3, 2)) each.release()
  assert.ok(files.open < open, `${files.open} files after ${open}`)
})

test('when more left the cache than there is, the next checkpoint is whole and no run is kept', () => {
  const { state, files, work } = openDisk(0)
  const table = state.table(COUNTS) as DiskTable
  countUp(table, 0, 4000)
  for (const each of state.freeze(1, null)) each.release()
  for (let round = 0; round < 4; round++) countUp(table, 0, 4000)
  work()
  assert.equal(table.knows(1), false)
  assert.ok(files.open <= 32 * 4, `${files.open} files`)
  const frozen = state.freeze(2, 1)
  assert.deepEqual(
    frozen.map(({ since }) => since),
    [null],
  )
  for (const each of frozen) each.release()
  assert.ok(table.knows(2))
})

test('tables of one operator build upon a checkpoint together, or none does', () => {
  const { state } = openDisk(0)
  const table = state.table(COUNTS) as DiskTable
  const other = state.table({ ...COUNTS, name: 'other' }) as DiskTable
  state.timers(TIMERS)
  countUp(table, 0, 1000)
  countUp(other, 0, 1000)
  const sinceOf = (id: number, since: number | null): (number | null)[] =>
    state.freeze(id, since).map((frozen) => {
      frozen.release()
      return frozen.since
    })
  sinceOf(1, null)
  assert.deepEqual(sinceOf(2, 1), [1, 1, 1])
  other.clear()
  assert.deepEqual(sinceOf(3, 2), [null, null, null])
  assert.deepEqual(sinceOf(4, 3), [3, 3, 3])
})

test('entries whose time to live is over are dropped by a merge', () => {
  const { state, work } = openDisk()
  const spec = { ...COUNTS, ttlMs: 1000 }
  const table = state.table(spec) as DiskTable
  clock.nowMs = 10_000
  countUp(table, 0, 5000)
  clock.nowMs = 20_000
  for (let from = 5000; from < 60_000; from += 1000) countUp(table, from, 1000)
  work()
  clock.nowMs = 5
  const slots = new Int32Array(5000)
  table.find(keysOf(0, 5000), 5000, slots)
  assert.ok(slots.filter((slot) => slot !== 0).length < 500)
})

test('a full local disk is named, with the setting that says where it is', () => {
  const { state, files } = openDisk()
  const table = state.table(COUNTS) as DiskTable
  files.failsWith = 'ENOSPC'
  assert.throws(
    () => {
      for (let from = 0; from < 20_000; from += 1000) countUp(table, from, 1000)
    },
    (error: { code: string; location?: { optionKey?: string } }) => {
      assert.equal(error.code, 'STATE_LOCAL_WRITE_FAILED')
      assert.equal(error.location?.optionKey, 'state.backend.rocksdb.localdir')
      return true
    },
  )
})

test('a wrong bit that the local disk gives is noticed, by a look-up and by a checkpoint', () => {
  for (const reads of ['looked up', 'frozen'] as const) {
    const { state, files } = openDisk()
    const table = state.table(COUNTS) as DiskTable
    for (let from = 0; from < 8000; from += 1000) countUp(table, from, 1000)
    const [frozen] = state.freeze(1, null)
    files.damages = true
    assert.throws(
      () => {
        if (reads === 'looked up') countUp(table, 0, 1000)
        else rowsOfFrozen(frozen!)
      },
      { code: 'STATE_LOCAL_UNREADABLE', message: /its checksum is wrong/ },
      reads,
    )
  }
})

test('stored rows of two parts are put one over the other, whether they are cached or not', () => {
  const { state } = openDisk()
  const table = state.table(COUNTS) as DiskTable
  for (const value of [1, 2]) {
    for (let from = 0; from < 8000; from += 1000) {
      const columns = keysOf(from, 1000)
      const values = new Float64Array(1000).fill(value)
      table.put({
        rowCount: 1000,
        columns: [...columns, { kind: 'f64', values, nulls: null }],
        rowKinds: null,
      })
    }
  }
  const [frozen] = state.freeze(1, null)
  const rows = rowsOfFrozen(frozen!)
  assert.equal(rows.length, 8000)
  assert.ok(rows.every(([, n]) => n === 2))
  assert.equal(rowsOf(frozen!.gather(new Int32Array(0), 0), storedSchemaOf(COUNTS)).length, 0)
})

const VALUES: StateTableSpec = {
  ...COUNTS,
  name: 'values',
  sub: { columns: { fields: [{ name: 'v', type: COUNTS.key.fields[0]!.type }] }, ordered: true },
}

test('of a key whose entries are many times the memory a scan reads as far as it is read', () => {
  const { state, files, work } = openDisk(64 * 1024)
  const table = state.table(VALUES) as DiskTable
  const key = new Int64Column(new BigInt64Array(1000).fill(7n), null)
  const entries = 60_000
  for (let round = 0; round < 2; round++) {
    for (let n = 0; n < entries; n += 1000) {
      const from = (n * 7) % entries
      const slots = new Int32Array(1000)
      table.resolve([key, ...keysOf(from, 1000)], 1000, slots)
      table.beforeWrite(slots, 1000)
      const { words, stride } = table.memory
      for (const slot of slots) words[slot * stride + table.valueWords[0]!]! += 1
    }
    work()
  }
  assert.equal(table.size, entries)
  const read = (order: ScanOrder, upTo: number): bigint[] => {
    const found: bigint[] = []
    const scan = table.scan(keysOf(7, 1), 1, order)
    for (let n = scan.next() as number; n > 0 && found.length < upTo; n = scan.next() as number) {
      const { words, stride } = table.memory
      for (const slot of scan.slots.subarray(0, n)) {
        assert.equal(words[slot * stride + table.valueWords[0]!], 2)
      }
      found.push(...(table.keyColumns(scan.slots, 0, n)[1] as Int64Column).values)
    }
    return found
  }
  files.reads = 0
  assert.deepEqual(read({ direction: 'descending', entriesMax: 2 }, 2), [59_999n, 59_998n])
  assert.ok(files.reads < 20, `${files.reads} reads`)
  const before = table.memoryBytes
  const all = read({ direction: 'ascending' }, entries)
  assert.deepEqual(
    all,
    Array.from({ length: entries }, (_, v) => BigInt(v)),
  )
  const grown = table.memoryBytes - before
  assert.ok(grown < 512 * 1024, `${grown} bytes more after a scan of all`)
  const [frozen] = state.freeze(1, null)
  assert.equal(rowsOfFrozen(frozen!).length, entries)
})
