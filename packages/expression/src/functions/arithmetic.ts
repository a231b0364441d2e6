/**
 * + − * / MOD and unary minus, on numbers and on times with intervals.
 *
 * Whole numbers wrap in their own width as in Java; integer division truncates and fails on zero;
 * DECIMAL rounds half up and fails when the result does not fit its type; DOUBLE follows IEEE 754,
 * and so does FLOAT, whose results are rounded to singles.
 */
import {
  addMonths,
  DAY_MS,
  divideHalfUp,
  fitsPrecision,
  formatDecimal,
  formatType,
  type LogicalType,
  powerOfTen,
  rescaleDecimal,
} from '@millrace/core'
import { expressionError } from '../error-codes.ts'
import { widen } from './convert-number.ts'
import {
  bareType,
  type FunctionSpec,
  type Inferred,
  isApproximate,
  isInterval,
  isNumeric,
  isSmallWhole,
  isTime,
  isWhole,
  type Scalar,
} from './function-spec.ts'
import { asDecimal, cappedDecimal, promoteNumeric, wrapSmall } from './promote-types.ts'

type Operator = 'plus' | 'minus' | 'times' | 'divide' | 'mod'

export function divisionByZero(): never {
  throw expressionError('DIVISION_BY_ZERO', 'Cannot divide by zero.', {
    hint: 'Guard the division, e.g. x / NULLIF(y, 0).',
  })
}

/** The value if it fits the DECIMAL type; throws NUMBER_OVERFLOW. */
export function checkedDecimal(value: bigint, type: LogicalType): bigint {
  if (type.kind !== 'DECIMAL' || fitsPrecision(value, type.precision)) return value
  throw expressionError(
    'NUMBER_OVERFLOW',
    `Cannot hold a result in ${formatType({ ...type, nullable: true })}; it is ${formatDecimal(value, type.scale)}.`,
    { hint: 'Cast an operand to DOUBLE, or to a DECIMAL with fewer digits.' },
  )
}

function decimalResult(operator: Operator, a: LogicalType, b: LogicalType): LogicalType {
  const x = asDecimal(a)
  const y = asDecimal(b)
  const wholeX = x.precision - x.scale
  const wholeY = y.precision - y.scale
  switch (operator) {
    case 'times':
      return cappedDecimal(x.precision + y.precision + 1, x.scale + y.scale)
    case 'divide': {
      const scale = Math.max(6, x.scale + y.precision + 1)
      return cappedDecimal(wholeX + y.scale + scale, scale)
    }
    case 'mod': {
      const scale = Math.max(x.scale, y.scale)
      return cappedDecimal(Math.min(wholeX, wholeY) + scale, scale)
    }
    default: {
      const scale = Math.max(x.scale, y.scale)
      return cappedDecimal(Math.max(wholeX, wholeY) + scale + 1, scale)
    }
  }
}

function inferTemporal(operator: Operator, a: LogicalType, b: LogicalType): Inferred {
  const additive = operator === 'plus' || operator === 'minus'
  if (additive && isTime(a) && isInterval(b)) return bareType(a)
  if (operator === 'plus' && isInterval(a) && isTime(b)) return bareType(b)
  if (additive && isInterval(a) && a.kind === b.kind) return bareType(a)
  if (operator === 'times' && isInterval(a) && isWhole(b)) return bareType(a)
  if (operator === 'times' && isWhole(a) && isInterval(b)) return bareType(b)
  return 'two numbers, or a time and an interval'
}

function infer(operator: Operator, args: readonly LogicalType[]): Inferred {
  const [a, b] = args
  if (args.length !== 2 || a === undefined || b === undefined) return 'two arguments'
  if (!isNumeric(a) || !isNumeric(b)) return inferTemporal(operator, a, b)
  if (operator === 'mod' && (isApproximate(a) || isApproximate(b))) {
    return 'two whole numbers or DECIMALs'
  }
  const promoted = promoteNumeric(a, b)
  // A remainder is smaller than its divisor, and the reference gives it that type.
  if (operator === 'mod' && isWhole(a) && isWhole(b)) return bareType(b)
  return promoted.kind === 'DECIMAL' ? decimalResult(operator, a, b) : promoted
}

/** In 32 bits; the narrower types wrap what comes out. */
const INT_OPERATORS: Record<Operator, (a: number, b: number) => number> = {
  plus: (a, b) => (a + b) | 0,
  minus: (a, b) => (a - b) | 0,
  times: (a, b) => Math.imul(a, b),
  divide: (a, b) => (b === 0 ? divisionByZero() : (a / b) | 0),
  mod: (a, b) => (b === 0 ? divisionByZero() : (a % b) | 0),
}
const BIGINT_OPERATORS: Record<Operator, (a: bigint, b: bigint) => bigint> = {
  plus: (a, b) => BigInt.asIntN(64, a + b),
  minus: (a, b) => BigInt.asIntN(64, a - b),
  times: (a, b) => BigInt.asIntN(64, a * b),
  divide: (a, b) => (b === 0n ? divisionByZero() : BigInt.asIntN(64, a / b)),
  mod: (a, b) => (b === 0n ? divisionByZero() : a % b),
}
const DOUBLE_OPERATORS: Record<Operator, (a: number, b: number) => number> = {
  plus: (a, b) => a + b,
  minus: (a, b) => a - b,
  times: (a, b) => a * b,
  divide: (a, b) => a / b,
  mod: (a, b) => a % b,
}

