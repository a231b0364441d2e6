/**
 * Values of a column that was stored as a narrower type, as those of a wider one.
 *
 * INT to BIGINT and the like, FLOAT to DOUBLE, a longer VARCHAR, a DECIMAL of more digits and the
 * same scale. Only the first changes how a value is held: a whole number that was a double (a sum,
 * an extreme) or 32 bits becomes 64 bits.
 */
import {
  type Column,
  type Field,
  formatType,
  Int64Column,
  type LogicalType,
  physicalTypeOf,
} from '@millrace/core'

const WHOLE: readonly LogicalType['kind'][] = ['TINYINT', 'SMALLINT', 'INT', 'BIGINT']

/** Without nullability and time attribute. */
export function bareType(type: LogicalType): string {
  const { attribute: _, ...rest } = type as LogicalType & { attribute?: string }
  return formatType({ ...rest, nullable: true } as LogicalType)
}

/** What a column's values are of: what a column of state sums up, else its own type. */
export function valueType({ holds, type }: Field): LogicalType {
  return holds ?? type
}

/** Whether each value of `before` is one of `now`; not whether it may be NULL. */
export function isWidened(before: LogicalType, now: LogicalType): boolean {
  const whole = WHOLE.indexOf(before.kind)
  if (whole >= 0 && WHOLE.indexOf(now.kind) > whole) return true
  if (before.kind === 'FLOAT') return now.kind === 'DOUBLE'
  if (before.kind === 'STRING' && now.kind === 'STRING') {
    if (now.length === undefined) return before.length !== undefined
    return now.fixed !== true && before.length !== undefined && before.length < now.length
  }
  if (before.kind === 'DECIMAL' && now.kind === 'DECIMAL') {
    return before.scale === now.scale && before.precision < now.precision
  }
  return false
}

/** `column` of `before` as one of `now`; `empty`: what a value that is none becomes. */
export function convertColumn(column: Column, before: Field, now: Field, empty: Column): Column {
  const from = physicalTypeOf(before.type)
  if (from === physicalTypeOf(now.type)) return column
  if (physicalTypeOf(now.type) !== 'i64' || (column.kind !== 'f64' && column.kind !== 'i32')) {
    throw new Error(`No conversion of ${formatType(before.type)} to ${formatType(now.type)}`)
  }
  const none = (empty as Int64Column).values[0] as bigint
  const { nulls } = column
  const values = BigInt64Array.from(column.values as Iterable<number>, (value) =>
    Number.isFinite(value) ? BigInt(Math.trunc(value)) : none,
  )
  return new Int64Column(values, nulls)
}
