/**
 * Arithmetic, rounding and casts of numbers.
 *
 * Only operators whose result is exact for the drawn values, so that it does not depend on order:
 * divisors are powers of two, roots of squares, doubles multiples of a half.
 */
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  decimalText,
  doubleText,
  INT,
  rescale,
  type SqlKind,
  type SqlType,
  type SqlValue,
  STRING,
  scaleOf,
} from '../model/sql-type.ts'
import { type ArgumentSpec, always, infix, type OperatorSpec, prefix } from './operator-spec.ts'

const NUMBERS = ['INT', 'BIGINT', 'DOUBLE', 'DECIMAL'] as const
type NumberKind = (typeof NUMBERS)[number]
const SIMPLE: Readonly<Record<Exclude<NumberKind, 'DECIMAL'>, SqlType>> = { INT, BIGINT, DOUBLE }

const wrap32 = (value: number): number => Number(BigInt.asIntN(32, BigInt(value)))

/** The type of a sum, difference or product. */
function resultOf(kind: NumberKind, symbol: string): (types: readonly SqlType[]) => SqlType {
  if (kind !== 'DECIMAL') return always(SIMPLE[kind])
  return ([a, b]) => {
    const [x, y] = [scaleOf(a!), scaleOf(b!)]
    return { kind, precision: 18, scale: symbol === '*' ? x + y : Math.max(x, y) }
  }
}

function exactInteger(kind: NumberKind, value: number | bigint): SqlValue {
  if (kind === 'INT') return wrap32(Number(value))
  return kind === 'BIGINT' ? BigInt.asIntN(64, value as bigint) : value
}

function arithmetic(symbol: '+' | '-' | '*', kind: NumberKind): OperatorSpec {
  const arg: ArgumentSpec = symbol === '*' ? { leaf: kind } : kind
  return {
    name: `${symbol} ${kind}`,
    args: [arg, arg],
    result: resultOf(kind, symbol),
    sql: infix(symbol),
    apply: ([a, b]: (number | bigint)[], [typeA, typeB]) => {
      if (typeof a !== 'bigint' || typeof b !== 'bigint') {
        const [x, y] = [Number(a), Number(b)]
        return exactInteger(kind, symbol === '+' ? x + y : symbol === '-' ? x - y : x * y)
      }
      if (symbol === '*') return exactInteger(kind, a * b)
      const scale = Math.max(scaleOf(typeA!), scaleOf(typeB!))
      const [x, y] = [rescale(a, scaleOf(typeA!), scale), rescale(b, scaleOf(typeB!), scale)]
      return exactInteger(kind, symbol === '+' ? x + y : x - y)
    },
  }
}

const mixed: readonly OperatorSpec[] = [
  {
    name: '+ INT DOUBLE',
    args: ['INT', 'DOUBLE'],
    result: always(DOUBLE),
    sql: infix('+'),
    apply: ([a, b]: number[]) => a! + b!,
  },
  {
    name: '- BIGINT INT',
    args: ['BIGINT', 'INT'],
    result: always(BIGINT),
    sql: infix('-'),
    apply: ([a, b]: [bigint, number]) => BigInt.asIntN(64, a - BigInt(b)),
  },
  {
    name: '* DECIMAL INT',
    args: [{ leaf: 'DECIMAL' }, { leaf: 'INT' }],
    result: ([type]) => ({ kind: 'DECIMAL', precision: 18, scale: scaleOf(type!) }),
    sql: infix('*'),
    apply: ([a, b]: [bigint, number]) => a * BigInt(b),
  },
]

