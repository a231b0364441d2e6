/** The arguments of TUMBLE and HOP → a window; and the check that a column is a time attribute. */
import type { Field } from '@millrace/core'
import type { WindowSpec } from '@millrace/sql-operators'
import { notSupported, raise } from '../error-codes.ts'
import type { ExpressionSyntax } from '../parse/syntax-tree.ts'
import type { Span } from '../parse/token.ts'
import { typeName } from '../validate/function-typing.ts'
import type { LogicalContext } from './logical-context.ts'

const UTC_NAMES = new Set(['UTC', 'Etc/UTC', 'GMT', 'Z', '+00:00'])

/** Slices of a HOP window: how many pieces of gcd(size, slide) it may be long. */
export const HOP_SLICES_MAX = 100_000

/** A window table function, or GROUP BY's own. */
export type WindowForm = 'table-function' | 'group'

/** Tumble: size [, offset]; hop: slide, size [, offset]. Throws SQL_INVALID. */
export function windowSpec(
  name: 'TUMBLE' | 'HOP',
  intervals: readonly ExpressionSyntax[],
  span: Span,
  form: WindowForm,
): WindowSpec {
  const values = intervals.map(intervalMs)
  const offsetSpan = intervals[intervals.length - 1]?.span ?? span
  if (name === 'TUMBLE') {
    const [sizeMs = 0, offsetMs = 0] = values
    positive(sizeMs, intervals[0]?.span ?? span, 'size')
    return { kind: 'tumble', sizeMs, offsetMs: offsetWithin(offsetMs, sizeMs, sizeMs, offsetSpan) }
  }
  const [slideMs = 0, sizeMs = 0, offsetMs = 0] = values
  positive(slideMs, intervals[0]?.span ?? span, 'slide')
  positive(sizeMs, intervals[1]?.span ?? span, 'size')
  if (form === 'table-function' && sizeMs % slideMs !== 0) {
    throw raise(
      'SQL_INVALID',
      intervals[1]?.span ?? span,
      `The size of a HOP window is a multiple of its slide; ${sizeMs} ms is none of ${slideMs} ms.`,
      'GROUP BY HOP(ts, slide, size) takes any two lengths.',
    )
  }
  const slices = sizeMs / greatestCommonDivisor(sizeMs, slideMs)
  if (slices > HOP_SLICES_MAX) {
    throw raise(
      'SQL_INVALID',
      span,
      `A HOP window has at most ${HOP_SLICES_MAX} slides; this has ${slices}.`,
    )
  }
  const offset = offsetWithin(offsetMs, sizeMs, slideMs, offsetSpan)
  if (sizeMs === slideMs) return { kind: 'tumble', sizeMs, offsetMs: offset }
  return { kind: 'hop', sizeMs, slideMs, offsetMs: offset }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

function positive(valueMs: number, span: Span, what: string): void {
  if (valueMs > 0) return
  throw raise('SQL_INVALID', span, `The ${what} of a window is more than 0; found ${valueMs} ms.`)
}

/**
 * Windows repeat, so an offset counts modulo their distance; one as long as the window is refused.
 */
function offsetWithin(offsetMs: number, sizeMs: number, periodMs: number, span: Span): number {
  if (Math.abs(offsetMs) >= sizeMs) {
    throw raise(
      'SQL_INVALID',
      span,
      `The offset of a window is smaller than its size of ${sizeMs} ms; found ${offsetMs} ms.`,
    )
  }
  return (((offsetMs % periodMs) + periodMs) % periodMs) + 0
}

function intervalMs(syntax: ExpressionSyntax): number {
  if (syntax.kind === 'interval' && syntax.family === 'day-time') return syntax.value
  if (syntax.kind === 'unary' && syntax.operator === '-') return -intervalMs(syntax.operand)
  if (syntax.kind === 'interval') {
    throw raise(
      'SQL_INVALID',
      syntax.span,
      'Windows have a fixed length; months and years have none.',
      "Use days, e.g. INTERVAL '30' DAY.",
    )
  }
  throw raise(
    'SQL_INVALID',
    syntax.span,
    'Expected an INTERVAL literal for the window.',
    "For example: INTERVAL '1' MINUTE.",
  )
}

/** Which attribute the column is. Throws SQL_INVALID for a column that is none. */
export function checkTimeAttribute(
  field: Field,
  span: Span,
  { localTimeZone, batch }: Pick<LogicalContext, 'localTimeZone' | 'batch'>,
): 'rowtime' | 'proctime' {
  const isTime = field.type.kind === 'TIMESTAMP' || field.type.kind === 'TIMESTAMP_LTZ'
  const declared = 'attribute' in field.type ? field.type.attribute : undefined
  const attribute = declared ?? (batch && isTime ? 'rowtime' : undefined)
  if (attribute === undefined) {
    throw raise(
      'SQL_INVALID',
      span,
      `A window needs a time attribute; '${field.name}' is a plain ${typeName(field.type)}.`,
      isTime
        ? `Declare it in CREATE TABLE: WATERMARK FOR ${field.name} AS ${field.name} - INTERVAL '5' SECOND.`
        : 'Declare a WATERMARK FOR a TIMESTAMP(3) column of the table, or a column AS PROCTIME().',
    )
  }
  if (field.type.kind === 'TIMESTAMP_LTZ' && !UTC_NAMES.has(localTimeZone)) {
    throw notSupported(
      `A window over TIMESTAMP_LTZ with table.local-time-zone ${localTimeZone}`,
      span,
      "SET 'table.local-time-zone' = 'UTC', or use a TIMESTAMP(3) column.",
    )
  }
  return attribute
}
