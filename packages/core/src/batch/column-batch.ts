/**
 * ColumnBatch: about 1,000–4,000 rows of one schema, the unit that flows through SQL
 * operators and channels.
 *
 * See `column.ts` for the ownership rule (valid until the consumer's `processBatch` returns).
 */
import type { Column } from './column.ts'

export class ColumnBatch {
  rowCount: number
  /** One column a field of the schema that producer and consumer share. */
  columns: Column[]
  /** A `RowKind` byte a row; null = every row is an INSERT. */
  rowKinds: Uint8Array | null
  constructor(rowCount: number, columns: Column[], rowKinds: Uint8Array | null = null) {
    this.rowCount = rowCount
    this.columns = columns
    this.rowKinds = rowKinds
  }
}

/**
 * Rows that a producer should put into one batch: large enough to amortise a call, small enough
 * for the L2 cache.
 */
export const BATCH_ROWS_TARGET = 2048
/** The exchange cuts batches with more rows. */
export const BATCH_ROWS_MAX = 8192
/**
 * The exchange cuts batches that take more bytes on the wire, and producers of long texts stop
 * there: what a channel's ends hold of one batch stays small. A single row may be larger.
 */
export const BATCH_BYTES_MAX = 1 << 20
