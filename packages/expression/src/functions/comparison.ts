/** Comparisons, IN, and the two- and three-valued logic. */
import type { LogicalType, Value } from '@millrace/core'
import { widen } from './convert-number.ts'
import { BOOLEAN, type FunctionSpec, isNumeric, isString, type Scalar } from './function-spec.ts'
import { commonType, promoteCompared } from './promote-types.ts'

/** Order of two texts by their UTF-8 bytes, which is by code points: −, 0 or +. */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    // Surrogates stand for code points above every other UTF-16 unit.
    const surrogateX = x >= 0xd800 && x <= 0xdfff
    const surrogateY = y >= 0xd800 && y <= 0xdfff
    if (surrogateX !== surrogateY) return surrogateX ? 1 : -1
    return x - y
  }
  return a.length - b.length
}

export type Comparison =
  | 'equals'
  | 'not_equals'
  | 'less'
  | 'less_equal'
  | 'greater'
  | 'greater_equal'

const COMPARISONS: Record<Comparison, (a: never, b: never) => boolean> = {
  equals: (a, b) => a === b,
  not_equals: (a, b) => a !== b,
  less: (a, b) => a < b,
  less_equal: (a, b) => a <= b,
  greater: (a, b) => a > b,
  greater_equal: (a, b) => a >= b,
}

/**
 * Whether values of the types can be compared without a cast (numbers are promoted); DATE and
 * TIMESTAMP only after one.
 */
export function comparable(a: LogicalType, b: LogicalType): boolean {
  return (isNumeric(a) && isNumeric(b)) || a.kind === b.kind
}

function bindComparison(name: Comparison, args: readonly LogicalType[]): Scalar {
  const [a, b] = args as [LogicalType, LogicalType]
  const compare = COMPARISONS[name]
  if (isString(a) && name !== 'equals' && name !== 'not_equals') {
    return (_context, x, y) => compare(compareTexts(x, y) as never, 0 as never)
  }
  if (!isNumeric(a) || (a.kind === b.kind && a.kind !== 'DECIMAL')) {
    return (_context, x, y) => compare(x as never, y as never)
  }
  const common = comparisonType(a, b)
  const left = widen(a, common)
  const right = widen(b, common)
  return (_context, x, y) => compare(left(x as never), right(y as never))
}

/** As promotion, but exact for DECIMAL: the larger scale without a cap on digits. */
export function comparisonType(a: LogicalType, b: LogicalType): LogicalType {
  const common = commonType([a, b], promoteCompared) as LogicalType
  if (common.kind !== 'DECIMAL') return common
  const scale = Math.max('scale' in a ? a.scale : 0, 'scale' in b ? b.scale : 0)
  return { ...common, scale }
}

function comparisonSpec(name: Comparison, infix: string): FunctionSpec {
  return {
    name,
    infix,
    nulls: 'strict',
    infer: ([a, b, more]) =>
      a !== undefined && b !== undefined && more === undefined && comparable(a, b)
        ? BOOLEAN
        : 'two values of the same type',
    bind: (args) => bindComparison(name, args),
  }
}

const booleans = (count: number | null) => (args: readonly LogicalType[]) =>
  args.every(({ kind }) => kind === 'BOOLEAN') &&
  (count === null ? args.length >= 2 : args.length === count)
    ? BOOLEAN
    : count === 1
      ? 'one BOOLEAN'
      : 'two or more BOOLEANs'

function testSpec(name: string, holds: (value: Value) => boolean): FunctionSpec {
  const anyType = name === 'is_null' || name === 'is_not_null'
  return {
    name,
    nulls: 'never',
    infer: (args) => (anyType ? (args.length === 1 ? BOOLEAN : 'one value') : booleans(1)(args)),
    bind: () => (_context, value: Value) => holds(value),
  }
}

/** `=` and `<>` for which NULL is a value like others. */
function distinctSpec(name: string, infix: string, whenEqual: boolean): FunctionSpec {
  return {
    name,
    infix,
    nulls: 'never',
    infer: comparisonSpec('equals', infix).infer,
    bind(args) {
      const equals = bindComparison('equals', args)
      return (context, a: Value, b: Value) => {
        const same = a === null || b === null ? a === b : equals(context, a, b) === true
        return same === whenEqual
      }
    },
  }
}

/** `x IN (a, b, …)`: TRUE when one equals, else NULL when one is NULL or x is, else FALSE. */
function bindIn(args: readonly LogicalType[]): Scalar {
  const equals = args.slice(1).map((type) => bindComparison('equals', [args[0]!, type]))
  return (context, value: Value, ...list: Value[]) => {
    if (value === null) return null
    let result: boolean | null = false
    for (let i = 0; i < list.length; i++) {
      const item = list[i] as Value
      if (item === null) result = null
      else if (equals[i]!(context, value, item) === true) return true
    }
    return result
  }
}

export const COMPARISON: readonly FunctionSpec[] = [
  comparisonSpec('equals', '='),
  comparisonSpec('not_equals', '<>'),
  comparisonSpec('less', '<'),
  comparisonSpec('less_equal', '<='),
  comparisonSpec('greater', '>'),
  comparisonSpec('greater_equal', '>='),
  distinctSpec('is_distinct_from', 'IS DISTINCT FROM', false),
  distinctSpec('is_not_distinct_from', 'IS NOT DISTINCT FROM', true),
  {
    name: 'in',
    nulls: 'handled',
    infer: ([value, ...list]) =>
      value !== undefined && list.length > 0 && list.every((type) => comparable(value, type))
        ? BOOLEAN
        : 'a value and a list of values of its type',
    bind: bindIn,
  },
  {
    name: 'and',
    infix: 'AND',
    nulls: 'handled',
    infer: booleans(null),
    bind:
      () =>
      (_context, ...values: Value[]) =>
        values.includes(false) ? false : values.includes(null) ? null : true,
  },
  {
    name: 'or',
    infix: 'OR',
    nulls: 'handled',
    infer: booleans(null),
    bind:
      () =>
      (_context, ...values: Value[]) =>
        values.includes(true) ? true : values.includes(null) ? null : false,
  },
  {
    name: 'not',
    nulls: 'strict',
    infer: booleans(1),
    bind: () => (_context, value: boolean) => !value,
  },
  testSpec('is_null', (value) => value === null),
  testSpec('is_not_null', (value) => value !== null),
  testSpec('is_true', (value) => value === true),
  testSpec('is_not_true', (value) => value !== true),
  testSpec('is_false', (value) => value === false),
  testSpec('is_not_false', (value) => value !== false),
  testSpec('is_unknown', (value) => value === null),
  testSpec('is_not_unknown', (value) => value !== null),
]
