/**
 * Type promotion: the common type of operands, and the types of DECIMAL arithmetic.
 *
 * INT → BIGINT → DECIMAL → DOUBLE; DECIMAL precision is capped at 18, giving up fraction digits beyond 6 first, as
 * the reference does
 * at its own cap.
 */
import { DECIMAL_PRECISION_MAX, type LogicalType } from '@millrace/core'
import { BIGINT, bareType, DOUBLE, decimal, INT, isNumeric } from './function-spec.ts'

/** DECIMAL(precision, scale) within the cap. */
export function cappedDecimal(precision: number, scale: number): LogicalType {
  if (precision <= DECIMAL_PRECISION_MAX) return decimal(precision, scale)
  const wholeDigits = precision - scale
  const kept = Math.max(DECIMAL_PRECISION_MAX - wholeDigits, Math.min(scale, 6))
  return decimal(DECIMAL_PRECISION_MAX, kept)
}

/** A numeric type as DECIMAL: INT (10, 0), BIGINT (18, 0). */
export function asDecimal(type: LogicalType): { precision: number; scale: number } {
  if (type.kind === 'DECIMAL') return type
  return { precision: type.kind === 'INT' ? 10 : DECIMAL_PRECISION_MAX, scale: 0 }
}

/** The type in which two numbers are compared or added; DECIMAL(18, larger scale) when either is DECIMAL. */
export function promoteNumeric(a: LogicalType, b: LogicalType): LogicalType {
  if (a.kind === 'DOUBLE' || b.kind === 'DOUBLE') return DOUBLE
  if (a.kind === 'DECIMAL' || b.kind === 'DECIMAL') {
    const x = asDecimal(a)
    const y = asDecimal(b)
    const scale = Math.max(x.scale, y.scale)
    const whole = Math.max(x.precision - x.scale, y.precision - y.scale)
    return cappedDecimal(whole + scale, scale)
  }
  return a.kind === 'BIGINT' || b.kind === 'BIGINT' ? BIGINT : INT
}

/**
 * The type that all of `types` are cast to in CASE, IN, COALESCE, UNION; null when there is none. Nullable
 * if any is.
 */
export function commonType(types: readonly LogicalType[]): LogicalType | null {
  const [first] = types
  if (first === undefined) return null
  let common = bareType(first)
  for (const type of types.slice(1)) {
    const next = commonOfTwo(common, type)
    if (next === null) return null
    common = next
  }
  return { ...common, nullable: types.some((type) => type.nullable) }
}

function commonOfTwo(a: LogicalType, b: LogicalType): LogicalType | null {
  if (isNumeric(a) && isNumeric(b)) return promoteNumeric(a, b)
  if (a.kind === b.kind) {
    if ('precision' in a && 'precision' in b && b.precision > a.precision) return bareType(b)
    return a
  }
  if (a.kind === 'DATE' && b.kind === 'TIMESTAMP') return bareType(b)
  if (a.kind === 'TIMESTAMP' && b.kind === 'DATE') return a
  if (a.kind === 'DATE' && b.kind === 'TIMESTAMP_LTZ') return bareType(b)
  if (a.kind === 'TIMESTAMP_LTZ' && b.kind === 'DATE') return a
  return null
}
