/** Literals: their values and types, as SQL gives them. */
import { type LogicalType, parseDate, parseTimestamp } from '@millrace/core'
import type { Expression, LiteralExpression } from '@millrace/expression'
import { notSupported, raise } from '../error-codes.ts'
import type { Span } from '../parse/token.ts'

const DECIMAL_DIGITS_MAX = 18
const TIMESTAMP_DIGITS_MAX = 6

export function literal(value: LiteralExpression['value'], type: LogicalType): LiteralExpression {
  return { kind: 'literal', value, type }
}

export function booleanLiteral(value: boolean): Expression {
  return literal(value, { kind: 'BOOLEAN', nullable: false })
}

/** A text that no one wrote as one: a unit, a name. */
export function textLiteral(value: string): Expression {
  return literal(value, { kind: 'STRING', nullable: false })
}

/** `'abc'`: CHAR(3). */
export function charLiteral(value: string): Expression {
  return literal(value, { kind: 'STRING', length: [...value].length, fixed: true, nullable: false })
}

/** NULL of a type. */
export function nullLiteral(type: LogicalType): Expression {
  return literal(null, { ...type, nullable: true })
}

/** `1` INT or BIGINT, `1.5` DECIMAL, `1e3` DOUBLE. */
export function numberLiteral(text: string, span: Span): Expression {
  if (/e/i.test(text)) {
    const value = Number(text)
    if (!Number.isFinite(value)) {
      throw raise('SQL_TYPE_MISMATCH', span, `The number ${text} is larger than a DOUBLE can hold.`)
    }
    return literal(value, { kind: 'DOUBLE', nullable: false })
  }
  const negative = text.startsWith('-')
  const [whole = '', fraction = ''] = text.replace('-', '').split('.')
  if (!text.includes('.')) return wholeLiteral(BigInt(`${negative ? '-' : ''}${whole}`), span)
  // As in the reference, zeros in front count.
  const precision = Math.max(whole.length + fraction.length, 1)
  if (precision > DECIMAL_DIGITS_MAX) {
    throw notSupported(
      `A DECIMAL literal of ${precision} digits`,
      span,
      `At most ${DECIMAL_DIGITS_MAX} digits; write it as a DOUBLE: ${text}e0.`,
    )
  }
  const unscaled = BigInt(`${whole}${fraction}` || '0') * (negative ? -1n : 1n)
  const type = { kind: 'DECIMAL', precision, scale: fraction.length, nullable: false } as const
  return literal(unscaled.toString(), type)
}

function wholeLiteral(value: bigint, span: Span): Expression {
  if (BigInt.asIntN(32, value) === value) {
    return literal(Number(value), { kind: 'INT', nullable: false })
  }
  if (BigInt.asIntN(64, value) === value) {
    return literal(value.toString(), { kind: 'BIGINT', nullable: false })
  }
  throw raise(
    'SQL_TYPE_MISMATCH',
    span,
    `The number ${value} is larger than a BIGINT can hold.`,
    'Write it as a DOUBLE, e.g. 1e20.',
  )
}

/** `DATE '2026-11-22'`, `TIMESTAMP '2026-11-22 10:15:30.5'`. */
export function temporalLiteral(kind: 'DATE' | 'TIMESTAMP', text: string, span: Span): Expression {
  if (kind === 'DATE') {
    const days = parseDate(text.trim())
    if (Number.isNaN(days)) {
      throw raise(
        'SQL_TYPE_MISMATCH',
        span,
        `The text '${text}' is no DATE.`,
        "For example: DATE '2026-11-22'.",
      )
    }
    return literal(days, { kind: 'DATE', nullable: false })
  }
  const epochMs = parseTimestamp(text.trim(), text.includes(':') ? 'sql' : 'any')
  // A time has its seconds.
  if (Number.isNaN(epochMs) || /^[^:]*:[^:]*$/.test(text)) {
    throw raise(
      'SQL_TYPE_MISMATCH',
      span,
      `The text '${text}' is no TIMESTAMP.`,
      "For example: TIMESTAMP '2026-11-22 10:15:30.000'.",
    )
  }
  const digits = /\.(\d+)\s*$/.exec(text)?.[1]?.length ?? 0
  if (digits > TIMESTAMP_DIGITS_MAX) {
    throw notSupported(
      `A TIMESTAMP precision of ${digits}`,
      span,
      `Write at most ${TIMESTAMP_DIGITS_MAX} digits of a second.`,
    )
  }
  return literal(epochMs, { kind: 'TIMESTAMP', precision: digits, nullable: false })
}
