/**
 * Comparisons, three-valued logic, IN, BETWEEN, LIKE's neighbours CASE, COALESCE, NULLIF, IF,
 * GREATEST, LEAST.
 */
import {
  BIGINT,
  BOOLEAN,
  DATE,
  INT,
  rescale,
  type SqlKind,
  type SqlType,
  type SqlValue,
  STRING,
  scaleOf,
} from '../model/sql-type.ts'
import { type ArgumentSpec, always, infix, type OperatorSpec, prefix } from './operator-spec.ts'

/** −, 0 or +. Texts by code points, decimals at the larger scale. */
export function compareValues(a: SqlValue, b: SqlValue, typeA: SqlType, typeB: SqlType): number {
  if (typeof a === 'string' && typeof b === 'string') {
    const [x, y] = [[...a], [...b]]
    for (let i = 0; i < Math.min(x.length, y.length); i++) {
      const difference = (x[i] as string).codePointAt(0)! - (y[i] as string).codePointAt(0)!
      if (difference !== 0) return difference
    }
    return x.length - y.length
  }
  const scale = Math.max(scaleOf(typeA), scaleOf(typeB))
  const x = typeof a === 'bigint' ? rescale(a, scaleOf(typeA), scale) : Number(a)
  const y = typeof b === 'bigint' ? rescale(b, scaleOf(typeB), scale) : Number(b)
  return x < y ? -1 : x > y ? 1 : 0
}

const COMPARISONS: readonly [string, (order: number) => boolean][] = [
  ['=', (order) => order === 0],
  ['<>', (order) => order !== 0],
  ['<', (order) => order < 0],
  ['<=', (order) => order <= 0],
  ['>', (order) => order > 0],
  ['>=', (order) => order >= 0],
]
const COMPARED: readonly SqlKind[] = [
  'STRING',
  'INT',
  'BIGINT',
  'DOUBLE',
  'DECIMAL',
  'DATE',
  'TIMESTAMP',
]

const comparisons = COMPARISONS.flatMap(([symbol, holds]) =>
  COMPARED.map(
    (kind): OperatorSpec => ({
      name: `${symbol} ${kind}`,
      args: [kind, kind],
      result: always(BOOLEAN),
      sql: infix(symbol),
      apply: ([a, b]: SqlValue[], [typeA, typeB]) => holds(compareValues(a!, b!, typeA!, typeB!)),
    }),
  ),
)

type Truth = boolean | null
const and = (a: Truth, b: Truth): Truth =>
  a === false || b === false ? false : a === null || b === null ? null : true
const not = (a: Truth): Truth => (a === null ? null : !a)

function logic(
  name: string,
  arity: number,
  sql: OperatorSpec['sql'],
  apply: (...values: Truth[]) => Truth,
): OperatorSpec {
  return {
    name,
    args: Array.from({ length: arity }, () => 'BOOLEAN' as const),
    result: always(BOOLEAN),
    sql,
    nulls: 'handled',
    apply: (values: Truth[]) => apply(...values),
  }
}

const test = (text: string, holds: (value: Truth) => boolean): OperatorSpec =>
  logic(
    `IS ${text}`,
    1,
    ([a]) => `(${a} IS ${text})`,
    (value) => holds(value!),
  )

const nullTests = (['STRING', 'INT', 'DOUBLE', 'DECIMAL', 'TIMESTAMP'] as const).flatMap(
  (kind): OperatorSpec[] => {
    const common = { args: [kind], result: always(BOOLEAN), nulls: 'handled' } as const
    return [
      {
        ...common,
        name: `IS NULL ${kind}`,
        sql: ([a]) => `(${a} IS NULL)`,
        apply: ([a]: SqlValue[]) => a === null,
      },
      {
        ...common,
        name: `IS NOT NULL ${kind}`,
        sql: ([a]) => `(${a} IS NOT NULL)`,
        apply: ([a]: SqlValue[]) => a !== null,
      },
    ]
  },
)

function between(kind: SqlKind, negated: boolean): OperatorSpec {
  const word = negated ? 'NOT BETWEEN' : 'BETWEEN'
  return {
    name: `${word} ${kind}`,
    args: [kind, { leaf: kind }, { leaf: kind }],
    result: always(BOOLEAN),
    sql: ([a, low, high]) => `(${a} ${word} ${low} AND ${high})`,
    nulls: 'handled',
    apply: ([a, low, high]: SqlValue[], [type, typeLow, typeHigh]) => {
      const from = a === null || low === null ? null : compareValues(a!, low!, type!, typeLow!) >= 0
      const to =
        a === null || high === null ? null : compareValues(a!, high!, type!, typeHigh!) <= 0
      return negated ? not(and(from, to)) : and(from, to)
    },
  }
}

function inList(type: SqlType, items: readonly SqlValue[], negated: boolean): OperatorSpec {
  const word = negated ? 'NOT IN' : 'IN'
  const item = { type, of: items }
  return {
    name: `${word} ${type.kind}`,
    args: [type.kind, item, item, item],
    result: always(BOOLEAN),
    sql: ([a, ...list]) => `(${a} ${word} (${list.join(', ')}))`,
    nulls: 'handled',
    apply: ([a, ...list]: SqlValue[]) => {
      if (a === null) return null
      const found = list.includes(a!) ? true : list.includes(null) ? null : false
      return negated ? not(found) : found
    },
  }
}

