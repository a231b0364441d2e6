/**
 * What generated loops call to read rows of string columns, and the shared zeros for columns
 * without NULLs.
 */
import { type Column, decodedEntriesOf, type StringColumn, stringAt } from '@millrace/core'

let zeros = new Uint8Array(8192)

/** A nulls array: the column's own, or shared zeros of at least `rowCount` (never written). */
export function nullsOf(column: Column, rowCount: number): Uint8Array {
  if (column.nulls !== null) return column.nulls
  if (zeros.length < rowCount) zeros = new Uint8Array(rowCount * 2)
  return zeros
}

const NOTHING: string[] = []

/**
 * Decoded texts by code of a dictionary column (holes where not decoded yet); empty for references.
 */
export function textsOf(column: StringColumn): string[] {
  return column.codes === null ? NOTHING : decodedEntriesOf(column.pool)
}

export { stringAt }

/** Whether a row's text has exactly these bytes; no string is made. */
export function bytesEqualAt(column: StringColumn, row: number, text: Uint8Array): boolean {
  const { pool, codes } = column
  const entry = codes === null ? row : (codes[row] as number)
  const { length } = text
  if (pool.lengths[entry] !== length) return false
  const { bytes } = pool
  const start = pool.starts[entry] as number
  for (let i = 0; i < length; i++) if (bytes[start + i] !== text[i]) return false
  return true
}
