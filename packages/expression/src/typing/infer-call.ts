/**
 * The types of calls, casts and CASE, for the planner; and nodes made with the casts that implicit
 * conversion asks for.
 */
import { formatType, type LogicalType, type MillraceError } from '@millrace/core'
import { isCastable } from '../cast/cast-value.ts'
import { expressionError } from '../error-codes.ts'
import type { CallExpression, CaseExpression, CastExpression, Expression } from '../expression.ts'
import { type FunctionSpec, isNumeric, isTime } from '../functions/function-spec.ts'
import { functionOf } from '../functions/function-table.ts'
import { commonType, holdsUnchanged } from '../functions/promote-types.ts'

export type InferredCall =
  | { readonly ok: true; readonly type: LogicalType }
  | { readonly ok: false; readonly error: MillraceError }

/**
 * The result type of `name(args)`, nullability included; or FUNCTION_UNKNOWN, FUNCTION_ARGUMENTS.
 */
export function inferCall(name: string, argTypes: readonly LogicalType[]): InferredCall {
  try {
    return { ok: true, type: typeOfCall(functionOf(name), argTypes) }
  } catch (error) {
    return { ok: false, error: error as MillraceError }
  }
}

function typeOfCall(spec: FunctionSpec, argTypes: readonly LogicalType[]): LogicalType {
  const inferred = spec.infer(argTypes)
  if (typeof inferred === 'string') {
    const given = argTypes.map((type) => formatType({ ...type, nullable: true })).join(', ')
    const shown = spec.infix ?? spec.name.toUpperCase()
    throw expressionError(
      'FUNCTION_ARGUMENTS',
      `Give ${shown} ${inferred}; it has (${given}).`,
      argTypes.length > 0 ? { hint: 'CAST the arguments to the wanted types.' } : {},
    )
  }
  const nullable =
    spec.nulls === 'strict-nullable' ||
    (spec.nulls !== 'never' && argTypes.some((type) => type.nullable))
  return { ...inferred, nullable }
}

/**
 * A call node with implicit casts: texts beside times become times, DATE beside TIMESTAMP a
 * TIMESTAMP, untyped NULLs their neighbour's type; non-texts in CONCAT texts. Throws
 * FUNCTION_UNKNOWN, FUNCTION_ARGUMENTS.
 */
export function makeCall(name: string, args: readonly Expression[]): CallExpression {
  const spec = functionOf(name)
  const cast = castArguments(spec.name, args)
  const type = typeOfCall(
    spec,
    cast.map((arg) => arg.type),
  )
  return { kind: 'call', function: spec.name, args: cast, type }
}

const COMPARING = new Set([
  'equals',
  'not_equals',
  'less',
  'less_equal',
  'greater',
  'greater_equal',
  'is_distinct_from',
  'is_not_distinct_from',
  'in',
  'greatest',
  'least',
])

/**
 * Where a text beside a number is read as that number; under `=` the reference refuses the pair.
 */
const READING_NUMBERS = new Set(['less', 'less_equal', 'greater', 'greater_equal', 'in'])

function castArguments(name: string, args: readonly Expression[]): readonly Expression[] {
  if (COMPARING.has(name)) {
    return castToEachOther(READING_NUMBERS.has(name) ? textsAsNumbers(args) : args)
  }
  if (name === 'concat' || name === 'concat_ws') {
    return args.map((arg) => (arg.type.kind === 'STRING' ? arg : makeCast(arg, text(arg.type))))
  }
  return args
}

function textsAsNumbers(args: readonly Expression[]): readonly Expression[] {
  const number = args.find(({ type }) => isNumeric(type))?.type
  if (number === undefined) return args
  return args.map((arg) =>
    arg.type.kind === 'STRING' && !isNullLiteral(arg)
      ? makeCast(arg, { ...number, nullable: arg.type.nullable })
      : arg,
  )
}

const text = (type: LogicalType): LogicalType => ({ kind: 'STRING', nullable: type.nullable })

function isNullLiteral(arg: Expression): boolean {
  return arg.kind === 'literal' && arg.value === null
}

