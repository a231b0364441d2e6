/**
 * Calls of functions and operators with typed arguments: the border to `@millrace/expression`,
 * which knows the functions.
 *
 * Adds what SQL does around them: the place in the statement, the nearest name of an unknown
 * function, implicit casts between text, dates and timestamps, and common types.
 */
import {
  DECIMAL_PRECISION_MAX,
  formatType,
  isMillraceError,
  type LogicalType,
} from '@millrace/core'
import {
  AGGREGATE_FUNCTIONS,
  commonType,
  type Expression,
  FUNCTION_ALIASES,
  FUNCTIONS,
  findFunction,
  foldConstants,
  inferAggregate,
  isCastable,
  makeCall,
  makeCast,
  sameType,
} from '@millrace/expression'
import type { AggregateFunctionName } from '@millrace/sql-operators'
import { nearName, notSupported, raise } from '../error-codes.ts'
import type { Span } from '../parse/token.ts'
import { nullLiteral } from './literal.ts'

/** Aggregates of the reference engine that are not run yet. */
const LATER_AGGREGATES = new Set(
  `APPROX_COUNT_DISTINCT ARRAY_AGG COLLECT FIRST_VALUE LAST_VALUE LISTAGG STDDEV STDDEV_POP
   STDDEV_SAMP VAR_POP VAR_SAMP VARIANCE SINGLE_VALUE JSON_OBJECTAGG JSON_ARRAYAGG CUME_DIST
   DENSE_RANK LAG LEAD NTILE PERCENT_RANK RANK ROW_NUMBER PERCENTILE GROUPING GROUPING_ID`
    .trim()
    .split(/\s+/),
)
/** Functions of the reference engine that are not run yet. */
const LATER_FUNCTIONS = new Set(
  `ARRAY_APPEND ARRAY_CONCAT ARRAY_CONTAINS ARRAY_DISTINCT ARRAY_JOIN ARRAY_MAX ARRAY_MIN
   ARRAY_POSITION ARRAY_REMOVE ARRAY_REVERSE ARRAY_SLICE ARRAY_SORT ARRAY_UNION CARDINALITY
   CONVERT_TZ CURRENT_DATABASE CURRENT_TIME CURRENT_WATERMARK DECODE ELEMENT ELT ENCODE IS_ALPHA
   IS_DECIMAL IS_DIGIT JSON JSON_ARRAY JSON_EXISTS JSON_OBJECT JSON_QUERY JSON_QUOTE JSON_STRING
   JSON_UNQUOTE JSON_VALUE LOCALTIME MAP_ENTRIES MAP_FROM_ARRAYS MAP_KEYS MAP_UNION MAP_VALUES MD5
   PARSE_URL PRINTF RAND RAND_INTEGER REGEXP_COUNT REGEXP_EXTRACT_ALL REGEXP_INSTR REGEXP_SUBSTR
   SHA1 SHA2 SHA224 SHA256 SHA384 SHA512 SPLIT STR_TO_MAP BITMAP_AND BITMAP_BUILD
   BITMAP_CARDINALITY INET_ATON INET_NTOA OBJECT_OF OBJECT_UPDATE TRANSLATE TRANSLATE3
   TRY_PARSE_JSON PARSE_JSON UNHEX UUID`
    .trim()
    .split(/\s+/),
)
/** The text of a type for messages: without NOT NULL and time attribute. */
export function typeName(type: LogicalType): string {
  return formatType(withoutAttribute({ ...type, nullable: true }))
}

/** A computed value is no time attribute. */
export function withoutAttribute(type: LogicalType): LogicalType {
  if (type.kind !== 'TIMESTAMP' && type.kind !== 'TIMESTAMP_LTZ') return type
  return { kind: type.kind, precision: type.precision, nullable: type.nullable }
}

export function isAggregate(name: string): name is AggregateFunctionName {
  return (AGGREGATE_FUNCTIONS as readonly string[]).includes(name)
}

/**
 * The name in FUNCTIONS of a function called `name` in SQL; throws SQL_UNKNOWN_FUNCTION,
 * SQL_NOT_SUPPORTED.
 */
export function functionNamed(name: string, span: Span): string {
  const known = findFunction(name)
  if (known !== undefined) return known.name
  const upper = name.toUpperCase()
  if (LATER_AGGREGATES.has(upper) || LATER_FUNCTIONS.has(upper)) throw notSupported(upper, span)
  const names = [...functionNames(), ...AGGREGATE_FUNCTIONS, ...CONDITIONALS]
  const near = nearName(name, names)
  throw raise(
    'SQL_UNKNOWN_FUNCTION',
    span,
    `Unknown function '${name}'${near === undefined ? '.' : `; did you mean '${near}'?`}`,
    'SHOW FUNCTIONS lists all.',
  )
}

/** COALESCE and its kin, which are planned as CASE. */
export const CONDITIONALS = ['COALESCE', 'IF', 'IFNULL', 'NULLIF']

