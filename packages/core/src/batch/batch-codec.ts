/**
 * BatchCodec: what the exchange does to batches without knowing what is in them.
 *
 * Between operators and `network`, which splits batches by key, cuts them to size and carries their
 * bytes. A codec is made of an edge's type (`codecOf`), on both ends of it. Invariant: `encode`
 * writes exactly `size` bytes, and `decode` of them gives equal rows or throws BATCH_CORRUPT.
 */
import type { Schema } from '../types/logical-type.ts'
import { decodeBatch, encodeBatchTo, encodedBatchSize } from './batch-wire.ts'
import { BATCH_BYTES_MAX, BATCH_ROWS_MAX, type ColumnBatch } from './column-batch.ts'
import { gatherRows } from './gather-rows.ts'
import { hashRows } from './key-columns.ts'
import { layoutOf } from './layout/layouts.ts'
import type { WireTarget } from './wire-target.ts'

/** What travels on an edge: today columns alone. */
export type RecordBatch = ColumnBatch

export interface BatchCodec {
  /** Exact number of bytes of the batch, a multiple of 8. */
  size(batch: RecordBatch): number
  /** Writes the batch, whose `size` was asked since it last changed. */
  encode(batch: RecordBatch, size: number, target: WireTarget): void
  /** May be a view on `bytes`. Throws BATCH_CORRUPT. */
  decode(bytes: Uint8Array, at: number, length: number): RecordBatch
  /** Key hashes of all rows into `into`, at least rowCount long. */
  keyHashes(batch: RecordBatch, keyColumns: readonly number[], into: Int32Array): void
  /** Rows `rows[0 … count)` as a batch that owns its arrays. */
  gather(batch: RecordBatch, rows: Int32Array, count: number): RecordBatch
  /**
   * How many rows from `from` on make a batch within BATCH_ROWS_MAX and BATCH_BYTES_MAX: at least
   * 1, however large that row is.
   */
  rowsWithin(batch: RecordBatch, from: number): number
}

export function columnCodec(schema: Schema): BatchCodec {
  return {
    size: (batch) => encodedBatchSize(batch, schema),
    encode: (batch, size, target) => encodeBatchTo(batch, schema, size, target),
    decode: (bytes, at, length) => decodeBatch(bytes, at, length, schema),
    keyHashes: hashRows,
    gather: gatherRows,
    rowsWithin: columnRowsWithin,
  }
}

/** Counts a dictionary's entries once a row, so it errs towards smaller batches. */
function columnRowsWithin(batch: ColumnBatch, from: number): number {
  const end = Math.min(batch.rowCount, from + BATCH_ROWS_MAX)
  let bytes = 0
  for (let row = from; row < end; row++) {
    for (const column of batch.columns) {
      if (column.nulls === null || column.nulls[row] === 0) {
        bytes += layoutOf(column.kind).valueBytes(column, row)
      }
    }
    if (bytes > BATCH_BYTES_MAX && row > from) return row - from
  }
  return end - from
}
