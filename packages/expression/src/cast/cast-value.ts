/**
 * CAST and TRY_CAST between the types.
 *
 * Rules as the reference's: whole numbers wrap in a narrower type, DOUBLE → INT saturates, numbers
 * drop fractions, DECIMAL rounds half up, texts must read as the type. A value that does not fit
 * fails with CAST_FAILED, or gives NULL under TRY_CAST.
 */
import {
  DAY_MS,
  fitsPrecision,
  formatDate,
  formatDecimal,
  formatDouble,
  formatFloat,
  formatTimestamp,
  formatType,
  isMillraceError,
  type LogicalType,
  localToUtcMs,
  parseDate,
  parseDecimal,
  parseDouble,
  powerOfTen,
  rescaleDecimal,
  type StringType,
  truncateToPrecision,
  utcToLocalMs,
  type Value,
} from '@millrace/core'
import { expressionError } from '../error-codes.ts'
import type { EvaluationContext } from '../evaluation-context.ts'
import { widening } from '../functions/convert-number.ts'
import { isApproximate, isNumeric, isTime, isWhole } from '../functions/function-spec.ts'
import { bitsOf, holdsUnchanged } from '../functions/promote-types.ts'
import { timestampOfText } from './time-of-text.ts'

/** The cast of one value that is not NULL; null only under TRY_CAST. */
export type Cast = (context: EvaluationContext, value: never) => Value

/** Whether there is a cast `from` → `to`. */
export function isCastable(from: LogicalType, to: LogicalType): boolean {
  if (from.kind === to.kind || to.kind === 'STRING') return true
  if (from.kind === 'STRING') return !to.kind.startsWith('INTERVAL')
  if (isNumeric(from)) return isNumeric(to) || to.kind === 'BOOLEAN'
  if (from.kind === 'BOOLEAN') return isNumeric(to)
  return isTime(from) && isTime(to)
}

/** Whether a cast's result depends on the local time zone, so that it cannot be folded. */
export function isZonedCast(from: LogicalType, to: LogicalType): boolean {
  return (from.kind === 'TIMESTAMP_LTZ') !== (to.kind === 'TIMESTAMP_LTZ')
}

/** The cast `from` → `to`; `safe` for TRY_CAST. */
export function bindCast(from: LogicalType, to: LogicalType, safe: boolean): Cast {
  const cast = castOf(from, to) as (context: EvaluationContext, value: Value) => Value
  if (!safe) return cast as Cast
  return ((context: EvaluationContext, value: Value) => {
    try {
      return cast(context, value)
    } catch (error) {
      if (isMillraceError(error, 'CAST_FAILED')) return null
      throw error
    }
  }) as Cast
}

function castFailed(text: string, to: LogicalType): Error {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text
  return expressionError(
    'CAST_FAILED',
    `Cannot cast to ${formatType({ ...to, nullable: true })}; the value is '${shown}'.`,
    { hint: 'Use TRY_CAST to get NULL instead.' },
  )
}

function castOf(from: LogicalType, to: LogicalType): Cast {
  if (to.kind === 'STRING') return holdsUnchanged(from, to) ? toText(from) : toFittedText(from, to)
  if (from.kind === 'STRING') return fromText(to)
  if (from.kind === 'BOOLEAN') return fromBoolean(to)
  if (to.kind === 'BOOLEAN') return (_context, value) => Number(value) !== 0
  if (isNumeric(from)) return fromNumber(from, to)
  if (isTime(from)) return betweenTimes(from, to)
  return (_context, value) => value
}

