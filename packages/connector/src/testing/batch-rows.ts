/**
 * Batches ↔ plain values, for tests.
 */
import { type ColumnBatch, valueAt } from '@millrace/core'

export { valueAt }

/** Every row as an array of `valueAt` values. */
export function rowsOfBatch(batch: ColumnBatch): unknown[][] {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    batch.columns.map((column) => valueAt(column, row)),
  )
}
