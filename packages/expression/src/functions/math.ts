/**
 * Functions of numbers. Those that keep their argument's type work on every numeric type; the rest
 * go through DOUBLE.
 */
import {
  DECIMAL_PRECISION_MAX,
  divideHalfUp,
  type LogicalType,
  powerOfTen,
  rescaleDecimal,
  shortestFloat,
  type Value,
} from '@millrace/core'
import { checkedDecimal } from './arithmetic.ts'
import { compareTexts } from './comparison.ts'
import { widen } from './convert-number.ts'
import {
  bareType,
  DOUBLE,
  decimal,
  type FunctionSpec,
  isApproximate,
  isNumeric,
  isSmallWhole,
  isWhole,
  type Scalar,
} from './function-spec.ts'
import { bitsOf, commonType, promoteToWider, wrapSmall } from './promote-types.ts'

function doubleFunction(
  name: string,
  arity: number,
  apply: (...args: number[]) => number,
): FunctionSpec {
  return {
    name,
    nulls: 'strict',
    infer: (args) =>
      args.length === arity && args.every(isNumeric)
        ? DOUBLE
        : arity === 0
          ? 'no arguments'
          : `${arity} number${arity === 1 ? '' : 's'}`,
    bind(args): Scalar {
      const widened = args.map((type) => widen(type, DOUBLE))
      return (_context, ...values) => apply(...values.map((v, i) => widened[i]!(v as never)))
    },
  }
}

/** The type with room for one more whole digit: 9.99 rounds to 10.0, the sign of 0.05 is 1. */
function withWholeDigit(type: LogicalType): LogicalType {
  if (type.kind !== 'DECIMAL') return bareType(type)
  return decimal(Math.min(DECIMAL_PRECISION_MAX, type.precision + 1), type.scale)
}

/** ABS, SIGN: the argument's own type, or what `typeOf` makes of it. */
function sameTypeFunction(
  name: string,
  onNumber: (x: number) => number,
  onBigint: (x: bigint, scale: number) => bigint,
  typeOf: (argument: LogicalType) => LogicalType = bareType,
): FunctionSpec {
  return {
    name,
    nulls: 'strict',
    infer: ([a, more]) =>
      a !== undefined && more === undefined && isNumeric(a) ? typeOf(a) : 'one number',
    bind([type], result): Scalar {
      if (isSmallWhole(type)) {
        const wrap = wrapSmall(type!)
        return (_context, x) => wrap(onNumber(x))
      }
      if (isApproximate(type)) return (_context, x) => onNumber(x)
      const scale = type!.kind === 'DECIMAL' ? type!.scale : 0
      return (_context, x) =>
        checkedDecimal(BigInt.asIntN(64, onBigint(x as bigint, scale)), result)
    },
  }
}

type Rounding = 'floor' | 'ceil' | 'round' | 'truncate'

/** A whole multiple of `unit`, rounded as named; ROUND's ties go away from zero. */
function roundToUnit(value: bigint, unit: bigint, rounding: Rounding): bigint {
  if (rounding === 'round') return divideHalfUp(value, unit) * unit
  const rest = value % unit
  if (rest === 0n) return value
  const truncated = value - rest
  if (rounding === 'floor' && rest < 0n) return truncated - unit
  if (rounding === 'ceil' && rest > 0n) return truncated + unit
  return truncated
}

/**
 * A double rounded at `digits` decimal places through its shortest decimal form, as BigDecimal
 * does: it has no -0.
 */
export function roundDouble(value: number, digits: number, rounding: Rounding): number {
  if (!Number.isFinite(value)) return value
  if (digits === 0) {
    if (rounding === 'floor') return Math.floor(value)
    if (rounding === 'ceil') return Math.ceil(value)
    if (rounding === 'truncate') return Math.trunc(value) + 0
  }
  const [mantissa, exponentText] = value.toExponential().split('e') as [string, string]
  const fraction = mantissa.includes('.') ? mantissa.length - mantissa.indexOf('.') - 1 : 0
  const scale = fraction - Number(exponentText)
  const drop = scale - digits
  if (drop <= 0) return value + 0
  if (drop > fraction + 2) return 0
  const unscaled = BigInt(mantissa.replace('.', ''))
  const rounded = roundToUnit(unscaled, powerOfTen(drop), rounding)
  return Number(`${rounded}e${-scale}`)
}

function bindRounding(
  rounding: Rounding,
  args: readonly LogicalType[],
  result: LogicalType,
): Scalar {
  const [type] = args as [LogicalType]
  const digitsOf = (digits: number | bigint | undefined) => Number(digits ?? 0)
  if (type.kind === 'DOUBLE') {
    return (_context, x, digits) => roundDouble(x, digitsOf(digits), rounding)
  }
  if (type.kind === 'FLOAT') {
    return (_context, x, digits) =>
      Math.fround(roundDouble(shortestFloat(x), digitsOf(digits), rounding))
  }
  const scale = type.kind === 'DECIMAL' ? type.scale : 0
  const resultScale = result.kind === 'DECIMAL' ? result.scale : 0
  const round = (x: number | bigint, digits: number): bigint => {
    const drop = scale - digits
    const value = BigInt(x)
    const rounded = drop <= 0 ? value : roundToUnit(value, powerOfTen(Math.min(drop, 38)), rounding)
    return checkedDecimal(rescaleDecimal(rounded, scale, resultScale), result)
  }
  if (isSmallWhole(type)) {
    const bits = bitsOf(type)
    return (_context, x, digits) => Number(BigInt.asIntN(bits, round(x, digitsOf(digits))))
  }
  return (_context, x, digits) => BigInt.asIntN(64, round(x, digitsOf(digits)))
}

