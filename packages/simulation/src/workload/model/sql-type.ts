/**
 * Types and values of generated jobs, as the oracle computes with them; nothing of the engine's own
 * types is used.
 *
 * DECIMAL is a whole number of units of its scale, TIMESTAMP epoch milliseconds, DATE days.
 * Invariant: a value has one JSON spelling, so that expected and observed rows can be
 * compared as text.
 */
export type SqlType =
  | { readonly kind: SqlScalarKind }
  | { readonly kind: 'DECIMAL'; readonly precision: number; readonly scale: number }
type SqlScalarKind = 'STRING' | 'INT' | 'BIGINT' | 'DOUBLE' | 'BOOLEAN' | 'DATE' | 'TIMESTAMP'
export type SqlKind = SqlType['kind']
export type SqlValue = string | number | bigint | boolean | null
export type Row = Readonly<Record<string, SqlValue>>

export const STRING: SqlType = { kind: 'STRING' }
export const INT: SqlType = { kind: 'INT' }
export const BIGINT: SqlType = { kind: 'BIGINT' }
export const DOUBLE: SqlType = { kind: 'DOUBLE' }
export const BOOLEAN: SqlType = { kind: 'BOOLEAN' }
export const DATE: SqlType = { kind: 'DATE' }
export const TIMESTAMP: SqlType = { kind: 'TIMESTAMP' }
/** The type of every DECIMAL column that a sink has: wide enough for what the generator draws. */
export const SINK_DECIMAL = { kind: 'DECIMAL', precision: 18, scale: 6 } as const

export const DAY_MS = 86_400_000
export type TimestampStandard = 'SQL' | 'ISO-8601'

export function scaleOf(type: SqlType): number {
  return type.kind === 'DECIMAL' ? type.scale : 0
}

export function typeText(type: SqlType): string {
  if (type.kind === 'DECIMAL') return `DECIMAL(${type.precision}, ${type.scale})`
  return type.kind === 'TIMESTAMP' ? 'TIMESTAMP(3)' : type.kind
}

/** `2026-11-22T10:15:30.123`. */
export function isoTimestamp(ms: number): string {
  return new Date(ms).toISOString().slice(0, 23)
}

export function isoDate(days: number): string {
  return new Date(days * DAY_MS).toISOString().slice(0, 10)
}

/** A timestamp as the JSON format writes it: no fraction when it is zero, no zeros at its end. */
export function timestampText(ms: number, standard: TimestampStandard): string {
  const text = isoTimestamp(ms)
  const trimmed = ms % 1000 === 0 ? text.slice(0, 19) : text.replace(/0+$/, '')
  return standard === 'SQL' ? trimmed.replace('T', ' ') : trimmed
}

/** `-12.5` for -1250 of scale 2. */
export function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '')
  return `${unscaled < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}

/** A double in Java's spelling: always a fraction, an exponent from 10^7 on and below 10^-3. */
export function doubleText(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
    const [digits, exponent] = value.toExponential().split('e') as [string, string]
    return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`
  }
  const text = Object.is(value, -0) ? '-0' : String(value)
  return Number.isInteger(value) ? `${text}.0` : text
}

/** Quotient rounded half away from zero, as DECIMAL arithmetic rounds. */
export function divideHalfAway(dividend: bigint, divisor: bigint): bigint {
  const size = dividend < 0n ? -dividend : dividend
  const quotient = (2n * size + divisor) / (2n * divisor)
  return dividend < 0n ? -quotient : quotient
}

export function rescale(unscaled: bigint, from: number, to: number): bigint {
  if (to >= from) return unscaled * 10n ** BigInt(to - from)
  return divideHalfAway(unscaled, 10n ** BigInt(from - to))
}

/** A value as JSON.parse gives it back after the engine wrote it. Whole numbers stay below 2^53. */
export function jsonValue(
  value: SqlValue,
  type: SqlType,
  standard: TimestampStandard,
): string | number | boolean | null {
  if (value === null) return null
  switch (type.kind) {
    case 'TIMESTAMP':
      return timestampText(value as number, standard)
    case 'DATE':
      return isoDate(value as number)
    case 'BIGINT':
      return Number(value)
    case 'DECIMAL': {
      const scale = Math.min(type.scale, SINK_DECIMAL.scale)
      return Number(decimalText(rescale(value as bigint, type.scale, scale), scale))
    }
    default:
      return value as string | number | boolean
  }
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A literal of the type in SQL. NULL is cast, since a bare one has no type. */
export function literalText(value: SqlValue, type: SqlType): string {
  if (value === null) return `CAST(NULL AS ${typeText(type)})`
  switch (type.kind) {
    case 'STRING':
      return quote(value as string)
    case 'BOOLEAN':
      return value === true ? 'TRUE' : 'FALSE'
    case 'DATE':
      return `DATE '${isoDate(value as number)}'`
    case 'TIMESTAMP':
      return `TIMESTAMP '${isoTimestamp(value as number).replace('T', ' ')}'`
    case 'DOUBLE':
      return negativeInParentheses(`${value}E0`)
    case 'BIGINT':
      return `CAST(${value} AS BIGINT)`
    case 'DECIMAL':
      return negativeInParentheses(fixedDecimalText(value as bigint, type.scale))
    default:
      return negativeInParentheses(String(value))
  }
}

/** All digits of the scale, so that the literal's type has it. */
function fixedDecimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const cut = digits.length - scale
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, cut)}.${digits.slice(cut)}`
}

function negativeInParentheses(text: string): string {
  return text.startsWith('-') ? `(${text})` : text
}

/** A value as the print connector shows it in `+I[…]`. */
export function printedText(value: SqlValue, type: SqlType): string {
  if (value === null) return 'null'
  switch (type.kind) {
    case 'DOUBLE':
      return doubleText(value as number)
    case 'DECIMAL': {
      const units = rescale(value as bigint, type.scale, SINK_DECIMAL.scale)
      const text = decimalText(units, SINK_DECIMAL.scale)
      const [whole, fraction = ''] = text.split('.') as [string, string?]
      return `${whole}.${fraction.padEnd(SINK_DECIMAL.scale, '0')}`
    }
    case 'DATE':
      return isoDate(value as number)
    case 'TIMESTAMP':
      return isoTimestamp(value as number).replace(/(:00)?\.000$/, '')
    default:
      return String(value)
  }
}
