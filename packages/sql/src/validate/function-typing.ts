/**
 * Calls of functions and operators with typed arguments: the border to `@millrace/expression`, which knows the
 * functions.
 *
 * Adds what SQL does around them: the place in the statement, the nearest name of an unknown function, implicit casts
 * between text, dates and timestamps, and common types.
 */
import { formatType, isMillraceError, type LogicalType } from '@millrace/core'
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
  if (LATER_AGGREGATES.has(name.toUpperCase())) throw notSupported(name.toUpperCase(), span)
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

/** Names as SHOW FUNCTIONS lists them: those that are called by name. */
export function functionNames(): string[] {
  const aliases = Object.keys(FUNCTION_ALIASES).filter((name) => /^[a-z]/.test(name))
  return [...FUNCTIONS.keys(), ...aliases].map((name) => name.toUpperCase()).sort()
}

/** A typed call. Throws SQL_TYPE_MISMATCH at `span`. */
export function typedCall(name: string, args: readonly Expression[], span: Span): Expression {
  return located(span, () => makeCall(name, args))
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