function choosing(
  name: string,
  kind: SqlKind,
  args: readonly ArgumentSpec[],
  sql: OperatorSpec['sql'],
  apply: (values: SqlValue[], types: readonly SqlType[]) => SqlValue,
  nulls: 'handled' | 'strict' = 'handled',
): OperatorSpec {
  const widest = (types: readonly SqlType[]) =>
    types.filter((type) => type.kind === kind).reduce((a, b) => (scaleOf(b) > scaleOf(a) ? b : a))
  return {
    name: `${name} ${kind}`,
    args,
    result: widest,
    sql,
    ...(nulls === 'handled' ? { nulls } : {}),
    apply: (values: SqlValue[], types, result) => {
      // Every candidate is brought to the result's scale, as CASE casts its branches.
      const scaled = values.map((value, i) =>
        typeof value === 'bigint' && types[i]!.kind === 'DECIMAL'
          ? rescale(value, scaleOf(types[i]!), scaleOf(result))
          : value,
      )
      return apply(
        scaled,
        types.map((type) => (type.kind === 'DECIMAL' ? result : type)),
      )
    },
  }
}

const CHOSEN = ['STRING', 'INT', 'DOUBLE', 'DECIMAL', 'TIMESTAMP'] as const
const choices = CHOSEN.flatMap((kind): OperatorSpec[] => [
  choosing(
    'CASE',
    kind,
    ['BOOLEAN', kind, 'BOOLEAN', kind, kind],
    ([c, a, d, b, e]) => `(CASE WHEN ${c} THEN ${a} WHEN ${d} THEN ${b} ELSE ${e} END)`,
    ([c, a, d, b, e]) => (c === true ? a! : d === true ? b! : e!),
  ),
  choosing(
    'CASE without ELSE',
    kind,
    ['BOOLEAN', kind],
    ([c, a]) => `(CASE WHEN ${c} THEN ${a} END)`,
    ([c, a]) => (c === true ? a! : null),
  ),
  choosing('IF', kind, ['BOOLEAN', kind, kind], prefix('IF'), ([c, a, b]) =>
    c === true ? a! : b!,
  ),
  choosing(
    'COALESCE',
    kind,
    [kind, kind, { leaf: kind }],
    prefix('COALESCE'),
    (values) => values.find((value) => value !== null) ?? null,
  ),
  choosing('NULLIF', kind, [{ leaf: kind }, { leaf: kind }], prefix('NULLIF'), ([a, b], types) => {
    const equal = a !== null && b !== null && compareValues(a!, b!, types[0]!, types[1]!) === 0
    return equal ? null : a!
  }),
  ...(['GREATEST', 'LEAST'] as const).map((name) =>
    choosing(
      name,
      kind,
      [kind, kind],
      prefix(name),
      ([a, b], [typeA, typeB]) => {
        const order = compareValues(a!, b!, typeA!, typeB!)
        return (name === 'GREATEST' ? order >= 0 : order <= 0) ? a! : b!
      },
      'strict',
    ),
  ),
])

export const LOGIC_OPERATORS: readonly OperatorSpec[] = [
  ...comparisons,
  logic('AND', 2, infix('AND'), (a, b) => and(a!, b!)),
  logic('OR', 2, infix('OR'), (a, b) => not(and(not(a!), not(b!)))),
  logic(
    'NOT',
    1,
    ([a]) => `(NOT ${a})`,
    (a) => not(a!),
  ),
  test('TRUE', (value) => value === true),
  test('NOT TRUE', (value) => value !== true),
  test('FALSE', (value) => value === false),
  test('NOT FALSE', (value) => value !== false),
  test('UNKNOWN', (value) => value === null),
  test('NOT UNKNOWN', (value) => value !== null),
  ...nullTests,
  ...choices,
  between('INT', false),
  between('DOUBLE', false),
  between('DECIMAL', false),
  between('TIMESTAMP', false),
  between('STRING', true),
  between('BIGINT', true),
  inList(STRING, ['alpha', 'beta', 'Zoë', '', 'a_b%c', null], false),
  inList(INT, [-3, 0, 1, 2, 7, null], false),
  inList(BIGINT, [-1n, 0n, 5n, 4_000_000_000n], false),
  inList(DATE, [20_780, 20_781, 20_785], false),
  inList(STRING, ['alpha', 'gamma', 'delta'], true),
  inList(INT, [0, 1, 2, 3], true),
  {
    name: 'CASE operand',
    args: ['STRING', { type: STRING, of: ['alpha', 'beta'] }, 'INT', 'INT'],
    result: always(INT),
    sql: ([a, w, b, c]) => `(CASE ${a} WHEN ${w} THEN ${b} ELSE ${c} END)`,
    nulls: 'handled',
    apply: ([a, w, b, c]: SqlValue[]) => (a !== null && a === w ? b! : c!),
  },
]
