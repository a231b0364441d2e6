/** What every backend's timers must do: entries are found by their time, and go with it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BATCH_ROWS_TARGET,
  type KeyedState,
  rowsOf,
  type StateTableSpec,
  type TimerTable,
  type Value,
} from '@millrace/core'
import { asTexts, resolved, rowsOfFrozen, write } from './table-steps.ts'

export const TIMERS: StateTableSpec = {
  name: 'timers',
  key: { fields: [{ name: 'id', type: { kind: 'BIGINT', nullable: true } }] },
  sub: {
    columns: {
      fields: [{ name: 'at', type: { kind: 'TIMESTAMP', precision: 3, nullable: false } }],
    },
    ordered: false,
    due: { keptMs: 0 },
  },
  value: { fields: [{ name: 'n', type: { kind: 'DOUBLE', nullable: false } }] },
  ttlMs: 0,
}

/** Values of DISTINCT in windows: several entries of one key and time. */
export const TIMED_VALUES: StateTableSpec = {
  ...TIMERS,
  name: 'timed values',
  sub: {
    columns: {
      fields: [
        ...TIMERS.sub!.columns.fields,
        { name: 'value', type: { kind: 'STRING', nullable: true } },
      ],
    },
    ordered: true,
    due: { keptMs: 0 },
  },
}

/** Rows (key, sub, value) of the entries of a time, as sorted texts. */
export function rowsAt(table: TimerTable, timeMs: number, part = 0, parts = 1): string[] {
  const { spec } = table
  const fields = [...spec.key.fields, ...spec.sub!.columns.fields]
  const rows: Value[][] = []
  const entries = table.entriesAt(timeMs, part, parts)
  for (let slots = entries.next(); slots.length > 0; slots = entries.next()) {
    assert.ok(slots.length <= BATCH_ROWS_TARGET)
    const columns = table.keyColumns(slots, 0, slots.length)
    const { words, stride } = table.memory
    const keys = rowsOf({ rowCount: slots.length, columns, rowKinds: null } as never, { fields })
    keys.forEach((key, i) => {
      rows.push([...key, words[slots[i]! * stride + table.valueWords[0]!]!])
    })
  }
  return asTexts(rows)
}

export function timersContract(backend: string, open: () => KeyedState): void {
  timesContract(backend, open)
  partsContract(backend, open)
}

function timesContract(backend: string, open: () => KeyedState): void {
  test(`${backend}: entries are found by their time, earliest first, and go with it`, async () => {
    const timers = open().timers(TIMERS)
    for (const row of [
      [1n, 30],
      [2n, 10],
      [3n, 30],
      [4n, 20],
    ]) {
      await resolved(timers, [row])
    }
    assert.equal(timers.firstMs, 10)
    assert.deepEqual(rowsAt(timers, 30), ['1,30,0', '3,30,0'])
    assert.deepEqual(rowsAt(timers, 15), [])
    timers.removeAt(10)
    timers.removeAt(15)
    assert.equal(timers.firstMs, 20)
    timers.remove(await resolved(timers, [[1n, 30]]), 1)
    await resolved(timers, [[9n, 5]])
    assert.equal(timers.firstMs, 5)
    for (const timeMs of [5, 20]) timers.removeAt(timeMs)
    assert.deepEqual(rowsAt(timers, 30), ['3,30,0'])
    timers.removeAt(30)
    assert.equal(timers.firstMs, Number.POSITIVE_INFINITY)
    assert.equal(timers.size, 0)
  })

  test(`${backend}: a time that was removed may have entries again, and none of those that went`, async () => {
    const state = open()
    const timers = state.timers(TIMERS)
    const rows = Array.from({ length: 5000 }, (_, i): Value[] => [BigInt(i), 10])
    write(timers, await resolved(timers, rows), 0, 1)
    timers.removeAt(10)
    write(timers, await resolved(timers, rows.slice(0, 3)), 0, 2)
    assert.deepEqual(rowsAt(timers, 10), ['0,10,2', '1,10,2', '2,10,2'])
    const frozen = state.freeze(1, null)
    timers.removeAt(10)
    assert.deepEqual(asTexts(frozen.flatMap(rowsOfFrozen)), ['0,10,2', '1,10,2', '2,10,2'])
    assert.equal(timers.size, 0)
  })

  test(`${backend}: several entries of a key and a time are apart`, async () => {
    const values = open().timers(TIMED_VALUES)
    const rows: Value[][] = [
      [1n, 10, 'a'],
      [1n, 10, null],
      [1n, 20, 'a'],
      [1n, 10, 'b'],
    ]
    write(values, await resolved(values, [...rows, ...rows]), 0, 3)
    values.remove(await resolved(values, [[1n, 10, 'b']]), 1)
    assert.deepEqual(rowsAt(values, 10), ['1,10,a,3', '1,10,null,3'])
    assert.equal(values.size, 3)
  })
}

function partsContract(backend: string, open: () => KeyedState): void {
  test(`${backend}: many entries of a time come in batches, and part by part with all of their key`, async () => {
    const timers = open().timers(TIMERS)
    const keys = Array.from({ length: 9000 }, (_, i) => BigInt(i))
    for (const timeMs of [10, 20]) {
      const slots = await resolved(
        timers,
        keys.map((key) => [key, timeMs]),
      )
      write(timers, slots, 0, timeMs)
    }
    const all = (timeMs: number) => asTexts(keys.map((key) => [key, timeMs, timeMs]))
    assert.deepEqual(rowsAt(timers, 10), all(10))
    for (const parts of [2, 32]) {
      const [first, second] = [10, 20].map((timeMs) =>
        Array.from({ length: parts }, (_, part) => rowsAt(timers, timeMs, part, parts)),
      )
      assert.deepEqual(first!.flat().sort(), all(10))
      const idOf = (row: string): string => row.split(',')[0]!
      assert.deepEqual(
        first!.map((rows) => rows.map(idOf)),
        second!.map((rows) => rows.map(idOf)),
      )
      assert.ok(first!.every(({ length }) => length > 0))
    }
    timers.removeAt(10)
    assert.deepEqual(rowsAt(timers, 10), [])
    assert.deepEqual(rowsAt(timers, 20), all(20))
    assert.equal(timers.size, 9000)
  })
}