function toText(from: LogicalType): Cast {
  switch (from.kind) {
    case 'BOOLEAN':
      return (_context, value) => (value ? 'TRUE' : 'FALSE')
    case 'FLOAT':
      return (_context, value) => formatFloat(value)
    case 'DOUBLE':
      return (_context, value) => formatDouble(value)
    case 'DECIMAL':
      return (_context, value) => formatDecimal(value, from.scale)
    case 'TIMESTAMP':
      return (_context, value) => formatTimestamp(value, from.precision)
    case 'TIMESTAMP_LTZ':
      return (context, value) =>
        formatTimestamp(utcToLocalMs(value, context.localTimeZone), from.precision)
    case 'DATE':
      return (_context, value) => formatDate(value)
    case 'INTERVAL_YEAR_MONTH':
      return (_context, value) => formatMonths(value)
    case 'INTERVAL_DAY_TIME':
      return (_context, value) => formatDuration(value)
    default:
      return (_context, value) => String(value)
  }
}

/** As text, cut to the length of the type; CHAR(n) is padded with blanks. */
function toFittedText(from: LogicalType, to: StringType): Cast {
  const text = toText(from) as (context: EvaluationContext, value: Value) => string
  const { length, fixed } = to
  if (length === undefined) return text
  return (context, value) => {
    const whole = text(context, value)
    const cut = whole.length <= length ? whole : [...whole].slice(0, length).join('')
    return fixed ? cut + ' '.repeat(length - [...cut].length) : cut
  }
}

/** `+1-02`: years and months. */
function formatMonths(months: number): string {
  const size = Math.abs(months)
  return `${months < 0 ? '-' : '+'}${Math.floor(size / 12)}-${String(size % 12).padStart(2, '0')}`
}

/** `+1 02:03:04.005`: days and time. */
function formatDuration(ms: number): string {
  const size = Math.abs(ms)
  const days = Math.floor(size / DAY_MS)
  const time = formatTimestamp(size - days * DAY_MS, 3).slice(11)
  return `${ms < 0 ? '-' : '+'}${days} ${time}`
}

const TRUE_TEXTS = new Set(['true', 't', 'yes', 'y', '1'])
const FALSE_TEXTS = new Set(['false', 'f', 'no', 'n', '0'])

function fromText(to: LogicalType): Cast {
  const read = reader(to)
  return (context, value) => {
    const result = read(value, context)
    if (result === null) throw castFailed(value, to)
    return result
  }
}

function reader(to: LogicalType): (text: string, context: EvaluationContext) => Value {
  const orNull = (value: number) => (Number.isNaN(value) ? null : value)
  switch (to.kind) {
    case 'BOOLEAN':
      return (text) => {
        const word = text.toLowerCase()
        return TRUE_TEXTS.has(word) ? true : FALSE_TEXTS.has(word) ? false : null
      }
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT': {
      const bits = bitsOf(to)
      return (text) => {
        const value = wholeOf(text)
        return value === null || value !== BigInt.asIntN(bits, value) ? null : Number(value)
      }
    }
    case 'BIGINT':
      return (text) => {
        const value = wholeOf(text)
        return value === null || value !== BigInt.asIntN(64, value) ? null : value
      }
    case 'FLOAT':
      return (text) => {
        const value = parseDouble(text)
        return value === null ? null : Math.fround(value)
      }
    case 'DOUBLE':
      return parseDouble
    case 'DECIMAL':
      return (text) => parseDecimal(text, to.precision, to.scale)
    case 'DATE':
      return (text) => {
        const days = parseDate(text)
        return orNull(text.includes(':') ? Math.floor(timestampOfText(text) / DAY_MS) : days)
      }
    case 'TIMESTAMP':
      return (text) => orNull(truncateToPrecision(timestampOfText(text), to.precision))
    case 'TIMESTAMP_LTZ':
      return (text, context) => {
        const zoned = /Z\s*$/.test(text)
        const shown = zoned ? text.replace(/Z\s*$/, '') : text
        const local = truncateToPrecision(timestampOfText(shown), to.precision)
        if (Number.isNaN(local)) return null
        return zoned ? local : localToUtcMs(local, context.localTimeZone)
      }
    default:
      return () => null
  }
}

