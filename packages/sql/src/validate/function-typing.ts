/**
 * Calls of functions and operators with typed arguments: the border to `@millrace/expression`, which knows the
 * functions.
 *
 * Adds what SQL does around them: the place in the statement, the nearest name of an unknown function, implicit casts
 * between text, dates and timestamps, and common types.
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
  `APPROX_COUNT_DISTINCT ARRAY_AGG COLLECT FIRST_VALUE LAST_VALUE LISTAGG STDDEV STDDEV_POP STDDEV_SAMP VAR_POP
   VAR_SAMP VARIANCE SINGLE_VALUE JSON_OBJECTAGG JSON_ARRAYAGG CUME_DIST DENSE_RANK LAG LEAD NTILE PERCENT_RANK RANK
   ROW_NUMBER PERCENTILE GROUPING GROUPING_ID`
    .trim()
    .split(/\s+/),
)
/** Functions of the reference engine that are not run yet. */
const LATER_FUNCTIONS = new Set(
  `ARRAY_APPEND ARRAY_CONCAT ARRAY_CONTAINS ARRAY_DISTINCT ARRAY_JOIN ARRAY_MAX ARRAY_MIN ARRAY_POSITION
   ARRAY_REMOVE ARRAY_REVERSE ARRAY_SLICE ARRAY_SORT ARRAY_UNION CARDINALITY CONVERT_TZ CURRENT_DATABASE
   CURRENT_TIME CURRENT_WATERMARK DECODE ELEMENT ELT ENCODE IS_ALPHA IS_DECIMAL IS_DIGIT JSON JSON_ARRAY
   JSON_EXISTS JSON_OBJECT JSON_QUERY JSON_QUOTE JSON_STRING JSON_UNQUOTE JSON_VALUE LOCALTIME MAP_ENTRIES
   MAP_FROM_ARRAYS MAP_KEYS MAP_UNION MAP_VALUES MD5 PARSE_URL PRINTF RAND RAND_INTEGER REGEXP_COUNT
   REGEXP_EXTRACT_ALL REGEXP_INSTR REGEXP_SUBSTR SHA1 SHA2 SHA224 SHA256 SHA384 SHA512 SPLIT STR_TO_MAP
   TRANSLATE TRANSLATE3 TRY_PARSE_JSON PARSE_JSON TYPEOF UNHEX UUID`
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

/** The name in FUNCTIONS of a function called `name` in SQL; throws SQL_UNKNOWN_FUNCTION, SQL_NOT_SUPPORTED. */
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

/** Predicates, NOT, minus, FLOOR(… TO …): they have a syntax of their own, as infix operators have. */
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
  return located(span, () => {
    const call = makeCall(name, finerTimes(name, args))
    const type = typeByLiteral(name, args)
    return type === null ? call : castTo(call, { ...type, nullable: call.type.nullable })
  })
}

const isDayTime = ({ type }: Expression) => type.kind === 'INTERVAL_DAY_TIME'

/** A TIMESTAMP of whole seconds moved by a part of one: as TIMESTAMP(3), so that the part is not lost. */
function finerTimes(name: string, args: readonly Expression[]): readonly Expression[] {
  if (name !== 'plus' && name !== 'minus') return args
  const interval = args.find(isDayTime)
  if (interval === undefined) return args
  const whole = interval.kind === 'literal' && Number(interval.value) % 1000 === 0
  return args.map((arg) =>
    !whole && arg.type.kind === 'TIMESTAMP' && arg.type.precision < 3
      ? castTo(arg, { ...arg.type, precision: 3 })
      : arg,
  )
}

/** The result type where it depends on a literal argument, as in the reference; null elsewhere. */
function typeByLiteral(name: string, args: readonly Expression[]): LogicalType | null {
  const [first, second, third] = args
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
  if (operand.kind === 'literal' && operand.value === null) return nullLiteral(type)
  if (!isCastable(operand.type, type)) {
    throw raise(
      'SQL_TYPE_MISMATCH',
      span,
      `Cannot cast ${typeName(operand.type)} to ${typeName(type)}.`,
    )
  }
  // A cast to its own type stays a value of that type, but is no time attribute any more.
  if (sameType(operand.type, type) && !('attribute' in operand.type)) return operand
  return { kind: 'cast', operand, safe, type: { ...type, nullable: safe || operand.type.nullable } }
}

/** The expressions in their common type. Throws SQL_TYPE_MISMATCH naming two that have none. */
export function inCommonType(
  expressions: readonly Expression[],
  spans: readonly Span[],
  what: string,
): { expressions: Expression[]; type: LogicalType } {
  const isNull = (e: Expression) => e.kind === 'literal' && e.value === null
  const typed = expressions.filter((expression) => !isNull(expression))
  if (typed.length === 0) {
    const type = (expressions[0] as Expression).type
    return { expressions: [...expressions], type: { ...type, nullable: true } }
  }
  const common = commonType(typed.map((expression) => withoutAttribute(expression.type)))
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
