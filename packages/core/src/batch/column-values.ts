/**
 * Single values out of columns: the slow, plain door for display, interpreters, tests
 * and keys of maps.
 *
 * JavaScript forms (`Value`): BOOLEAN boolean; INT, DOUBLE, DATE (days), TIMESTAMP and
 * TIMESTAMP_LTZ (epoch ms), intervals (ms or months) number; BIGINT bigint; DECIMAL bigint,
 * unscaled; STRING string; NULL null. Generated loops never come here.
 */
import { formatDecimal } from '../text/decimal.ts'
import { shortestFloat } from '../text/double-text.ts'
import { formatDate } from '../time/date-text.ts'
import { utcToLocalMs } from '../time/time-zone.ts'
import { formatTimestamp } from '../time/timestamp-text.ts'
import type { LogicalType, Schema } from '../types/logical-type.ts'
import type { Column } from './column.ts'
import type { ColumnBatch } from './column-batch.ts'
import { valueAt } from './column-rows.ts'
import type { Value } from './layout/column-layout.ts'

/** Every row as an array of values, in schema order. */
export function rowsOf(batch: ColumnBatch, schema: Schema): Value[][] {
  const rows: Value[][] = []
  for (let row = 0; row < batch.rowCount; row++) {
    rows.push(schema.fields.map((_, index) => valueAt(batch.columns[index] as Column, row)))
  }
  return rows
}

export type JsonValue = boolean | number | string | null

/**
 * A value in its JSON-safe display form: BIGINT a number while safe, else text; DECIMAL and times
 * as text (TIMESTAMP with as many fraction digits as its precision; TIMESTAMP_LTZ in
 * `localTimeZone`, UTC by default); doubles that JSON cannot hold as text.
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
    case 'FLOAT':
      return numberOrText(shortestFloat(value as number))
    case 'DOUBLE':
      return numberOrText(value as number)
    default:
      return value as JsonValue
  }
}

/** JSON has neither NaN nor infinities, and its writers forget the sign of zero. */
function numberOrText(value: number): JsonValue {
  if (Object.is(value, -0)) return '-0.0'
  return Number.isFinite(value) ? value : String(value)
}

/** One row in display form, in schema order. */
export function rowToJson(
  batch: ColumnBatch,
  row: number,
  schema: Schema,
  options: { readonly localTimeZone?: string } = {},
): JsonValue[] {
  return schema.fields.map((field, index) =>
    displayValue(valueAt(batch.columns[index] as Column, row), field.type, options.localTimeZone),
  )
}