/** A whole number's text; a fraction is read and dropped. */
function wholeOf(text: string): bigint | null {
  const match = /^\s*([+-]?\d{1,40})(?:\.\d*)?\s*$/.exec(text)
  return match === null ? null : BigInt((match[1] as string).replace('+', ''))
}

function fromBoolean(to: LogicalType): Cast {
  switch (to.kind) {
    case 'BIGINT':
      return (_context, value) => (value ? 1n : 0n)
    case 'DECIMAL':
      return (_context, value) => fittedDecimal(value ? powerOfTen(to.scale) : 0n, to)
    case 'BOOLEAN':
      return (_context, value) => value
    default:
      return (_context, value) => (value ? 1 : 0)
  }
}

function fittedDecimal(unscaled: bigint, to: LogicalType & { kind: 'DECIMAL' }): bigint {
  if (fitsPrecision(unscaled, to.precision)) return unscaled
  throw castFailed(formatDecimal(unscaled, to.scale), to)
}

function fromNumber(from: LogicalType, to: LogicalType): Cast {
  if (isApproximate(to)) {
    const widen = widening(from, to)
    return widen === null ? (_context, value) => value : (_context, value) => widen(value)
  }
  if (to.kind === 'DECIMAL') return numberToDecimal(from, to)
  const bits = bitsOf(to)
  const narrow = (value: bigint): Value =>
    bits === 64 ? BigInt.asIntN(64, value) : Number(BigInt.asIntN(bits, value))
  // By way of an INT, as Java narrows: saturated there, then wrapped.
  if (isApproximate(from)) {
    const limit = bits === 64 ? 64 : 32
    return (_context, value) => narrow(saturated(value, limit))
  }
  if (from.kind === 'DECIMAL') {
    const divisor = powerOfTen(from.scale)
    return (_context, value) => narrow(value / divisor)
  }
  return (_context, value) => narrow(BigInt(value))
}

/** Java's double → integer: NaN is 0, beyond the range its end. */
function saturated(value: number, bits: 32 | 64): bigint {
  if (Number.isNaN(value)) return 0n
  const limit = 1n << BigInt(bits - 1)
  if (value >= Number(limit)) return limit - 1n
  if (value <= -Number(limit)) return -limit
  return BigInt(Math.trunc(value))
}

function numberToDecimal(from: LogicalType, to: LogicalType & { kind: 'DECIMAL' }): Cast {
  if (isApproximate(from)) {
    return (_context, value) => {
      const result = parseDecimal(String(value), to.precision, to.scale)
      if (result === null) throw castFailed(formatDouble(value), to)
      return result
    }
  }
  const scale = from.kind === 'DECIMAL' ? from.scale : 0
  if (isWhole(from))
    return (_context, value) => fittedDecimal(BigInt(value) * powerOfTen(to.scale), to)
  return (_context, value) => fittedDecimal(rescaleDecimal(value, scale, to.scale), to)
}

function betweenTimes(from: LogicalType, to: LogicalType): Cast {
  const local = (context: EvaluationContext, value: number): number =>
    from.kind === 'DATE'
      ? value * DAY_MS
      : from.kind === 'TIMESTAMP_LTZ'
        ? utcToLocalMs(value, context.localTimeZone)
        : value
  switch (to.kind) {
    case 'DATE':
      if (from.kind === 'DATE') return (_context, value) => value
      return (context, value) => Math.floor(local(context, value) / DAY_MS)
    case 'TIMESTAMP':
      return (context, value) => truncateToPrecision(local(context, value), to.precision)
    case 'TIMESTAMP_LTZ':
      if (from.kind === 'TIMESTAMP_LTZ') {
        return (_context, value) => truncateToPrecision(value, to.precision)
      }
      return (context, value) =>
        truncateToPrecision(
          localToUtcMs(local(context, value), context.localTimeZone),
          to.precision,
        )
    default:
      return (_context, value) => value
  }
}
