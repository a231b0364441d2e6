/**
 * Calls that become operators of the generated code instead of calls.
 *
 * Each gives text for arguments that are already names or literals; arguments may be NULL (then the result is not
 * used),
 * so only operations
 * that cannot fail stand here. Agreement with the functions' `bind` is what the differential test holds.
 */
import { DAY_MS, HOUR_MS, type LogicalType, MINUTE_MS, powerOfTen, SECOND_MS } from '@millrace/core'
import type { CallExpression } from '../expression.ts'
import { isNumeric } from '../functions/function-spec.ts'
import { promoteNumeric } from '../functions/promote-types.ts'
import type { CodeBuilder } from './code-builder.ts'
import type { CompiledValue } from './compiled-value.ts'

const ARITHMETIC: Readonly<Record<string, string>> = { plus: '+', minus: '-', times: '*' }
const COMPARISON: Readonly<Record<string, string>> = {
  equals: '===',
  not_equals: '!==',
  less: '<',
  less_equal: '<=',
  greater: '>',
  greater_equal: '>=',
}
const DOUBLE_FUNCTIONS: Readonly<Record<string, string>> = {
  abs: 'Math.abs',
  floor: 'Math.floor',
  ceil: 'Math.ceil',
  sqrt: 'Math.sqrt',
}
const FIXED_UNITS_MS: Readonly<Record<string, number>> = {
  SECOND: SECOND_MS,
  MINUTE: MINUTE_MS,
  HOUR: HOUR_MS,
  DAY: DAY_MS,
}

/** The text of a number widened to `to`; null when that takes more than an operator. */
export function widenedText(code: CodeBuilder, arg: CompiledValue, to: LogicalType): string | null {
  const from = arg.type
  if (to.kind === 'DOUBLE') {
    if (from.kind === 'BIGINT') return `Number(${arg.value})`
    if (from.kind !== 'DECIMAL') return arg.value
    return `(Number(${arg.value}) / ${code.constant(Number(powerOfTen(from.scale)))})`
  }
  if (to.kind === 'BIGINT') return from.kind === 'INT' ? `BigInt(${arg.value})` : arg.value
  if (to.kind === 'DECIMAL') {
    return from.kind === 'DECIMAL' && from.scale === to.scale ? arg.value : null
  }
  return arg.value
}

/** The text of a call, or null when it has no inline form. */
export function inlineCall(
  code: CodeBuilder,
  call: CallExpression,
  args: readonly CompiledValue[],
): string | null {
  const [a, b] = args as [CompiledValue, CompiledValue | undefined]
  const { function: name } = call
  if (b !== undefined && COMPARISON[name] !== undefined) {
    return inlineComparison(code, COMPARISON[name] as string, a, b)
  }
  if (b !== undefined && args.length === 2 && (name in ARITHMETIC || name === 'divide')) {
    return inlineArithmetic(code, name, call.type, a, b)
  }
  if (name === 'not') return `!${a.value}`
  if (name === 'negate') {
    if (call.type.kind === 'INT') return `(-${a.value} | 0)`
    return call.type.kind === 'DOUBLE' ? `(-${a.value})` : null
  }
  if (name === 'floor_to') return inlineFloorTo(code, call, a)
  if (args.length === 1 && a.type.kind === 'DOUBLE' && DOUBLE_FUNCTIONS[name] !== undefined) {
    return `${DOUBLE_FUNCTIONS[name]}(${a.value})`
  }
  return null
}

function inlineComparison(
  code: CodeBuilder,
  operator: string,
  a: CompiledValue,
  b: CompiledValue,
): string | null {
  const equality = operator === '===' || operator === '!=='
  if (a.type.kind === 'STRING' && !equality) return null
  if (!isNumeric(a.type)) return `(${a.value} ${operator} ${b.value})`
  const decimals = a.type.kind === 'DECIMAL' || b.type.kind === 'DECIMAL'
  const doubles = a.type.kind === 'DOUBLE' || b.type.kind === 'DOUBLE'
  const sameScale =
    a.type.kind === 'DECIMAL' && b.type.kind === 'DECIMAL' && a.type.scale === b.type.scale
  if (decimals && !doubles && !sameScale) return null
  const common = sameScale ? a.type : promoteNumeric(a.type, b.type)
  const left = widenedText(code, a, common)
  const right = widenedText(code, b, common)
  return left === null || right === null ? null : `(${left} ${operator} ${right})`
}

function inlineArithmetic(
  code: CodeBuilder,
  name: string,
  result: LogicalType,
  a: CompiledValue,
  b: CompiledValue,
): string | null {
  const operator = name === 'divide' ? '/' : (ARITHMETIC[name] as string)
  if (!isNumeric(a.type) || !isNumeric(b.type)) {
    const shifts = a.type.kind.startsWith('TIMESTAMP') && b.type.kind === 'INTERVAL_DAY_TIME'
    return shifts ? `(${a.value} ${operator} ${b.value})` : null
  }
  const left = widenedText(code, a, result)
  const right = widenedText(code, b, result)
  if (left === null || right === null) return null
  switch (result.kind) {
    case 'DOUBLE':
      return `(${left} ${operator} ${right})`
    case 'INT':
      if (name === 'divide') return null
      return name === 'times'
        ? `Math.imul(${left}, ${right})`
        : `((${left} ${operator} ${right}) | 0)`
    case 'BIGINT':
      return name === 'divide' ? null : `BigInt.asIntN(64, ${left} ${operator} ${right})`
    default:
      return null
  }
}

/** FLOOR(timestamp TO DAY or shorter): no calendar needed. */
function inlineFloorTo(code: CodeBuilder, call: CallExpression, a: CompiledValue): string | null {
  const unit = call.args[1]
  if (a.type.kind !== 'TIMESTAMP' || unit?.kind !== 'literal') return null
  const unitMs = FIXED_UNITS_MS[String(unit.value)]
  if (unitMs === undefined) return null
  const constant = code.constant(unitMs)
  return `(Math.floor(${a.value} / ${constant}) * ${constant})`
}

/** The text of a cast that is a mere conversion, or null. */
export function inlineCast(from: LogicalType, to: LogicalType, value: string): string | null {
  const plain = new Set(['BOOLEAN', 'INT', 'BIGINT', 'DOUBLE', 'STRING', 'DATE'])
  if (from.kind === to.kind && plain.has(from.kind)) return value
  if (from.kind === 'INT' && to.kind === 'DOUBLE') return value
  if (from.kind === 'INT' && to.kind === 'BIGINT') return `BigInt(${value})`
  if (from.kind === 'BIGINT' && to.kind === 'DOUBLE') return `Number(${value})`
  return null
}