function divisions(): OperatorSpec[] {
  const divisors = (type: SqlType, of: readonly SqlValue[]) => ({ type, of })
  const small = [2, 3, 7, -4]
  const large = [2n, 5n, -3n, 1000n]
  return [
    {
      name: '/ INT',
      args: ['INT', divisors(INT, small)],
      result: always(INT),
      sql: infix('/'),
      apply: ([a, b]: number[]) => Math.trunc(a! / b!) + 0,
    },
    {
      name: '% INT',
      args: ['INT', divisors(INT, small)],
      result: always(INT),
      sql: infix('%'),
      apply: ([a, b]: number[]) => (a! % b!) + 0,
    },
    {
      name: 'MOD BIGINT',
      args: ['BIGINT', divisors(BIGINT, large)],
      result: always(BIGINT),
      sql: prefix('MOD'),
      apply: ([a, b]: bigint[]) => a! % b!,
    },
    {
      name: '/ BIGINT',
      args: ['BIGINT', divisors(BIGINT, large)],
      result: always(BIGINT),
      sql: infix('/'),
      apply: ([a, b]: bigint[]) => a! / b!,
    },
    {
      name: '/ DOUBLE',
      args: [{ leaf: 'DOUBLE' }, divisors(DOUBLE, [2, 4, -8])],
      result: always(DOUBLE),
      sql: infix('/'),
      apply: ([a, b]: number[]) => a! / b!,
    },
  ]
}

function sameKind(
  name: string,
  kind: NumberKind,
  sql: OperatorSpec['sql'],
  apply: (value: number | bigint, scale: number) => SqlValue,
): OperatorSpec {
  return {
    name: `${name} ${kind}`,
    args: [kind],
    result: ([type]) => type!,
    sql,
    apply: ([a]: (number | bigint)[], [type]) => apply(a!, scaleOf(type!)),
  }
}

const ofOneNumber = NUMBERS.flatMap((kind): OperatorSpec[] => [
  sameKind(
    'negate',
    kind,
    ([a]) => `(-${a})`,
    (a) => exactInteger(kind, kind === 'INT' ? -Number(a) : -a),
  ),
  sameKind('ABS', kind, prefix('ABS'), (a) =>
    exactInteger(kind, typeof a === 'number' ? Math.abs(a) : a < 0n ? -a : a),
  ),
  sameKind('SIGN', kind, prefix('SIGN'), (a, scale) => {
    if (typeof a === 'number') return Math.sign(a)
    return BigInt(a > 0n ? 1 : a < 0n ? -1 : 0) * 10n ** BigInt(scale)
  }),
])

/**
 * Rounding to a whole number: DECIMAL loses its scale, DOUBLE stays DOUBLE. FLOOR and CEIL of a
 * DOUBLE can be -0; ROUND and TRUNCATE, which go through a decimal number, cannot.
 */
function rounding(
  name: string,
  ofDouble: (value: number) => number,
  ofUnits: (value: bigint, unit: bigint) => bigint,
): OperatorSpec[] {
  return [
    {
      name: `${name} DOUBLE`,
      args: ['DOUBLE'],
      result: always(DOUBLE),
      sql: prefix(name),
      apply: ([a]: number[]) => ofDouble(a!),
    },
    {
      name: `${name} DECIMAL`,
      args: ['DECIMAL'],
      result: always({ kind: 'DECIMAL', precision: 18, scale: 0 }),
      sql: prefix(name),
      apply: ([a]: bigint[], [type]) => ofUnits(a!, 10n ** BigInt(scaleOf(type!))),
    },
  ]
}

const floorDivide = (value: bigint, unit: bigint): bigint => {
  const quotient = value / unit
  return value % unit < 0n ? quotient - 1n : quotient
}
const roundAway = (value: number): number =>
  (value < 0 ? -Math.floor(-value + 0.5) : Math.floor(value + 0.5)) + 0

const roundings: readonly OperatorSpec[] = [
  ...rounding('FLOOR', Math.floor, floorDivide),
  ...rounding('CEIL', Math.ceil, (value, unit) => -floorDivide(-value, unit)),
  ...rounding('ROUND', roundAway, (value, unit) => rescale(value, String(unit).length - 1, 0)),
  ...rounding(
    'TRUNCATE',
    (value) => Math.trunc(value) + 0,
    (value, unit) => value / unit,
  ),
  {
    name: 'ROUND DECIMAL digits',
    // Not 1: tenths are not exact as DOUBLE.
    args: ['DECIMAL', { type: INT, of: [0, 6] }],
    result: ([type]) => type!,
    sql: prefix('ROUND'),
    apply: ([a, digits]: [bigint, number], [type]) => {
      const scale = scaleOf(type!)
      return digits >= scale ? a : rescale(rescale(a, scale, digits), digits, scale)
    },
  },
]

