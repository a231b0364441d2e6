/**
 * Empty columns and grown arrays.
 *
 * Every producer of batches allocates here, so that layouts agree. Capacities are rows; a string column's capacity
 * is entries, its bytes
 * grow apart from it.
 */
import type { PhysicalType } from '../types/logical-type.ts'
import {
  BooleanColumn,
  type Column,
  Float64Column,
  Int32Column,
  Int64Column,
  StringColumn,
  StringPool,
} from './column.ts'

/**
 * A column of `capacity` rows, zeroed; `nullable` adds a nulls array with no row NULL. A string column is in
 * reference form.
 */
export function allocateColumn(type: PhysicalType, capacity: number, nullable = false): Column {
  const nulls = nullable ? new Uint8Array(capacity) : null
  switch (type) {
    case 'bool':
      return new BooleanColumn(new Uint8Array(capacity), nulls)
    case 'i32':
      return new Int32Column(new Int32Array(capacity), nulls)
    case 'f64':
      return new Float64Column(new Float64Array(capacity), nulls)
    case 'i64':
      return new Int64Column(new BigInt64Array(capacity), nulls)
    case 'str':
      return new StringColumn(allocateStringPool(capacity, capacity * 16), null, nulls)
  }
}

/** An empty pool with room for `entries` entries of `bytes` bytes in all. */
export function allocateStringPool(entries: number, bytes: number): StringPool {
  return new StringPool(new Uint8Array(bytes), new Int32Array(entries), new Int32Array(entries), 0)
}

/** A longer copy of `array`, at least `length` long and at least twice as long as before. */
export function growArray<T extends Uint8Array | Int32Array | Float64Array | BigInt64Array>(
  array: T,
  length: number,
): T {
  const Grown = array.constructor as new (length: number) => T
  const grown = new Grown(Math.max(length, array.length * 2, 16))
  grown.set(array as never)
  return grown
}
