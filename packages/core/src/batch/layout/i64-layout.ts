/** The layout of `i64`: 64-bit integers, scaled decimals among them. */
import { combineHash, hashInt64, hashInt64Halves, NULL_HASH } from '../../id/key-group.ts'
import { Int64Column } from '../column.ts'
import type { ColumnLayout } from './column-layout.ts'
import { encodeFixedWidth, fixedWidthSize } from './fixed-width.ts'
import { growArray } from './grow-array.ts'

const WIRE_KIND = 3

export const I64_LAYOUT: ColumnLayout<Int64Column> = {
  kind: 'i64',
  wireKind: WIRE_KIND,

  allocate: (_type, capacity, nulls) => new Int64Column(new BigInt64Array(capacity), nulls),

  grow(column, capacity) {
    column.values = growArray(column.values, capacity)
  },

  gather(source, indexes, count, nulls) {
    const values = new BigInt64Array(count)
    gatherValues(source.values, indexes, count, values)
    return new Int64Column(values, nulls)
  },

  select(source, indexes, count, into) {
    gatherValues(source.values, indexes, count, into.values)
  },

  unshare() {},

  copyValue(source, row, target, at) {
    target.values[at] = source.values[row] as bigint
  },

  same(a, row, b, other) {
    return a.values[row] === b.values[other]
  },

  compare(a, row, b, other) {
    return compareValues(a.values[row] as bigint, b.values[other] as bigint)
  },

  hash: (column, row) => hashInt64(column.values[row] as bigint),

  foldHashes({ values, nulls }, rowCount, into) {
    foldHalves(new Int32Array(values.buffer, values.byteOffset, rowCount * 2), nulls, into)
  },

  valueBytes: () => 8,
  size: fixedWidthSize,
  encode: (column, rowCount, target) => encodeFixedWidth(column, rowCount, WIRE_KIND, target),
  decode: (reader, _type, rowCount, nulls) => new Int64Column(reader.i64Array(rowCount), nulls),

  get: (column, row) => column.values[row] as bigint,

  set(column, row, value) {
    column.values[row] = BigInt(value)
  },

  clear(column, row) {
    column.values[row] = 0n
  },
}

/** By 32-bit halves, low half first: no BigInt comes into being. */
function foldHalves(halves: Int32Array, nulls: Uint8Array | null, into: Int32Array): void {
  const rowCount = halves.length >> 1
  for (let i = 0; i < rowCount; i++) {
    const hash =
      nulls !== null && nulls[i] === 1
        ? NULL_HASH
        : hashInt64Halves(halves[2 * i] as number, halves[2 * i + 1] as number)
    into[i] = combineHash(into[i] as number, hash)
  }
}

function gatherValues(
  from: BigInt64Array,
  indexes: Int32Array,
  count: number,
  into: BigInt64Array,
): void {
  for (let i = 0; i < count; i++) into[i] = from[indexes[i] as number] as bigint
}

function compareValues(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
