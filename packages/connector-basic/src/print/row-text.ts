/**
 * A row as the reference prints it: `+I[sensor-1, 21.5, 2026-11-22T10:15]`.
 */
import {
  type Column,
  type ColumnBatch,
  type Field,
  formatDate,
  formatDecimal,
  formatDouble,
  formatFloat,
  formatTimestamp,
  ROW_KIND_SYMBOLS,
  type Schema,
  valueAt,
} from '@millrace/core'

/** `2026-11-22T10:15[:30[.123[456]]]`, as ISO local date-times print themselves. */
function localDateTimeText(ms: number, precision: number): string {
  const text = formatTimestamp(ms, Math.min(6, precision), { separator: 'T' })
  const [whole = '', fraction = ''] = text.split('.')
  const digits = fraction.padEnd(6, '0')
  if (digits.endsWith('000000') && whole.endsWith(':00')) return whole.slice(0, -3)
  if (digits === '000000') return whole
  return `${whole}.${digits.endsWith('000') ? digits.slice(0, 3) : digits}`
}

function valueText(column: Column, row: number, { type }: Field): string {
  const value = valueAt(column, row)
  if (value === null) return 'null'
  switch (type.kind) {
    case 'FLOAT':
      return formatFloat(value as number)
    case 'DOUBLE':
      return formatDouble(value as number)
    case 'DECIMAL':
      return formatDecimal(value as bigint, type.scale)
    case 'DATE':
      return formatDate(value as number)
    case 'TIMESTAMP':
      return localDateTimeText(value as number, type.precision)
    case 'TIMESTAMP_LTZ': {
      const text = localDateTimeText(value as number, type.precision)
      return `${text.length === 16 ? `${text}:00` : text}Z`
    }
    default:
      return String(value)
  }
}

export function rowText(batch: ColumnBatch, row: number, schema: Schema): string {
  const kind = ROW_KIND_SYMBOLS[batch.rowKinds?.[row] ?? 0]
  const values = schema.fields.map((field, k) => valueText(batch.columns[k] as Column, row, field))
  return `${kind}[${values.join(', ')}]`
}
