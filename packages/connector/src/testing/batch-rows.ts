/**
 * Batches ↔ plain values, for tests.
 */
import type { Column, ColumnBatch } from '@millrace/core'

const decoder = new TextDecoder()

/** BOOLEAN as boolean, STRING as string, BIGINT and DECIMAL as bigint, others as number; NULL as null. */
export function valueAt(column: Column, row: number): unknown {
  if (column.nulls?.[row] === 1) return null
  if (column.kind === 'str') {
    const entry = column.codes === null ? row : (column.codes[row] as number)
    const start = column.pool.starts[entry] as number
    const length = column.pool.lengths[entry] as number
    return decoder.decode(column.pool.bytes.subarray(start, start + length))
  }
  return column.kind === 'bool' ? column.values[row] === 1 : column.values[row]
}

/** Every row as an array of `valueAt` values. */
export function rowsOfBatch(batch: ColumnBatch): unknown[][] {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    batch.columns.map((column) => valueAt(column, row)),
  )
}
