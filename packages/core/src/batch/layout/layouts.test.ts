/**
 * The contract of a column layout, run for every kind: a further kind gets it by its
 * line in the table.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type LogicalType, type PhysicalType, physicalTypeOf } from '../../types/logical-type.ts'
import { decodeBatch, encodeBatch, encodeBatchTo, encodedBatchSize } from '../batch-wire.ts'
import type { Column } from '../column.ts'
import { ColumnBatch } from '../column-batch.ts'
import {
  allocateColumn,
  compareValues,
  copyValue,
  growColumn,
  isNullAt,
  referColumn,
  sameValue,
  setValue,
  valueAt,
} from '../column-rows.ts'
import { rowsOf } from '../column-values.ts'
import { copyBatch, gatherRows } from '../gather-rows.ts'
import { hashRow, hashRows } from '../key-columns.ts'
import { randomBatch, seededRandom } from '../random-batch.ts'
import { WireTarget } from '../wire-target.ts'
import { LAYOUTS, layoutOf } from './layouts.ts'

/** A type of each kind. */
const TYPES: { readonly [K in PhysicalType]: LogicalType } = {
  bool: { kind: 'BOOLEAN', nullable: true },
  i32: { kind: 'INT', nullable: true },
  f64: { kind: 'DOUBLE', nullable: true },
  i64: { kind: 'BIGINT', nullable: true },
  str: { kind: 'STRING', nullable: true },
}

