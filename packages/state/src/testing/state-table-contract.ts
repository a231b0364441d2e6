/**
 * What every `KeyedState` must do, whichever store its tables have: written against the
 * interface alone.
 *
 * Each backend's test calls `stateTableContract`. The fuzz test beside it compares with a plain
 * map, through freezes and restores.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  batchOf,
  ColumnBatch,
  type KeyedState,
  type LogicalType,
  RowKind,
  rowsOf,
  type StateTableSpec,
  storedSchemaOf,
  type Value,
} from '@millrace/core'
import { expiryContract } from './expiry-contract.ts'
import { asTexts, keyRows, resolved, rowsOfFrozen, write } from './table-steps.ts'
import { timersContract } from './timers-contract.ts'

const BIGINT: LogicalType = { kind: 'BIGINT', nullable: true }
const DOUBLE: LogicalType = { kind: 'DOUBLE', nullable: true }
const STRING: LogicalType = { kind: 'STRING', nullable: true }

export const SUMS: StateTableSpec = {
  name: 'sums',
  key: {
    fields: [
      { name: 'id', type: BIGINT },
      { name: 'name', type: STRING },
    ],
  },
  sub: null,
  value: {
    fields: [
      { name: 'total', type: DOUBLE },
      { name: 'best', type: STRING },
    ],
  },
  ttlMs: 0,
}

/** The same columns, the name as sub column. */
export const SUMS_BY_NAME: StateTableSpec = {
  ...SUMS,
  key: { fields: SUMS.key.fields.slice(0, 1) },
  sub: { columns: { fields: SUMS.key.fields.slice(1) }, ordered: true },
}

const ENTRIES: StateTableSpec = {
  name: 'entries',
  key: { fields: [{ name: 'id', type: BIGINT }] },
  sub: { columns: { fields: [{ name: 'd', type: DOUBLE }] }, ordered: true },
  value: { fields: [{ name: 'n', type: DOUBLE }] },
  ttlMs: 0,
}

const frozenRows = (state: KeyedState): string[] =>
  asTexts(state.freeze(1, null).flatMap((table) => rowsOfFrozen(table)))

/** `open`: with the given processing time. */
export function stateTableContract(
  backend: string,
  open: (nowMs?: () => number) => KeyedState,
): void {
  expiryContract(backend, open)
  keysContract(backend, open)
  freezeContract(backend, open)
  orderContract(backend, open)
  timersContract(backend, open)
}

function keysContract(backend: string, open: () => KeyedState): void {
  test(`${backend}: a key has one slot, NULL and texts included, in a batch and over batches`, async () => {
    const table = open().table(SUMS)
    const keys: Value[][] = [
      [1n, 'a'],
      [1n, null],
      [null, 'a'],
      [1n, 'a'],
      [2n, 'ab'],
      [null, null],
    ]
    const slots = await resolved(table, keys)
    assert.equal(new Set(slots).size, 5)
    assert.equal(slots[0], slots[3])
    assert.ok(!slots.includes(0), 'slot 0 is no entry')
    assert.deepEqual(await resolved(table, keys.toReversed()), slots.toReversed())
    assert.equal(table.size, 5)
    const columns = table.keyColumns(slots, 0, slots.length)
    assert.deepEqual(rowsOf({ rowCount: 6, columns } as ColumnBatch, SUMS.key), keys)
  })

  test(`${backend}: NaN is one key whatever its bits, -0 and 0 are two`, async () => {
    const table = open().table(ENTRIES)
    const other = new Float64Array(new BigUint64Array([0xfff8000000000001n]).buffer)[0] as number
    const slots = await resolved(table, [
      [1n, Number.NaN],
      [1n, other],
      [1n, 0],
      [1n, -0],
      [1n, 0],
    ])
    assert.equal(slots[0], slots[1])
    assert.equal(slots[2], slots[4])
    assert.equal(new Set(slots).size, 3)
  })

  test(`${backend}: find makes nothing; what is removed is made anew with the default value`, async () => {
    const table = open().table(SUMS, { defaults: Float64Array.of(7, -1) })
    const found = new Int32Array(1)
    assert.equal(table.find(keyRows(SUMS, [[1n, 'a']]), 1, found), null)
    assert.equal(found[0], 0)
    const [slot] = await resolved(table, [[1n, 'a']])
    const { stride } = table.memory
    assert.equal(table.memory.words[slot! * stride + table.valueWords[0]!], 7)
    write(table, Int32Array.of(slot!), 0, 8)
    const before = table.generation
    table.remove(Int32Array.of(0, slot!, slot!), 3)
    assert.equal(table.size, 0)
    assert.notEqual(table.generation, before)
    const [again] = await resolved(table, [[1n, 'a']])
    assert.equal(table.memory.words[again! * stride + table.valueWords[0]!], 7)
  })

  test(`${backend}: distinct gives each slot once, in order of first appearance`, async () => {
    const table = open().table(SUMS)
    const [a, b, c] = await resolved(table, [
      [1n, null],
      [2n, null],
      [3n, null],
    ])
    const into = new Int32Array(6)
    for (let turn = 0; turn < 2; turn++) {
      const count = table.distinct(Int32Array.of(b!, 0, a!, b!, c!, a!), 6, into)
      assert.deepEqual([...into.subarray(0, count)], [b, a, c])
    }
  })
}

