/** Timers on disk: as in memory, however little memory there is, and their files go with them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FrozenTable, KeyedState, Value } from '@millrace/core'
import { openDisk, openResident, openWorking } from '../testing/disk-in-memory.ts'
import { resolved, rowsOfFrozen, write } from '../testing/table-steps.ts'
import { rowsAt, TIMERS } from '../testing/timers-contract.ts'
import { timersFuzz } from '../testing/timers-fuzz.ts'

timersFuzz('resident', [openResident])
timersFuzz('disk', [() => openDisk().state, openWorking])
timersFuzz('disk and resident', [openWorking, openResident])

const KEYS = 5000

async function fill(state: KeyedState, times: readonly number[]) {
  const timers = state.timers(TIMERS)
  for (const timeMs of times) {
    const rows = Array.from({ length: KEYS }, (_, i): Value[] => [BigInt(i), timeMs])
    for (let from = 0; from < KEYS; from += 1000) {
      write(timers, await resolved(timers, rows.slice(from, from + 1000)), 0, timeMs)
    }
  }
  return timers
}

const rowsOf = (tables: readonly FrozenTable[]): Value[][][] =>
  tables.map((table) => {
    const rows = rowsOfFrozen(table)
    table.release()
    return rows
  })

test('disk: a time that is over gives its files back, and nothing of it is written any more', async () => {
  const { state, files, work } = openDisk()
  const timers = await fill(state, [10])
  work()
  assert.ok(files.open > 0)
  const written = files.written
  assert.equal(rowsAt(timers, 10).length, KEYS)
  timers.removeAt(10)
  work()
  assert.deepEqual([files.open, files.written, timers.size], [0, written, 0])
})

test('disk: what is due is read with little more memory than there is', async () => {
  const { state } = openDisk(64 * 1024)
  const timers = await fill(state, [10, 20])
  const before = timers.memoryBytes
  const entries = timers.entriesAt(10)
  let count = 0
  for (let slots = entries.next(); slots.length > 0; slots = entries.next()) {
    count += slots.length
    assert.ok(timers.memoryBytes < before + 2048 * 2 * 64, `${timers.memoryBytes} after ${before}`)
  }
  assert.equal(count, KEYS)
  assert.ok(timers.partsAt([10, 20]) > 8)
})

test('disk: a checkpoint after a window has fired says which keys went, and of the others nothing', async () => {
  const { state, work } = openDisk()
  const timers = await fill(state, [10, 20, 30, 40])
  work()
  rowsOf(state.freeze(1, null))
  timers.removeAt(10)
  const tables = state.freeze(2, 1)
  assert.ok(tables.every(({ since }) => since === 1))
  const [gone, changed] = [true, false].map((removed) =>
    rowsOf(tables.filter((table) => (table.removed === true) === removed)).flat(),
  ) as [Value[][], Value[][]]
  assert.deepEqual(new Set(gone.map(([id]) => id)).size, KEYS)
  assert.ok(gone.every(([, timeMs]) => timeMs === 10))
  assert.ok(changed.length < KEYS, `${changed.length} entries that did not change`)
  // Of those that left before the checkpoint, some are there as the runs of that time.
  assert.deepEqual(rowsOf(state.freeze(3, 2)).flat(), [])
  state.close()
})