function bindDecimal(
  operator: Operator,
  args: readonly LogicalType[],
  result: LogicalType,
): Scalar {
  const scaleA = asDecimal(args[0]!).scale
  const scaleB = asDecimal(args[1]!).scale
  const scale = asDecimal(result).scale
  const common = Math.max(scaleA, scaleB)
  const done = (value: bigint, from: number) =>
    checkedDecimal(rescaleDecimal(value, from, scale), result)
  const align = (a: bigint, b: bigint, combine: (x: bigint, y: bigint) => bigint) =>
    done(combine(rescaleDecimal(a, scaleA, common), rescaleDecimal(b, scaleB, common)), common)
  const apply = (a: bigint, b: bigint): bigint => {
    switch (operator) {
      case 'plus':
        return align(a, b, (x, y) => x + y)
      case 'minus':
        return align(a, b, (x, y) => x - y)
      case 'times':
        return done(a * b, scaleA + scaleB)
      case 'mod':
        if (b === 0n) divisionByZero()
        return align(a, b, (x, y) => x % y)
      case 'divide': {
        if (b === 0n) divisionByZero()
        const up = scale + scaleB - scaleA
        const dividend = up >= 0 ? a * powerOfTen(up) : a
        const divisor = up >= 0 ? b : b * powerOfTen(-up)
        return checkedDecimal(divideHalfUp(dividend, divisor), result)
      }
    }
  }
  return (_context, a, b) => apply(BigInt(a), BigInt(b))
}

function bindTemporal(
  operator: Operator,
  args: readonly LogicalType[],
  result: LogicalType,
): Scalar {
  const [a, b] = args as [LogicalType, LogicalType]
  if (operator === 'times') return bindIntervalProduct(result)
  if (!isTime(a) && isTime(b)) {
    const swapped = bindTemporal(operator, [b, a], result)
    return (context, x, y) => swapped(context, y, x)
  }
  const sign = operator === 'minus' ? -1 : 1
  if (!isTime(a)) {
    if (a.kind === 'INTERVAL_YEAR_MONTH') return (_context, x, y) => (x + sign * y) | 0
    return (_context, x, y) => x + sign * y
  }
  if (b.kind === 'INTERVAL_DAY_TIME') {
    // A DATE stays one: what is less than a day is lost.
    if (a.kind === 'DATE') return (_context, x, y) => (x + sign * Math.trunc(y / DAY_MS)) | 0
    return (_context, x, y) => x + sign * y
  }
  if (a.kind === 'DATE') return (_context, x, y) => addMonths(x, sign * y) | 0
  return (_context, x, y) => shiftMonths(x, sign * y)
}

/** `interval * number` and `number * interval`, whichever stands first; months stay 32-bit. */
function bindIntervalProduct(result: LogicalType): Scalar {
  const months = result.kind === 'INTERVAL_YEAR_MONTH'
  return (_context, x, y) => {
    const product = Number(x) * Number(y)
    return months ? product | 0 : product
  }
}

/** A timestamp moved by whole months, its time of day kept. */
export function shiftMonths(epochMs: number, months: number): number {
  const days = Math.floor(epochMs / DAY_MS)
  return addMonths(days, months) * DAY_MS + (epochMs - days * DAY_MS)
}

function bind(operator: Operator, args: readonly LogicalType[], result: LogicalType): Scalar {
  const [a, b] = args as [LogicalType, LogicalType]
  if (!isNumeric(a) || !isNumeric(b)) return bindTemporal(operator, args, result)
  if (result.kind === 'DECIMAL') return bindDecimal(operator, args, result)
  const common = promoteNumeric(a, b)
  const left = widen(a, common)
  const right = widen(b, common)
  const apply = operatorIn(common, operator)
  const narrow = narrowing(common, result)
  return (_context, x, y) => narrow(apply(left(x as never), right(y as never)) as never)
}

function operatorIn(type: LogicalType, operator: Operator) {
  const table = isSmallWhole(type)
    ? INT_OPERATORS
    : type.kind === 'BIGINT'
      ? BIGINT_OPERATORS
      : DOUBLE_OPERATORS
  return table[operator] as (x: unknown, y: unknown) => number | bigint
}

/** What an operation in `common` gives, as the result's type holds it. */
function narrowing(common: LogicalType, result: LogicalType): (value: never) => number | bigint {
  if (result.kind === 'FLOAT') return (value: number) => Math.fround(value)
  if (!isSmallWhole(result)) {
    return result.kind === 'BIGINT' && common.kind !== 'BIGINT'
      ? (value: number) => BigInt(value)
      : (value: number | bigint) => value
  }
  const wrap = wrapSmall(result)
  return (value: number | bigint) => wrap(Number(value))
}

function operatorSpec(name: Operator, infix: string): FunctionSpec {
  return {
    name,
    infix,
    nulls: 'strict',
    infer: (args) => infer(name, args),
    bind: (args, result) => bind(name, args, result),
  }
}

export const ARITHMETIC: readonly FunctionSpec[] = [
  operatorSpec('plus', '+'),
  operatorSpec('minus', '-'),
  operatorSpec('times', '*'),
  operatorSpec('divide', '/'),
  operatorSpec('mod', '%'),
  {
    name: 'negate',
    nulls: 'strict',
    infer: ([a, b]) =>
      b === undefined && a !== undefined && (isNumeric(a) || isInterval(a))
        ? bareType(a)
        : 'one number or interval',
    bind([type]) {
      switch (type!.kind) {
        case 'TINYINT':
        case 'SMALLINT':
        case 'INT': {
          const wrap = wrapSmall(type!)
          return (_context, x) => wrap(-x)
        }
        case 'INTERVAL_YEAR_MONTH':
          return (_context, x) => -x | 0
        case 'BIGINT':
          return (_context, x: bigint) => BigInt.asIntN(64, -x)
        default:
          return (_context, x) => -x
      }
    },
  },
]