/** Pieces of `pieceBytes` bytes, put together by `joined`. */
class PieceTarget extends WireTarget {
  readonly pieces: Uint8Array[] = []
  readonly #pieceBytes: number
  constructor(pieceBytes: number) {
    super(new Uint8Array(0), 0, 0)
    this.#pieceBytes = pieceBytes
  }
  override nextPiece(): void {
    this.bytes = new Uint8Array(this.#pieceBytes).fill(0xee)
    this.pieces.push(this.bytes)
    this.at = 0
    this.end = this.#pieceBytes
  }
  joined(): Uint8Array {
    const last = this.pieces.at(-1)?.subarray(0, this.at) ?? new Uint8Array(0)
    return Buffer.concat([...this.pieces.slice(0, -1), last])
  }
}

test('numbers of kinds on the wire are distinct', () => {
  const kinds = Object.values(LAYOUTS).map(({ wireKind }) => wireKind)
  assert.equal(new Set(kinds).size, kinds.length)
})

for (const [kind, type] of Object.entries(TYPES)) {
  const schema = { fields: [{ name: 'c', type }] }
  const cases = (count: number) =>
    Array.from({ length: count }, (_, index) => {
      const random = seededRandom(index + 1)
      const batch = randomBatch(schema, 1 + Math.floor(random() * 30), random)
      return { batch, column: batch.columns[0] as Column, random }
    })

  describe(`the layout of ${kind}`, () => {
    test('is its logical type’s, and makes columns of its kind', () => {
      assert.equal(physicalTypeOf(type), kind)
      const column = allocateColumn(kind as PhysicalType, 4)
      assert.equal(column.kind, kind)
      assert.equal(layoutOf(kind as PhysicalType).kind, kind)
      for (let row = 0; row < 4; row++) assert.equal(isNullAt(column, row), false)
    })

    test('stores values and NULLs, over and over, in a column that grows', () => {
      for (const { batch, column, random } of cases(50)) {
        const copy = allocateColumn(kind as PhysicalType, 1)
        let capacity = 1
        const expected: unknown[] = []
        for (let row = 0; row < batch.rowCount; row++) {
          if (row === capacity) {
            capacity *= 2
            growColumn(copy, capacity)
          }
          if (random() < 0.5) setValue(copy, row, valueAt(column, row), capacity)
          else copyValue(column, row, copy, row, capacity)
          expected[row] = valueAt(column, row)
          const earlier = Math.floor(random() * (row + 1))
          copyValue(column, row, copy, earlier, capacity)
          expected[earlier] = valueAt(column, row)
        }
        assert.deepEqual(
          expected.map((_, row) => valueAt(copy, row)),
          expected,
        )
      }
    })

    test('gathers, selects and copies the rows asked for', () => {
      const into = allocateColumn(kind as PhysicalType, 64, true)
      for (const { batch, column, random } of cases(50)) {
        const indexes = Int32Array.from({ length: 64 }, () => Math.floor(random() * batch.rowCount))
        const expected = [...indexes].map((row) => [valueAt(column, row)])
        assert.deepEqual(rowsOf(gatherRows(batch, indexes), schema), expected)
        assert.deepEqual(rowsOf(copyBatch(gatherRows(batch, indexes)), schema), expected)
        const referred = referColumn(column, indexes)
        assert.deepEqual(
          expected.map((_, row) => [valueAt(referred, row)]),
          expected,
        )
        layoutOf(column.kind).select(column, indexes, 64, into)
        into.nulls = Uint8Array.from(indexes, (row) => (isNullAt(column, row) ? 1 : 0))
        const selected = expected.map((_, row) => [valueAt(into, row)])
        assert.deepEqual(selected, expected)
      }
    })

    test('holds equal values for one key, with one hash, in every form', () => {
      for (const { batch, column } of cases(50)) {
        const flat = allocateColumn(kind as PhysicalType, batch.rowCount)
        for (let row = 0; row < batch.rowCount; row++) {
          copyValue(column, row, flat, row, batch.rowCount)
        }
        const hashes = new Int32Array(batch.rowCount)
        hashRows(batch, [0], hashes)
        for (let a = 0; a < batch.rowCount; a++) {
          assert.equal(hashRow([column], a), hashes[a])
          assert.equal(hashRow([flat], a), hashes[a])
          for (let b = 0; b < batch.rowCount; b++) {
            const same = Object.is(valueAt(column, a), valueAt(flat, b))
            assert.equal(sameValue(column, a, flat, b), same)
            assert.equal(compareValues(column, a, flat, b) === 0, same)
            if (same) assert.equal(hashRow([flat], b), hashes[a])
          }
        }
      }
    })

    test('orders values, NULL first', () => {
      for (const { batch, column } of cases(50)) {
        const rows = Array.from({ length: batch.rowCount }, (_, row) => row)
        rows.sort((a, b) => compareValues(column, a, column, b))
        for (let i = 0; i < rows.length; i++) {
          for (let j = 0; j < rows.length; j++) {
            const order = Math.sign(compareValues(column, rows[i]!, column, rows[j]!))
            assert.equal(order === 0 || order === Math.sign(i - j), true)
            assert.equal(order + Math.sign(compareValues(column, rows[j]!, column, rows[i]!)), 0)
          }
        }
        const first = rows.findIndex((row) => !isNullAt(column, row))
        assert.equal(
          rows.slice(Math.max(first, 0)).some((row) => first >= 0 && isNullAt(column, row)),
          false,
        )
      }
    })

    test('is written alike into one array and into pieces of any size, and read back', () => {
      for (const { batch, random } of cases(100)) {
        const size = encodedBatchSize(batch, schema)
        const whole = new Uint8Array(size)
        assert.equal(encodeBatch(batch, schema, whole, 0), size)
        const target = new PieceTarget(8 * (1 + Math.floor(random() * 8)))
        encodeBatchTo(batch, schema, size, target)
        assert.deepEqual(new Uint8Array(target.joined()), whole)
        const decoded = decodeBatch(whole, 0, size, schema)
        assert.deepEqual(rowsOf(decoded, schema), rowsOf(batch, schema))
      }
    })

    test('a row adds about as many bytes to a batch as it says', () => {
      for (const { batch, column } of cases(50)) {
        const plain = new ColumnBatch(batch.rowCount, [column])
        let bytes = 0
        for (let row = 0; row < batch.rowCount; row++) {
          if (!isNullAt(column, row)) bytes += layoutOf(column.kind).valueBytes(column, row)
        }
        const size = encodedBatchSize(plain, schema)
        assert.ok(size <= bytes + 2 * batch.rowCount + 4 * batch.rowCount + 64, `${size}, ${bytes}`)
      }
    })
  })
}

test('NaN comes last and is one value whatever its bits; -0 comes before 0', () => {
  const values = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1]
  const column = allocateColumn('f64', values.length)
  values.forEach((value, row) => {
    setValue(column, row, value, values.length)
  })
  const order = values.map((_, row) => row)
  order.sort((a, b) => compareValues(column, a, column, b))
  assert.deepEqual(
    order.map((row) => values[row]),
    [Number.NEGATIVE_INFINITY, -0, 0, 1, Number.POSITIVE_INFINITY, Number.NaN],
  )
  const other = allocateColumn('f64', 1)
  assert.ok(other.kind === 'f64')
  new BigInt64Array(other.values.buffer)[0] = -0x7_ffff_ffff_ffffn
  assert.ok(Number.isNaN(other.values[0]))
  assert.ok(sameValue(column, 2, other, 0))
  assert.equal(hashRow([column], 2), hashRow([other], 0))
})