const powers: readonly OperatorSpec[] = [
  {
    name: 'POWER',
    args: [{ leaf: 'DOUBLE' }, { type: DOUBLE, of: [2] }],
    result: always(DOUBLE),
    sql: prefix('POWER'),
    apply: ([a]: number[]) => a! * a!,
  },
  {
    name: 'SQRT',
    args: [{ leaf: 'DOUBLE' }],
    result: always(DOUBLE),
    sql: ([a]) => `SQRT(${a} * ${a})`,
    apply: ([a]: number[]) => Math.abs(a!),
  },
]

function cast(
  from: SqlKind | ArgumentSpec,
  to: SqlType,
  apply: (value: never, type: SqlType) => SqlValue,
): OperatorSpec {
  const source = typeof from === 'string' ? from : 'column' in from ? from.column : ''
  const target = to.kind === 'DECIMAL' ? `DECIMAL(${to.precision}, ${to.scale})` : to.kind
  return {
    name: `CAST ${source} AS ${target}`,
    args: [from],
    result: always(to),
    sql: ([a]) => `CAST(${a} AS ${target})`,
    apply: ([a]: never[], [type]) => apply(a!, type!),
  }
}

/** Two digits of a double's shortest text, rounded half away from zero. */
function decimalOf(value: number): bigint {
  const [whole, fraction = ''] = String(value).split('.') as [string, string?]
  return rescale(BigInt(`${whole}${fraction}`), fraction.length, 2)
}

const casts: readonly OperatorSpec[] = [
  cast('INT', BIGINT, (a: number) => BigInt(a)),
  cast('INT', DOUBLE, (a: number) => a),
  cast('INT', STRING, (a: number) => String(a)),
  cast('INT', BOOLEAN, (a: number) => a !== 0),
  cast({ column: 'BIGINT' }, INT, (a: bigint) => Number(BigInt.asIntN(32, a))),
  cast('BIGINT', STRING, (a: bigint) => String(a)),
  cast(
    'DOUBLE',
    INT,
    (a: number) => Math.trunc(Math.max(-2147483648, Math.min(2147483647, a))) + 0,
  ),
  cast({ column: 'DOUBLE' }, STRING, doubleText),
  cast({ column: 'DOUBLE' }, { kind: 'DECIMAL', precision: 16, scale: 2 }, decimalOf),
  cast('DECIMAL', DOUBLE, (a: bigint, type) => Number(decimalText(a, scaleOf(type)))),
  cast('DECIMAL', BIGINT, (a: bigint, type) => a / 10n ** BigInt(scaleOf(type))),
  cast('BOOLEAN', INT, (a: boolean) => (a ? 1 : 0)),
  cast('BOOLEAN', STRING, (a: boolean) => (a ? 'TRUE' : 'FALSE')),
  {
    name: 'TRY_CAST STRING AS INT',
    args: ['STRING'],
    result: always(INT),
    sql: ([a]) => `TRY_CAST(${a} AS INT)`,
    apply: ([a]: string[]) => {
      const match = /^\s*([+-]?\d{1,9})(?:\.\d*)?\s*$/.exec(a!)
      return match === null ? null : Number(match[1]) + 0
    },
  },
]

export const NUMBER_OPERATORS: readonly OperatorSpec[] = [
  ...(['+', '-', '*'] as const).flatMap((symbol) =>
    NUMBERS.map((kind) => arithmetic(symbol, kind)),
  ),
  ...mixed,
  ...divisions(),
  ...ofOneNumber,
  ...roundings,
  ...powers,
  ...casts,
]
