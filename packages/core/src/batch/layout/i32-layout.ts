/** The layout of `i32`: 32-bit integers. */
import { combineHash, hashInt32, NULL_HASH } from '../../id/key-group.ts'
import { Int32Column } from '../column.ts'
import type { ColumnLayout } from './column-layout.ts'
import { encodeFixedWidth, fixedWidthSize } from './fixed-width.ts'
import { growArray } from './grow-array.ts'

const WIRE_KIND = 1

export const I32_LAYOUT: ColumnLayout<Int32Column> = {
  kind: 'i32',
  wireKind: WIRE_KIND,

  allocate: (_type, capacity, nulls) => new Int32Column(new Int32Array(capacity), nulls),

  grow(column, capacity) {
    column.values = growArray(column.values, capacity)
  },

  gather(source, indexes, count, nulls) {
    const values = new Int32Array(count)
    gatherValues(source.values, indexes, count, values)
    return new Int32Column(values, nulls)
  },

  select(source, indexes, count, into) {
    gatherValues(source.values, indexes, count, into.values)
  },

  unshare() {},

  copyValue(source, row, target, at) {
    target.values[at] = source.values[row] as number
  },

  same(a, row, b, other) {
    return a.values[row] === b.values[other]
  },

  compare(a, row, b, other) {
    return compareValues(a.values[row] as number, b.values[other] as number)
  },

  hash: (column, row) => hashInt32(column.values[row] as number),

  foldHashes({ values, nulls }, rowCount, into) {
    for (let i = 0; i < rowCount; i++) {
      const hash = nulls !== null && nulls[i] === 1 ? NULL_HASH : hashInt32(values[i] as number)
      into[i] = combineHash(into[i] as number, hash)
    }
  },

  valueBytes: () => 4,
  size: fixedWidthSize,
  encode: (column, rowCount, target) => encodeFixedWidth(column, rowCount, WIRE_KIND, target),
  decode: (reader, _type, rowCount, nulls) => new Int32Column(reader.i32Array(rowCount), nulls),

  get: (column, row) => column.values[row] as number,

  set(column, row, value) {
    column.values[row] = Number(value)
  },

  clear(column, row) {
    column.values[row] = 0
  },
}

function gatherValues(
  from: Int32Array,
  indexes: Int32Array,
  count: number,
  into: Int32Array,
): void {
  for (let i = 0; i < count; i++) into[i] = from[indexes[i] as number] as number
}

function compareValues(a: number, b: number): number {
  return a - b
}
