/**
 * Single values out of columns: the slow, plain door for display, interpreters, tests and keys of maps.
 *
 * JavaScript forms (`Value`): BOOLEAN boolean; INT, DOUBLE, DATE (days), TIMESTAMP and TIMESTAMP_LTZ (epoch ms),
 * intervals (ms or
 * months) number; BIGINT bigint; DECIMAL bigint, unscaled; STRING string; NULL null. Generated loops never come here.
 */
import { formatDecimal } from '../text/decimal.ts'
import { formatDate } from '../time/date-text.ts'
import { utcToLocalMs } from '../time/time-zone.ts'
import { formatTimestamp } from '../time/timestamp-text.ts'
import type { LogicalType, Schema } from '../types/logical-type.ts'
import type { Column, StringColumn, StringPool } from './column.ts'
import type { ColumnBatch } from './column-batch.ts'
import { decodeUtf8 } from './utf8.ts'

export type Value = boolean | number | bigint | string | null

/** Decoded entries of dictionary pools; pools are append-only, so a decoded entry stays true. */
const decodedEntries = new WeakMap<StringPool, string[]>()

/** The texts of a dictionary pool by code, as far as `stringAt` has decoded them: holes are undefined. */
export function decodedEntriesOf(pool: StringPool): string[] {
  let decoded = decodedEntries.get(pool)
  if (decoded === undefined) {
    decoded = []
    decodedEntries.set(pool, decoded)
  }
  return decoded
}

/** The text of a row that is not NULL; decoded once per entry for dictionary columns. */
export function stringAt(column: StringColumn, row: number): string {
  const { pool, codes } = column
  if (codes === null) {
    return decodeUtf8(pool.bytes, pool.starts[row] as number, pool.lengths[row] as number)
  }
  const code = codes[row] as number
  const decoded = decodedEntriesOf(pool)
  let text = decoded[code]
  if (text === undefined) {
    text = decodeUtf8(pool.bytes, pool.starts[code] as number, pool.lengths[code] as number)
    decoded[code] = text
  }
  return text
}

export function isNullAt(column: Column, row: number): boolean {
  return column.nulls !== null && column.nulls[row] === 1
}

/** The value of a row as a `Value`. The column's layout decides; `type` is needed by callers for meaning alone. */
export function valueAt(column: Column, row: number, _type?: LogicalType): Value {
  if (column.nulls !== null && column.nulls[row] === 1) return null
  switch (column.kind) {
    case 'bool':
      return column.values[row] === 1
    case 'str':
      return stringAt(column, row)
    default:
      return column.values[row] as number | bigint
  }
}

/** Every row as an array of values, in schema order. */
export function rowsOf(batch: ColumnBatch, schema: Schema): Value[][] {
  const rows: Value[][] = []
  for (let row = 0; row < batch.rowCount; row++) {
    rows.push(
      schema.fields.map((field, index) => valueAt(batch.columns[index] as Column, row, field.type)),
    )
  }
  return rows
}

export type JsonValue = boolean | number | string | null

/**
 * A value in its JSON-safe display form: BIGINT a number while safe, else text; DECIMAL and times as text (TIMESTAMP
 * with as many
 * fraction digits as its precision; TIMESTAMP_LTZ in `localTimeZone`, UTC by default); doubles that JSON cannot hold
 * as text.
 */
export function displayValue(value: Value, type: LogicalType, localTimeZone = 'UTC'): JsonValue {
  if (value === null) return null
  switch (type.kind) {
    case 'BIGINT': {
      const number = Number(value)
      return Number.isSafeInteger(number) ? number : String(value)
    }
    case 'DECIMAL':
      return formatDecimal(value as bigint, type.scale)
    case 'TIMESTAMP':
      return formatTimestamp(value as number, type.precision)
    case 'TIMESTAMP_LTZ':
      return formatTimestamp(utcToLocalMs(value as number, localTimeZone), type.precision)
    case 'DATE':
      return formatDate(value as number)
    case 'DOUBLE':
      return Number.isFinite(value) ? (value as number) : String(value)
    default:
      return value as JsonValue
  }
}

/** One row in display form, in schema order. */
export function rowToJson(
  batch: ColumnBatch,
  row: number,
  schema: Schema,
  options: { readonly localTimeZone?: string } = {},
): JsonValue[] {
  return schema.fields.map((field, index) =>
    displayValue(
      valueAt(batch.columns[index] as Column, row, field.type),
      field.type,
      options.localTimeZone,
    ),
  )
}
