/** The layout of `bool`: a byte a row, 0 or 1. */
import { combineHash, hashInt32, NULL_HASH } from '../../id/key-group.ts'
import { BooleanColumn } from '../column.ts'
import type { ColumnLayout } from './column-layout.ts'
import { encodeFixedWidth, fixedWidthSize } from './fixed-width.ts'
import { growArray } from './grow-array.ts'
import { readFlags } from './wire-head.ts'

const WIRE_KIND = 0

export const BOOL_LAYOUT: ColumnLayout<BooleanColumn> = {
  kind: 'bool',
  wireKind: WIRE_KIND,

  allocate: (_type, capacity, nulls) => new BooleanColumn(new Uint8Array(capacity), nulls),

  grow(column, capacity) {
    column.values = growArray(column.values, capacity)
  },

  gather(source, indexes, count, nulls) {
    const values = new Uint8Array(count)
    gatherValues(source.values, indexes, count, values)
    return new BooleanColumn(values, nulls)
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

  valueBytes: () => 1,
  size: fixedWidthSize,
  encode: (column, rowCount, target) => encodeFixedWidth(column, rowCount, WIRE_KIND, target),
  decode: (reader, _type, rowCount, nulls) => new BooleanColumn(readFlags(reader, rowCount), nulls),

  get: (column, row) => column.values[row] === 1,

  set(column, row, value) {
    column.values[row] = value === true || value === 1 ? 1 : 0
  },

  clear(column, row) {
    column.values[row] = 0
  },
}

function gatherValues(
  from: Uint8Array,
  indexes: Int32Array,
  count: number,
  into: Uint8Array,
): void {
  for (let i = 0; i < count; i++) into[i] = from[indexes[i] as number] as number
}

function compareValues(a: number, b: number): number {
  return a - b
}