function freezeContract(backend: string, open: () => KeyedState): void {
  test(`${backend}: what is frozen stays, whatever is written, made and removed afterwards`, async () => {
    const state = open()
    const table = state.table(SUMS)
    const keys = Array.from({ length: 3000 }, (_, i): Value[] => [BigInt(i), `k${i}`])
    write(table, await resolved(table, keys), 0, 1)
    const expected = asTexts(keys.map((key) => [...key, 1, null]))
    const frozen = state.freeze(1, null)
    write(table, await resolved(table, keys.slice(0, 500)), 0, 2)
    const gone = await resolved(table, keys.slice(1000, 1500))
    table.remove(gone, gone.length)
    await resolved(
      table,
      keys.slice(0, 700).map(([id]) => [id!, 'new']),
    )
    const later = state.freeze(2, null)
    table.clear()
    await resolved(table, [[9n, 'x']])
    assert.deepEqual(asTexts(rowsOfFrozen(frozen[0]!)), expected)
    assert.equal(rowsOfFrozen(later[0]!).length, 3000 - 500 + 700)
    for (const each of [...frozen, ...later]) each.release()
    assert.deepEqual(frozenRows(state), ['9,x,0,null'])
  })

  test(`${backend}: put replaces: of two parts that hold one key the later one counts`, async () => {
    const state = open()
    const table = state.table(SUMS)
    const schema = storedSchemaOf(SUMS)
    table.put(
      batchOf(schema, [
        [1n, 'a', 3, 'x'],
        [2n, 'b', 4, null],
      ]),
    )
    table.put(batchOf(schema, [[1n, 'a', 5, 'yy']]))
    assert.deepEqual(frozenRows(state), ['1,a,5,yy', '2,b,4,null'])
    // Keys that went: of one that was never there nothing comes of it.
    const keys = keyRows(SUMS, [
      [2n, 'b'],
      [3n, 'c'],
    ])
    table.put(new ColumnBatch(2, keys, new Uint8Array(2).fill(RowKind.DELETE)))
    assert.deepEqual(frozenRows(state), ['1,a,5,yy'])
  })
}

function orderContract(backend: string, open: () => KeyedState): void {
  test(`${backend}: entries of a key are read in order, from either end, as many as asked for`, async () => {
    const table = open().table(ENTRIES)
    const values = [3, -0, Number.NaN, 0, null, -5]
    await resolved(
      table,
      values.map((value) => [1n, value]),
    )
    await resolved(table, [[2n, 9]])
    const read = (direction: 'ascending' | 'descending', entriesMax: number): string[] => {
      const keys = batchOf(ENTRIES.key, [[2n], [3n], [1n]]).columns
      const scan = table.scan(keys, 3, { direction, entriesMax })
      const pairs: string[] = []
      for (let n = scan.next(); typeof n === 'number' && n > 0; n = scan.next()) {
        const columns = table.keyColumns(scan.slots, 0, n)
        const fields = [...ENTRIES.key.fields, ...ENTRIES.sub!.columns.fields]
        rowsOf({ rowCount: n, columns } as ColumnBatch, { fields }).forEach((row, p) => {
          pairs.push(`${scan.rows[p]}:${asTexts([row])[0]}`)
        })
      }
      return pairs
    }
    const all = ['2:1,null', '2:1,-5', '2:1,-0', '2:1,0', '2:1,3', '2:1,NaN']
    assert.deepEqual(read('ascending', Number.POSITIVE_INFINITY), ['0:2,9', ...all])
    assert.deepEqual(read('descending', 2), ['0:2,9', '2:1,NaN', '2:1,3'])
    const slots = await resolved(table, [[1n, -5]])
    table.remove(slots, 1)
    assert.deepEqual(read('ascending', 2), ['0:2,9', '2:1,null', '2:1,-0'])
  })
}