/**
 * Predicates, NOT, minus, FLOOR(… TO …): they have a syntax of their own, as infix operators have.
 */
const BY_SYNTAX = /^(is_.*|in|not|negate|.*_to)$/

/** Names as SHOW FUNCTIONS lists them: those that are called by name. */
export function functionNames(): string[] {
  const aliases = Object.keys(FUNCTION_ALIASES).filter((name) => /^[a-z]/.test(name))
  const named = [...FUNCTIONS.values()]
    .filter(({ name, infix }) => name === 'mod' || (infix === undefined && !BY_SYNTAX.test(name)))
    .map(({ name }) => name)
  return [...named, ...aliases].map((name) => name.toUpperCase()).sort()
}

/** A typed call. Throws SQL_TYPE_MISMATCH at `span`. */
export function typedCall(name: string, args: readonly Expression[], span: Span): Expression {
  refuseLaterArguments(name, args, span)
  return located(span, () => {
    const call = makeCall(name, comparedTimes(name, finerTimes(name, args)))
    const type = shiftedType(name, args) ?? typeByLiteral(name, args)
    // A part of a text is no longer than the text; no cast is needed to say so.
    if (type?.kind === 'STRING') return { ...call, type }
    return type === null ? call : castTo(call, { ...type, nullable: call.type.nullable })
  })
}

const isDayTime = ({ type }: Expression) => type.kind === 'INTERVAL_DAY_TIME'

const isTimestamp = ({ type }: Expression) =>
  type.kind === 'TIMESTAMP' || type.kind === 'TIMESTAMP_LTZ'

/** The times among the arguments that are moved by an interval which may be finer than they. */
function movedByLess(name: string, args: readonly Expression[]): readonly Expression[] {
  if (name !== 'plus' && name !== 'minus') return []
  const interval = args.find(isDayTime)
  const whole = interval?.kind === 'literal' && Number(interval.value) % 1000 === 0
  if (interval === undefined || whole) return []
  return args.filter((arg) => isTimestamp(arg) && (arg.type as { precision: number }).precision < 3)
}

/** They are moved as TIMESTAMP(3), and cut to what they were afterwards (`shiftedType`). */
function finerTimes(name: string, args: readonly Expression[]): readonly Expression[] {
  const moved = movedByLess(name, args)
  return args.map((arg) =>
    moved.includes(arg) ? castTo(arg, { ...arg.type, precision: 3 } as LogicalType) : arg,
  )
}

function shiftedType(name: string, args: readonly Expression[]): LogicalType | null {
  const [moved] = movedByLess(name, args)
  return moved === undefined ? null : withoutAttribute(moved.type)
}

const COMPARISONS = /^(equals|not_equals|less|less_equal|greater|greater_equal|is_.*distinct_from)$/

/** A TIMESTAMP is compared with a TIMESTAMP_LTZ as the instant that it is in the session's zone. */
function comparedTimes(name: string, args: readonly Expression[]): readonly Expression[] {
  if (!COMPARISONS.test(name) || !args.every(isTimestamp)) return args
  const instant = args.find(({ type }) => type.kind === 'TIMESTAMP_LTZ')
  if (instant === undefined) return args
  return args.map((arg) =>
    arg.type.kind === 'TIMESTAMP'
      ? castTo(arg, { ...instant.type, nullable: arg.type.nullable })
      : arg,
  )
}

/** Arguments of the reference engine that the function does not take yet. */
function refuseLaterArguments(name: string, args: readonly Expression[], span: Span): void {
  const [first, second] = args
  if (name === 'extract' && second !== undefined && /^INTERVAL/.test(second.type.kind)) {
    throw notSupported('EXTRACT from an INTERVAL', span)
  }
  if (name !== 'to_timestamp_ltz') return
  if (first?.type.kind === 'STRING') throw notSupported('TO_TIMESTAMP_LTZ of a text', span)
  const finer = second?.kind === 'literal' && !['0', '3'].includes(String(second.value))
  if (finer) throw notSupported('TO_TIMESTAMP_LTZ with another precision than 0 or 3', span)
}

/** The result type where it depends on a literal argument, as in the reference; null elsewhere. */
function typeByLiteral(name: string, args: readonly Expression[]): LogicalType | null {
  const [first, second, third] = args
  if (name === 'substring' && first?.type.kind === 'STRING' && first.type.length !== undefined) {
    return { kind: 'STRING', length: first.type.length, nullable: true }
  }
  if ((name === 'round' || name === 'truncate') && first?.type.kind === 'DECIMAL') {
    if (second?.kind !== 'literal' || second.value === null) return null
    const { precision, scale } = first.type
    const digits = Math.max(0, Number(second.value))
    if (digits >= scale) return first.type
    const kept = Math.min(DECIMAL_PRECISION_MAX, precision - scale + digits + 1)
    return { kind: 'DECIMAL', precision: kept, scale: digits, nullable: true }
  }
  const days = first?.kind === 'literal' && !/^(HOUR|MINUTE|SECOND)$/.test(String(first.value))
  if (name === 'timestampadd' && days && third?.type.kind === 'DATE') return third.type
  return null
}

