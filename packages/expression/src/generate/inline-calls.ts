/**
 * Calls that become operators of the generated code instead of calls.
 *
 * Each gives text for arguments that are already names or literals; arguments may be NULL (then the
 * result is not used), so only operations that cannot fail stand here. Agreement with the
 * functions' `bind` is what the differential test holds.
 */
import { DAY_MS, HOUR_MS, type LogicalType, MINUTE_MS, powerOfTen, SECOND_MS } from '@millrace/core'
import type { CallExpression } from '../expression.ts'
import { isApproximate, isNumeric, isSmallWhole } from '../functions/function-spec.ts'
import { bitsOf, holdsUnchanged, promoteCompared } from '../functions/promote-types.ts'
import { sameType } from '../typing/infer-call.ts'
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
  if (to.kind === 'DOUBLE') return doubleText(code, arg)
  if (to.kind === 'FLOAT') {
    return from.kind === 'FLOAT' ? arg.value : `Math.fround(${doubleText(code, arg)})`
  }
  if (to.kind === 'BIGINT') return from.kind === 'BIGINT' ? arg.value : `BigInt(${arg.value})`
  if (to.kind === 'DECIMAL') {
    return from.kind === 'DECIMAL' && from.scale === to.scale ? arg.value : null
  }
  return arg.value
}

function doubleText(code: CodeBuilder, { type: from, value }: CompiledValue): string {
  if (from.kind === 'BIGINT') return `Number(${value})`
  if (from.kind !== 'DECIMAL') return value
  return `(Number(${value}) / ${code.constant(Number(powerOfTen(from.scale)))})`
}

/** A 32-bit result in the width of its type. */
function wrappedText(type: LogicalType, text: string): string {
  if (type.kind === 'TINYINT') return `((${text}) << 24 >> 24)`
  if (type.kind === 'SMALLINT') return `((${text}) << 16 >> 16)`
  return `((${text}) | 0)`
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
    if (isSmallWhole(call.type)) return wrappedText(call.type, `-${a.value}`)
    return isApproximate(call.type) ? `(-${a.value})` : null
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
  const doubles = isApproximate(a.type) || isApproximate(b.type)
  const sameScale =
    a.type.kind === 'DECIMAL' && b.type.kind === 'DECIMAL' && a.type.scale === b.type.scale
  if (decimals && !doubles && !sameScale) return null
  const common = sameScale ? a.type : promoteCompared(a.type, b.type)
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
    case 'FLOAT':
      return `Math.fround(${left} ${operator} ${right})`
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
      if (name === 'divide') return null
      if (name !== 'times') return wrappedText(result, `${left} ${operator} ${right}`)
      return result.kind === 'INT'
        ? `Math.imul(${left}, ${right})`
        : wrappedText(result, `Math.imul(${left}, ${right})`)
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
  if (from.kind === 'STRING' && to.kind === 'STRING') {
    return sameType(from, to) || holdsUnchanged(from, to) ? value : null
  }
  if (from.kind === to.kind && UNCHANGED.has(from.kind)) return value
  if (isSmallWhole(from)) {
    if (isSmallWhole(to)) return bitsOf(to) >= bitsOf(from) ? value : wrappedText(to, value)
    if (to.kind === 'DOUBLE') return value
    if (to.kind === 'FLOAT') return `Math.fround(${value})`
    if (to.kind === 'BIGINT') return `BigInt(${value})`
  }
  if (from.kind === 'BIGINT' && to.kind === 'DOUBLE') return `Number(${value})`
  if (from.kind === 'FLOAT' && to.kind === 'DOUBLE') return value
  if (from.kind === 'DOUBLE' && to.kind === 'FLOAT') return `Math.fround(${value})`
  return null
}

const UNCHANGED: ReadonlySet<LogicalType['kind']> = new Set([
  'BOOLEAN',
  'TINYINT',
  'SMALLINT',
  'INT',
  'BIGINT',
  'FLOAT',
  'DOUBLE',
  'DATE',
])