function roundingSpec(name: Rounding): FunctionSpec {
  const takesDigits = name === 'round' || name === 'truncate'
  return {
    name,
    nulls: 'strict',
    infer(args) {
      const [value, digits] = args
      const fits =
        value !== undefined &&
        isNumeric(value) &&
        args.length <= (takesDigits ? 2 : 1) &&
        (digits === undefined || isWhole(digits))
      if (!fits) return takesDigits ? 'a number and optionally a number of digits' : 'one number'
      if (value.kind !== 'DECIMAL' || digits !== undefined) return withWholeDigit(value)
      return decimal(Math.min(DECIMAL_PRECISION_MAX, value.precision - value.scale + 1), 0)
    },
    bind: (args, result) => bindRounding(name, args, result),
  }
}

/** GREATEST and LEAST: NULL if any argument is NULL. */
function extremeSpec(name: 'greatest' | 'least'): FunctionSpec {
  return {
    name,
    nulls: 'strict',
    infer: (args) => {
      const common = args.length === 0 ? null : commonType(args, promoteToWider)
      const sameShape = args.every((type) => type.kind === common?.kind || isNumeric(type))
      return common !== null && sameShape ? common : 'values of one type'
    },
    bind(args, result): Scalar {
      const widened = args.map((type) => widen(type, result))
      const wanted = name === 'greatest' ? 1 : -1
      return (_context, ...values) => {
        let best = widened[0]!(values[0] as never) as Value
        for (let i = 1; i < values.length; i++) {
          const next = widened[i]!(values[i] as never) as Value
          if (order(next, best) * wanted > 0) best = next
        }
        return best
      }
    },
  }
}

/** Of doubles a total order: -0 before 0, NaN after all others. */
function order(a: Value, b: Value): number {
  if (typeof a === 'string') return compareTexts(a, b as string)
  const [x, y] = [a as number, b as number]
  if (x > y) return 1
  if (x < y) return -1
  if (typeof x !== 'number') return 0
  const after = Number(Number.isNaN(x)) - Number(Number.isNaN(y))
  if (after !== 0) return after
  return Number(Object.is(y, -0)) - Number(Object.is(x, -0))
}

/** LOG(x) is natural, LOG(base, x) to any base. */
const log: FunctionSpec = {
  name: 'log',
  nulls: 'strict',
  infer: (args) =>
    (args.length === 1 || args.length === 2) && args.every(isNumeric)
      ? DOUBLE
      : 'one number, or a base and a number',
  bind(args): Scalar {
    const widened = args.map((type) => widen(type, DOUBLE))
    const logarithm = (value: unknown, at: number) => Math.log(widened[at]!(value as never))
    if (args.length === 1) return (_context, x) => logarithm(x, 0)
    return (_context, base, x) => logarithm(x, 1) / logarithm(base, 0)
  },
}

export const MATH: readonly FunctionSpec[] = [
  sameTypeFunction('abs', Math.abs, (x) => (x < 0n ? -x : x)),
  sameTypeFunction(
    'sign',
    Math.sign,
    (x, scale) => (x === 0n ? 0n : x < 0n ? -powerOfTen(scale) : powerOfTen(scale)),
    withWholeDigit,
  ),
  roundingSpec('floor'),
  roundingSpec('ceil'),
  roundingSpec('round'),
  roundingSpec('truncate'),
  doubleFunction('power', 2, (x, y) => x ** y),
  doubleFunction('sqrt', 1, Math.sqrt),
  doubleFunction('ln', 1, Math.log),
  doubleFunction('log10', 1, Math.log10),
  doubleFunction('log2', 1, Math.log2),
  doubleFunction('exp', 1, Math.exp),
  doubleFunction('sin', 1, Math.sin),
  doubleFunction('cos', 1, Math.cos),
  doubleFunction('tan', 1, Math.tan),
  doubleFunction('asin', 1, Math.asin),
  doubleFunction('acos', 1, Math.acos),
  doubleFunction('atan', 1, Math.atan),
  doubleFunction('atan2', 2, Math.atan2),
  doubleFunction('sinh', 1, Math.sinh),
  doubleFunction('cosh', 1, Math.cosh),
  doubleFunction('tanh', 1, Math.tanh),
  doubleFunction('cot', 1, (x) => 1 / Math.tan(x)),
  doubleFunction('degrees', 1, (x) => (x * 180) / Math.PI),
  doubleFunction('radians', 1, (x) => (x * Math.PI) / 180),
  doubleFunction('pi', 0, () => Math.PI),
  doubleFunction('e', 0, () => Math.E),
  log,
  extremeSpec('greatest'),
  extremeSpec('least'),
]
