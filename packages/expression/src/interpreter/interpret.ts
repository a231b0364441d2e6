/**
 * The interpreter: an expression's value for one row, by walking the tree.
 *
 * Simple and slow: the generator's oracle in tests, and what constant folding and literal rows use.
 * AND, OR and CASE evaluate left to right and stop when the result is known; every other call
 * evaluates all its arguments first.
 */
import {
  type Column,
  type ColumnBatch,
  type LogicalType,
  type Value,
  valueAt,
} from '@millrace/core'
import { bindCast, type Cast } from '../cast/cast-value.ts'
import type { EvaluationContext } from '../evaluation-context.ts'
import type { CallExpression, CastExpression, Expression, LiteralValue } from '../expression.ts'
import type { Scalar } from '../functions/function-spec.ts'
import { functionOf } from '../functions/function-table.ts'

const boundCalls = new WeakMap<CallExpression, Scalar>()
const boundCasts = new WeakMap<CastExpression, Cast>()

/** The `Value` of a literal's JSON form. */
export function literalToValue(value: LiteralValue, type: LogicalType): Value {
  if (value === null) return null
  if (type.kind === 'BIGINT' || type.kind === 'DECIMAL') return BigInt(value)
  // JSON has no NaN, no infinities and no -0: literals of them are texts.
  return type.kind === 'STRING' || type.kind === 'BOOLEAN' ? value : Number(value)
}

/** The JSON form of a value, the inverse of `literalToValue`. */
export function valueToLiteral(value: Value): LiteralValue {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
    return Object.is(value, -0) ? '-0' : String(value)
  }
  return value
}

/** The evaluation of a call, bound once per node. */
export function scalarOf(call: CallExpression): Scalar {
  let scalar = boundCalls.get(call)
  if (scalar === undefined) {
    const argTypes = call.args.map((arg) => arg.type)
    scalar = functionOf(call.function).bind(argTypes, call.type)
    boundCalls.set(call, scalar)
  }
  return scalar
}

export function interpret(
  expression: Expression,
  batch: ColumnBatch,
  row: number,
  context: EvaluationContext,
): Value {
  switch (expression.kind) {
    case 'literal':
      return literalToValue(expression.value, expression.type)
    case 'column':
      return valueAt(batch.columns[expression.index] as Column, row)
    case 'cast': {
      const value = interpret(expression.operand, batch, row, context)
      return value === null ? null : castOf(expression)(context, value as never)
    }
    case 'case':
      for (const { when, then } of expression.branches) {
        if (interpret(when, batch, row, context) === true) {
          return interpret(then, batch, row, context)
        }
      }
      return interpret(expression.otherwise, batch, row, context)
    case 'call':
      return interpretCall(expression, batch, row, context)
  }
}

function castOf(expression: CastExpression): Cast {
  let cast = boundCasts.get(expression)
  if (cast === undefined) {
    cast = bindCast(expression.operand.type, expression.type, expression.safe)
    boundCasts.set(expression, cast)
  }
  return cast
}

function interpretCall(
  call: CallExpression,
  batch: ColumnBatch,
  row: number,
  context: EvaluationContext,
): Value {
  const { function: name } = call
  const decided = name === 'and' ? false : name === 'or' ? true : undefined
  const values: Value[] = []
  for (const arg of call.args) {
    const value = interpret(arg, batch, row, context)
    if (decided !== undefined && value === decided) return decided
    values.push(value)
  }
  const { nulls } = functionOf(name)
  const strict = nulls === 'strict' || nulls === 'strict-nullable'
  if (strict && values.includes(null)) return null
  return scalarOf(call)(context, ...values)
}
