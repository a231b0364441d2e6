/** The layout of `f64`: doubles, times among them. */
import { combineHash, hashFloat64, NULL_HASH } from '../../id/key-group.ts'
import { Float64Column } from '../column.ts'
import type { ColumnLayout } from './column-layout.ts'
import { encodeFixedWidth, fixedWidthSize } from './fixed-width.ts'
import { growArray } from './grow-array.ts'

const WIRE_KIND = 2

export const F64_LAYOUT: ColumnLayout<Float64Column> = {
  kind: 'f64',
  wireKind: WIRE_KIND,

  allocate: (_type, capacity, nulls) => new Float64Column(new Float64Array(capacity), nulls),

  grow(column, capacity) {
    column.values = growArray(column.values, capacity)
  },

  gather(source, indexes, count, nulls) {
    const values = new Float64Array(count)
    gatherValues(source.values, indexes, count, values)
    return new Float64Column(values, nulls)
  },

  select(source, indexes, count, into) {
    gatherValues(source.values, indexes, count, into.values)
  },

  unshare() {},

  copyValue(source, row, target, at) {
    target.values[at] = source.values[row] as number
  },

  same(a, row, b, other) {
    return Object.is(a.values[row], b.values[other])
  },

  compare(a, row, b, other) {
    return compareValues(a.values[row] as number, b.values[other] as number)
  },

  hash: (column, row) => hashFloat64(column.values[row] as number),

  foldHashes({ values, nulls }, rowCount, into) {
    for (let i = 0; i < rowCount; i++) {
      const hash = nulls !== null && nulls[i] === 1 ? NULL_HASH : hashFloat64(values[i] as number)
      into[i] = combineHash(into[i] as number, hash)
    }
  },

  valueBytes: () => 8,
  size: fixedWidthSize,
  encode: (column, rowCount, target) => encodeFixedWidth(column, rowCount, WIRE_KIND, target),
  decode: (reader, _type, rowCount, nulls) => new Float64Column(reader.f64Array(rowCount), nulls),

  get: (column, row) => column.values[row] as number,

  set(column, row, value) {
    column.values[row] = Number(value)
  },

  clear(column, row) {
    column.values[row] = 0
  },
}

function gatherValues(
  from: Float64Array,
  indexes: Int32Array,
  count: number,
  into: Float64Array,
): void {
  for (let i = 0; i < count; i++) into[i] = from[indexes[i] as number] as number
}

/** Every double has a place: -0 just before 0, NaN after Infinity. */
function compareValues(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  if (Object.is(a, b)) return 0
  if (a === b) return Object.is(a, -0) ? -1 : 1
  return Number.isNaN(a) ? 1 : -1
}
