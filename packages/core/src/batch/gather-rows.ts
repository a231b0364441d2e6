/**
 * Copies of batches: whole, a slice, or chosen rows.
 *
 * What a consumer calls to keep data beyond `processBatch`, and what a partitioner calls to split a
 * batch by channel. Results own their arrays, except that a dictionary pool (append-only by
 * contract) is shared by `gatherRows` and `sliceBatch`, never by `copyBatch`.
 */
import { ColumnBatch } from './column-batch.ts'
import { gatherBytes, gatherColumn } from './column-rows.ts'
import { layoutOf } from './layout/layouts.ts'
import { rangeOf } from './layout/string-pool.ts'

/** Rows `indexes[0 … count)` of `batch`, in that order. */
export function gatherRows(
  batch: ColumnBatch,
  indexes: Int32Array,
  count = indexes.length,
): ColumnBatch {
  const columns = batch.columns.map((column) => gatherColumn(column, indexes, count))
  let rowKinds: Uint8Array | null = null
  if (batch.rowKinds !== null) {
    rowKinds = new Uint8Array(count)
    gatherBytes(batch.rowKinds, indexes, count, rowKinds)
  }
  return new ColumnBatch(count, columns, rowKinds)
}

/** Rows `start … end` (exclusive) of `batch`, copied. */
export function sliceBatch(batch: ColumnBatch, start: number, end: number): ColumnBatch {
  return gatherRows(batch, rangeOf(start, end))
}

/**
 * A copy that shares nothing with `batch`; a string column whose rows are longer than its
 * dictionary stays a dictionary.
 */
export function copyBatch(batch: ColumnBatch): ColumnBatch {
  const { rowCount } = batch
  const copy = sliceBatch(batch, 0, rowCount)
  for (const column of copy.columns) layoutOf(column.kind).unshare(column, rowCount)
  return copy
}