function castToEachOther(args: readonly Expression[]): readonly Expression[] {
  const typed = args.filter((arg) => !isNullLiteral(arg))
  const target = typed.find(({ type }) => type.kind !== 'STRING')?.type
  if (target === undefined || isNumeric(target)) {
    return args.map((arg) =>
      isNullLiteral(arg) && typed[0] !== undefined ? retypedNull(typed[0].type) : arg,
    )
  }
  if (target.kind === 'BOOLEAN' && typed.some(({ type }) => type.kind === 'STRING')) {
    // As the reference compares them: TRUE is 'TRUE', and not 'true'.
    return args.map((arg) => (arg.type.kind === 'BOOLEAN' ? makeCast(arg, text(arg.type)) : arg))
  }
  const times = typed.filter(({ type }) => isTime(type)).map(({ type }) => type)
  const common = isTime(target) ? commonType(times) : target
  if (common === null) return args
  return args.map((arg) => {
    if (isNullLiteral(arg)) return retypedNull(common)
    const fits = arg.type.kind === common.kind || !isCastable(arg.type, common)
    const implicit = arg.type.kind === 'STRING' || isTime(arg.type)
    return fits || !implicit ? arg : makeCast(arg, { ...common, nullable: arg.type.nullable })
  })
}

function retypedNull(type: LogicalType): Expression {
  return { kind: 'literal', value: null, type: { ...type, nullable: true } }
}

/**
 * A cast node; none when the type already fits. Nullability follows the operand. Throws
 * CAST_UNSUPPORTED.
 */
export function makeCast(operand: Expression, to: LogicalType, safe = false): Expression {
  const nullable = operand.type.nullable || safe
  const type = { ...to, nullable }
  if (sameType(operand.type, type) || holdsUnchanged(operand.type, type)) return operand
  if (isNullLiteral(operand))
    return { kind: 'literal', value: null, type: { ...to, nullable: true } }
  if (!isCastable(operand.type, type)) {
    const from = formatType({ ...operand.type, nullable: true })
    throw expressionError(
      'CAST_UNSUPPORTED',
      `Cannot cast ${from} to ${formatType({ ...type, nullable: true })}.`,
    )
  }
  return { kind: 'cast', operand, safe, type } satisfies CastExpression
}

/**
 * Whether two types hold the same values in the same layout; nullability and time attributes aside.
 */
export function sameType(a: LogicalType, b: LogicalType): boolean {
  if (a.kind !== b.kind) return false
  if (a.kind === 'DECIMAL' && b.kind === 'DECIMAL') {
    return a.precision === b.precision && a.scale === b.scale
  }
  if (a.kind === 'STRING' && b.kind === 'STRING') {
    return a.length === b.length && a.fixed === b.fixed
  }
  return !('precision' in a && 'precision' in b) || a.precision === b.precision
}

/**
 * A CASE node whose results are cast to their common type; without ELSE it is NULL. Throws
 * FUNCTION_ARGUMENTS.
 */
export function makeCase(
  branches: readonly { readonly when: Expression; readonly then: Expression }[],
  otherwise?: Expression,
): CaseExpression {
  const results = branches.map(({ then }) => then)
  if (otherwise !== undefined) results.push(otherwise)
  const typed = results.filter((result) => !isNullLiteral(result))
  const common = commonType((typed.length > 0 ? typed : results).map(({ type }) => type))
  const badWhen = branches.find(({ when }) => when.type.kind !== 'BOOLEAN')
  if (common === null || badWhen !== undefined) {
    const given = results.map(({ type }) => formatType({ ...type, nullable: true })).join(', ')
    throw expressionError(
      'FUNCTION_ARGUMENTS',
      badWhen === undefined
        ? `Give CASE results of one type; they are ${given}.`
        : `Give CASE WHEN a BOOLEAN; it is ${formatType(badWhen.when.type)}.`,
    )
  }
  const nullable = otherwise === undefined || results.some(({ type }) => type.nullable)
  const type = { ...common, nullable }
  const fallback = otherwise ?? ({ kind: 'literal', value: null, type } as const)
  return {
    kind: 'case',
    // biome-ignore lint/suspicious/noThenProperty: the field of a CASE branch
    branches: branches.map(({ when, then }) => ({ when, then: makeCast(then, common) })),
    otherwise: makeCast(fallback, common),
    type,
  }
}