/** The result type of an aggregate. Throws SQL_TYPE_MISMATCH at `span`. */
export function aggregateType(
  name: AggregateFunctionName,
  argument: LogicalType | null,
  span: Span,
): LogicalType {
  const inferred = inferAggregate(name, argument)
  if (inferred.ok) return inferred.type
  throw raise('SQL_TYPE_MISMATCH', span, inferred.error.message, inferred.error.hint)
}

/** Gives errors of the expression package a place in the statement. */
export function located<T>(span: Span, infer: () => T): T {
  try {
    return infer()
  } catch (error) {
    if (!isMillraceError(error) || error.location?.line !== undefined) throw error
    throw raise('SQL_TYPE_MISMATCH', span, error.message, error.hint)
  }
}

/** CAST(expression AS type), or the expression itself when it has the type. */
export function castTo(expression: Expression, type: LogicalType): Expression {
  return makeCast(expression, withoutAttribute(type))
}

/** An explicit CAST or TRY_CAST. Throws SQL_TYPE_MISMATCH. */
export function explicitCast(
  operand: Expression,
  type: LogicalType,
  safe: boolean,
  span: Span,
): Expression {
  // It stays a cast: a NULL with a type is no bare one.
  if (operand.kind === 'literal' && operand.value === null) {
    return { kind: 'cast', operand: nullLiteral(type), safe, type: { ...type, nullable: true } }
  }
  if (!isCastable(operand.type, type)) {
    if (isNumber(operand.type) && /^INTERVAL/.test(type.kind)) {
      throw notSupported(`A cast of ${typeName(operand.type)} to ${typeName(type)}`, span)
    }
    throw raise(
      'SQL_TYPE_MISMATCH',
      span,
      `Cannot cast ${typeName(operand.type)} to ${typeName(type)}.`,
    )
  }
  // A number that does not fit a DECIMAL is NULL, as under TRY_CAST; a text that does
  // not fit fails.
  if (!safe && overflowsDecimal(operand, type)) return explicitCast(operand, type, true, span)
  // A cast to its own type stays a value of that type, but is no time attribute any more.
  if (sameType(operand.type, type) && !('attribute' in operand.type)) return operand
  return { kind: 'cast', operand, safe, type: { ...type, nullable: safe || operand.type.nullable } }
}

function isNumber(type: LogicalType): boolean {
  return type.kind === 'DECIMAL' || type.kind in WHOLE_DIGITS
}

/** Digits before the point. */
const WHOLE_DIGITS: Readonly<Record<string, number>> = {
  TINYINT: 3,
  SMALLINT: 5,
  INT: 10,
  BIGINT: 19,
  FLOAT: 39,
  DOUBLE: 309,
}

/** Whether a number may have more digits than the DECIMAL; of a constant, whether it has. */
function overflowsDecimal(operand: Expression, to: LogicalType): boolean {
  const from = operand.type
  if (to.kind !== 'DECIMAL') return false
  const whole = from.kind === 'DECIMAL' ? from.precision - from.scale : WHOLE_DIGITS[from.kind]
  if (whole === undefined) return false
  // 9.99 rounded has a digit more.
  const rounded = from.kind === 'DECIMAL' && from.scale > to.scale ? 1 : 0
  if (whole + rounded <= to.precision - to.scale) return false
  const constant = foldConstants({ kind: 'cast', operand, safe: true, type: to })
  return constant.kind !== 'literal' || constant.value === null
}

/** The expressions in their common type. Throws SQL_TYPE_MISMATCH naming two that have none. */
export function inCommonType(
  expressions: readonly Expression[],
  spans: readonly Span[],
  what: string,
  promote?: Parameters<typeof commonType>[1],
): { expressions: Expression[]; type: LogicalType } {
  const isNull = (e: Expression) => e.kind === 'literal' && e.value === null
  const typed = expressions.filter((expression) => !isNull(expression))
  if (typed.length === 0) {
    const type = (expressions[0] as Expression).type
    return { expressions: [...expressions], type: { ...type, nullable: true } }
  }
  const common = commonType(
    typed.map((expression) => withoutAttribute(expression.type)),
    promote,
  )
  if (common === null) {
    const names = [...new Set(typed.map((expression) => typeName(expression.type)))]
    throw raise(
      'SQL_TYPE_MISMATCH',
      spans[expressions.indexOf(typed[1] as Expression)] ?? null,
      `The values of ${what} have no common type: ${names.join(', ')}.`,
      'CAST them to one type.',
    )
  }
  const nullable = expressions.some((expression) => expression.type.nullable)
  return {
    expressions: expressions.map((expression) => castTo(expression, common)),
    type: { ...common, nullable },
  }
}
