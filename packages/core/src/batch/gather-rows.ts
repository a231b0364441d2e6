/**
 * Copies of batches: whole, a slice, or chosen rows.
 *
 * What a consumer calls to keep data beyond `processBatch`, and what a partitioner calls to split a batch by channel.
 * Results own their
 * arrays, except that a dictionary pool (append-only by contract) is shared by `gatherRows` and `sliceBatch`, never by
 * `copyBatch`.
 */
import {
  BooleanColumn,
  type Column,
  Float64Column,
  Int32Column,
  Int64Column,
  StringColumn,
  StringPool,
} from './column.ts'
import { ColumnBatch } from './column-batch.ts'

/** Rows `indexes[0 … count)` of `batch`, in that order. */
export function gatherRows(
  batch: ColumnBatch,
  indexes: Int32Array,
  count = indexes.length,
): ColumnBatch {
  const columns = batch.columns.map((column) => gatherColumn(column, indexes, count))
  const rowKinds = batch.rowKinds === null ? null : gatherBytes(batch.rowKinds, indexes, count)
  return new ColumnBatch(count, columns, rowKinds)
}

/** Rows `start … end` (exclusive) of `batch`, copied. */
export function sliceBatch(batch: ColumnBatch, start: number, end: number): ColumnBatch {
  return gatherRows(batch, rangeOf(start, end))
}

/**
 * A copy that shares nothing with `batch`; a string column whose rows are longer than its dictionary stays a
 * dictionary.
 */
export function copyBatch(batch: ColumnBatch): ColumnBatch {
  const copy = sliceBatch(batch, 0, batch.rowCount)
  for (const column of copy.columns) {
    if (column.kind !== 'str' || column.codes === null) continue
    if (column.pool.size <= batch.rowCount) column.pool = copyPool(column.pool)
    else {
      const flat = flattenStrings(column, batch.rowCount)
      column.pool = flat.pool
      column.codes = null
    }
  }
  return copy
}

function rangeOf(start: number, end: number): Int32Array {
  const indexes = new Int32Array(end - start)
  for (let i = 0; i < indexes.length; i++) indexes[i] = start + i
  return indexes
}

function gatherBytes(source: Uint8Array, indexes: Int32Array, count: number): Uint8Array {
  const target = new Uint8Array(count)
  for (let i = 0; i < count; i++) target[i] = source[indexes[i] as number] as number
  return target
}

function gatherColumn(column: Column, indexes: Int32Array, count: number): Column {
  const nulls = column.nulls === null ? null : gatherBytes(column.nulls, indexes, count)
  switch (column.kind) {
    case 'bool':
      return new BooleanColumn(gatherBytes(column.values, indexes, count), nulls)
    case 'i32':
      return new Int32Column(gatherInts(column.values, indexes, count), nulls)
    case 'f64': {
      const source = column.values
      const target = new Float64Array(count)
      for (let i = 0; i < count; i++) target[i] = source[indexes[i] as number] as number
      return new Float64Column(target, nulls)
    }
    case 'i64': {
      const source = column.values
      const target = new BigInt64Array(count)
      for (let i = 0; i < count; i++) target[i] = source[indexes[i] as number] as bigint
      return new Int64Column(target, nulls)
    }
    case 'str':
      if (column.codes !== null) {
        return new StringColumn(column.pool, gatherInts(column.codes, indexes, count), nulls)
      }
      return new StringColumn(gatherPool(column.pool, indexes, count, nulls), null, nulls)
  }
}

function gatherInts(source: Int32Array, indexes: Int32Array, count: number): Int32Array {
  const target = new Int32Array(count)
  for (let i = 0; i < count; i++) target[i] = source[indexes[i] as number] as number
  return target
}

/** A pool whose entry i is entry `indexes[i]`, its bytes packed; entries of NULL rows are empty. */
function gatherPool(
  pool: StringPool,
  indexes: Int32Array,
  count: number,
  nulls: Uint8Array | null,
): StringPool {
  const starts = new Int32Array(count)
  const lengths = new Int32Array(count)
  let total = 0
  for (let i = 0; i < count; i++) {
    starts[i] = total
    if (nulls !== null && nulls[i] === 1) continue
    const length = pool.lengths[indexes[i] as number] as number
    lengths[i] = length
    total += length
  }
  const bytes = new Uint8Array(total)
  for (let i = 0; i < count; i++) {
    const length = lengths[i] as number
    if (length > 0) {
      copyBytes(pool.bytes, pool.starts[indexes[i] as number] as number, bytes, starts[i]!, length)
    }
  }
  return new StringPool(bytes, starts, lengths, count)
}

/** The reference form of a dictionary column: entry i is row i. */
function flattenStrings(column: StringColumn, rowCount: number): StringColumn {
  const codes = column.codes ?? rangeOf(0, rowCount)
  const pool = gatherPool(column.pool, codes, rowCount, column.nulls)
  return new StringColumn(pool, null, column.nulls)
}

function copyPool(pool: StringPool): StringPool {
  return gatherPool(pool, rangeOf(0, pool.size), pool.size, null)
}

/** Copies a short run of bytes; a loop beats `set(subarray)` below about 48 bytes. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  target: Uint8Array,
  at: number,
  length: number,
): void {
  if (length > 48) {
    target.set(source.subarray(start, start + length), at)
    return
  }
  for (let i = 0; i < length; i++) target[at + i] = source[start + i] as number
}
