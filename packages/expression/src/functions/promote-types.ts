/**
 * Type promotion: the common type of operands, and the types of DECIMAL arithmetic.
 *
 * TINYINT → SMALLINT → INT → BIGINT → DECIMAL → DOUBLE, and FLOAT between the whole numbers and
 * DOUBLE. DECIMAL precision is capped at 18, giving up fraction digits beyond 6 first, as the
 * reference does at its own cap.
 */
import { DECIMAL_PRECISION_MAX, type LogicalType, type StringType } from '@millrace/core'
import {
  bareType,
  DOUBLE,
  decimal,
  FLOAT,
  isApproximate,
  isNumeric,
  STRING,
} from './function-spec.ts'

/** DECIMAL(precision, scale) within the cap. */
export function cappedDecimal(precision: number, scale: number): LogicalType {
  if (precision <= DECIMAL_PRECISION_MAX) return decimal(precision, scale)
  const wholeDigits = precision - scale
  const kept = Math.max(DECIMAL_PRECISION_MAX - wholeDigits, Math.min(scale, 6))
  return decimal(DECIMAL_PRECISION_MAX, kept)
}

/** How wide the whole types are, in bits; the order in which they are promoted. */
const BITS: Readonly<Record<string, number>> = { TINYINT: 8, SMALLINT: 16, INT: 32, BIGINT: 64 }
const DECIMAL_DIGITS: Readonly<Record<string, number>> = { TINYINT: 3, SMALLINT: 5, INT: 10 }

/** Bits of a whole type. */
export function bitsOf(type: LogicalType): number {
  return BITS[type.kind] as number
}

/**
 * A number that a 32-bit operation gave, in the width of its type: as Java narrows a
 * byte or a short.
 */
export function wrapSmall(type: LogicalType): (value: number) => number {
  if (type.kind === 'TINYINT') return (value) => (value << 24) >> 24
  if (type.kind === 'SMALLINT') return (value) => (value << 16) >> 16
  return (value) => value | 0
}

/** A numeric type as DECIMAL: TINYINT (3, 0), SMALLINT (5, 0), INT (10, 0), BIGINT (18, 0). */
export function asDecimal(type: LogicalType): { precision: number; scale: number } {
  if (type.kind === 'DECIMAL') return type
  return { precision: DECIMAL_DIGITS[type.kind] ?? DECIMAL_PRECISION_MAX, scale: 0 }
}

/**
 * The type in which two numbers are added: DECIMAL(18, larger scale) when either is DECIMAL. Of
 * FLOAT and DOUBLE the reference takes the first.
 */
export function promoteNumeric(a: LogicalType, b: LogicalType): LogicalType {
  if (isApproximate(a) && isApproximate(b)) return bareType(a)
  if (a.kind === 'DOUBLE' || b.kind === 'DOUBLE') return DOUBLE
  if (isApproximate(a) || isApproximate(b)) {
    return a.kind === 'DECIMAL' || b.kind === 'DECIMAL' ? DOUBLE : FLOAT
  }
  if (a.kind === 'DECIMAL' || b.kind === 'DECIMAL') {
    const x = asDecimal(a)
    const y = asDecimal(b)
    const scale = Math.max(x.scale, y.scale)
    const whole = Math.max(x.precision - x.scale, y.precision - y.scale)
    return cappedDecimal(whole + scale, scale)
  }
  return bareType(bitsOf(a) >= bitsOf(b) ? a : b)
}

/**
 * The type in which two numbers are compared: a FLOAT makes a DOUBLE one, whichever stands first.
 */
export function promoteCompared(a: LogicalType, b: LogicalType): LogicalType {
  if (isApproximate(a) && isApproximate(b) && a.kind !== b.kind) return FLOAT
  return promoteNumeric(a, b)
}

/**
 * The type that all of `types` are cast to in CASE, IN, COALESCE, UNION; null when there is none.
 * Nullable if any is.
 */
export function commonType(
  types: readonly LogicalType[],
  promote: (a: LogicalType, b: LogicalType) => LogicalType = promoteNumeric,
): LogicalType | null {
  const [first] = types
  if (first === undefined) return null
  let common = bareType(first)
  for (const type of types.slice(1)) {
    const next = commonOfTwo(common, type, promote)
    if (next === null) return null
    common = next
  }
  return { ...common, nullable: types.some((type) => type.nullable) }
}

/** The wider of FLOAT and DOUBLE, as COALESCE, GREATEST and LEAST take it. */
export function promoteToWider(a: LogicalType, b: LogicalType): LogicalType {
  return isApproximate(a) && isApproximate(b) && a.kind !== b.kind ? DOUBLE : promoteNumeric(a, b)
}

function commonOfTwo(
  a: LogicalType,
  b: LogicalType,
  promote: (a: LogicalType, b: LogicalType) => LogicalType,
): LogicalType | null {
  if (isNumeric(a) && isNumeric(b)) return promote(a, b)
  if (a.kind === 'STRING' && b.kind === 'STRING') return commonString(a, b)
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

/** CHARs of one length stay CHAR; of several they are a VARCHAR of the longest. */
function commonString(a: StringType, b: StringType): LogicalType {
  if (a.length === undefined || b.length === undefined) return STRING
  if (a.fixed && b.fixed && a.length === b.length) return a
  return { kind: 'STRING', length: Math.max(a.length, b.length), nullable: false }
}

/** Whether every text of `from` is one of `to` as it stands, neither cut nor padded. */
export function holdsUnchanged(from: LogicalType, to: LogicalType): boolean {
  if (from.kind !== 'STRING' || to.kind !== 'STRING') return false
  if (to.length === undefined) return true
  if (from.length === undefined) return false
  return to.fixed ? from.fixed === true && from.length === to.length : from.length <= to.length
}
