/** What every backend must do with entries that have a time to live. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  batchOf,
  type KeyedState,
  type StateTable,
  type StateTableSpec,
  storedSchemaOf,
  type Value,
} from '@millrace/core'
import { asTexts, keyRows, resolved, rowsOfFrozen, write } from './table-steps.ts'

const TTL_MS = 1000
const BIGINT = { kind: 'BIGINT', nullable: true } as const
const DOUBLE = { kind: 'DOUBLE', nullable: true } as const

/** One entry a key. */
const SUMS: StateTableSpec = {
  name: 'sums',
  key: { fields: [{ name: 'id', type: BIGINT }] },
  sub: null,
  value: { fields: [{ name: 'total', type: DOUBLE }] },
  ttlMs: TTL_MS,
}
/** Several, in order. */
const VALUES: StateTableSpec = {
  ...SUMS,
  name: 'values',
  sub: { columns: { fields: [{ name: 'v', type: DOUBLE }] }, ordered: true },
}

type Open = (nowMs?: () => number) => KeyedState

function totalOf(table: StateTable, slot: number): number {
  return table.memory.words[slot * table.memory.stride + table.valueWords[0]!] as number
}

function found(table: StateTable, keys: readonly (readonly Value[])[]): boolean[] {
  const slots = new Int32Array(keys.length)
  table.find(keyRows(table.spec, keys), keys.length, slots)
  return Array.from(slots, (slot) => slot !== 0)
}

function frozenRows(state: KeyedState): string[] {
  const frozen = state.freeze(1, null)
  const rows = asTexts(frozen.flatMap((table) => rowsOfFrozen(table)))
  for (const table of frozen) table.release()
  return rows
}

export function expiryContract(backend: string, open: Open): void {
  for (const spec of [SUMS, VALUES]) {
    const key = (id: bigint): Value[] => (spec.sub === null ? [id] : [id, Number(id)])
    const rows = `${backend}: of a table ${spec.sub === null ? 'without' : 'with'} sub columns`

    test(`${rows} an entry that is over is not there, and made anew when it is asked for`, async () => {
      let nowMs = 5000
      const state = open(() => nowMs)
      const table = state.table(spec, { defaults: Float64Array.of(7) })
      write(table, await resolved(table, [key(1n), key(2n)]), 0, 50)
      nowMs += TTL_MS - 1
      write(table, await resolved(table, [key(2n)]), 0, 60)
      assert.deepEqual(found(table, [key(1n), key(2n)]), [true, true])
      nowMs += 1
      assert.deepEqual(found(table, [key(1n), key(2n)]), [false, true])
      assert.equal(frozenRows(state).length, 1, 'a checkpoint leaves it out')
      assert.equal([...table.slots()].flatMap((slots) => [...slots]).length, 1)
      const [again, kept] = await resolved(table, [key(1n), key(2n)])
      assert.deepEqual([totalOf(table, again!), totalOf(table, kept!)], [7, 60])
      assert.deepEqual(found(table, [key(1n)]), [true], 'making it is a write')
    })

    test(`${rows} reading does not lengthen a life`, async () => {
      let nowMs = 0
      const table = open(() => nowMs).table(spec)
      write(table, await resolved(table, [key(1n)]), 0, 1)
      for (; nowMs < TTL_MS; nowMs += 100) {
        await resolved(table, [key(1n)])
        assert.deepEqual(found(table, [key(1n)]), [true])
      }
      assert.deepEqual(found(table, [key(1n)]), [false])
    })

    restoreContract(rows, spec, key, open)
  }
  scanContract(backend, open)
}

function restoreContract(
  rows: string,
  spec: StateTableSpec,
  key: (id: bigint) => Value[],
  open: Open,
): void {
  test(`${rows} a restore lets the rest of a life go on, and brings nothing back`, () => {
    const nowMs = 10_000
    const state = open(() => nowMs)
    const table = state.table(spec)
    const row = (id: bigint, written: number, total: number) => [...key(id), written, total]
    const schema = storedSchemaOf(spec)
    table.put(
      batchOf(schema, [
        row(1n, nowMs - TTL_MS + 1, 1),
        row(2n, nowMs - TTL_MS, 2),
        row(3n, nowMs - 10, 3),
        row(4n, nowMs + 1_000_000, 4),
      ]),
    )
    // A later part of the checkpoint says that this one is over: the earlier one is no more.
    table.put(batchOf(schema, [row(3n, nowMs - 2 * TTL_MS, 33)]))
    assert.deepEqual(found(table, [key(1n), key(2n), key(3n), key(4n)]), [true, false, false, true])
    assert.deepEqual(
      frozenRows(state),
      asTexts([row(1n, nowMs - TTL_MS + 1, 1), row(4n, nowMs, 4)]),
      'what is from the future counts as written when the state was opened',
    )
  })
}

function scanContract(backend: string, open: Open): void {
  test(`${backend}: a scan passes over what is over, and counts it not among as many as are asked for`, async () => {
    let nowMs = 0
    const table = open(() => nowMs).table(VALUES)
    const rows = [1, 2, 3, 4].map((v): Value[] => [1n, v])
    write(table, await resolved(table, rows), 0, 1)
    nowMs += TTL_MS - 1
    write(table, await resolved(table, [rows[2]!, rows[3]!]), 0, 1)
    nowMs += 1
    const read = (entriesMax: number): number[] => {
      const keys = batchOf(VALUES.key, [[1n]]).columns
      const scan = table.scan(keys, 1, { direction: 'ascending', entriesMax })
      const slots: number[] = []
      for (let n = scan.next(); typeof n === 'number' && n > 0; n = scan.next()) {
        slots.push(...scan.slots.subarray(0, n))
      }
      const found = table.keyColumns(Int32Array.from(slots), 0, slots.length)
      return [...(found[1] as { values: Float64Array }).values]
    }
    assert.deepEqual(read(Number.POSITIVE_INFINITY), [3, 4])
    assert.deepEqual(read(1), [3])
  })
}
