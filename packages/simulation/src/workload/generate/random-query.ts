/**
 * Random jobs over the tables: one of a few shapes, each with drawn expressions, keys, windows
 * and aggregates.
 *
 * The main job of the project is a shape and comes often. Rowtime columns are carried through
 * projections by name, so that a window can stand on them.
 */
import type { SeededRandom } from '../../world/seeded-random.ts'
import {
  call,
  column,
  type Expression,
  expressionText,
  type Item,
  literal,
} from '../model/expression.ts'
import {
  type Aggregate,
  type AggregateName,
  type Column,
  type GroupQuery,
  type Placement,
  type Query,
  queryColumns,
  type SelectQuery,
  type SourceTable,
  typeOfAggregate,
  type UnionQuery,
  type Window,
  type WindowQuery,
} from '../model/query.ts'
import { BIGINT, type SqlKind } from '../model/sql-type.ts'
import {
  anyCall,
  columnOfKind,
  type ExpressionSource,
  randomCondition,
  randomExpression,
} from './random-expression.ts'

export const SHAPES = [
  'main-job',
  'window',
  'projection',
  'window-over-select',
  'select-over-window',
  'window-over-union',
  'window-over-window',
  'union',
  'distinct',
  'group',
  'group-over-window',
] as const
/** Shapes that came later, drawn apart from the others. */
export const LATER_SHAPES = ['group-over-group', 'select-over-group', 'union-distinct'] as const
/** As those, from a stream of its own again. */
export const EXTREMES_SHAPE = 'group-over-counts'
export type Shape = (typeof SHAPES)[number] | (typeof LATER_SHAPES)[number] | typeof EXTREMES_SHAPE

/** Shapes whose results change after they came out. */
export function isChanging(shape: string): boolean {
  return shape === 'group' || shape.startsWith('group-over') || shape === 'select-over-group'
}

/**
 * Kinds of select items; keys and DISTINCT leave out DOUBLE, whose −0 and NaN are
 * groups of their own.
 */
const ITEM_KINDS: readonly SqlKind[] = [
  'STRING',
  'STRING',
  'BOOLEAN',
  'BOOLEAN',
  'INT',
  'BIGINT',
  'DOUBLE',
  'DECIMAL',
  'BOOLEAN',
  'DATE',
  'TIMESTAMP',
]
const KEY_KINDS: readonly SqlKind[] = ['STRING', 'INT', 'BIGINT', 'DATE', 'BOOLEAN', 'DECIMAL']
const EXPRESSION_DEPTH = 3

export interface QuerySource {
  readonly random: SeededRandom
  readonly tables: readonly SourceTable[]
}

export function randomQuery(source: QuerySource, shape: Shape): Query {
  const { random, tables } = source
  const [table] = tables as [SourceTable]
  const scan: Query = { kind: 'scan', table: table.name }
  switch (shape) {
    case 'main-job':
      return mainJobQuery(random)
    case 'window':
      return randomWindow(source, scan, table.rowtime)
    case 'projection':
      return randomSelect(source, scan, null)
    case 'window-over-select':
      return randomWindow(source, randomSelect(source, scan, table.rowtime), table.rowtime)
    case 'select-over-window':
      return randomSelect(source, randomWindow(source, scan, table.rowtime), null)
    case 'window-over-union':
      return randomWindow(source, randomUnion(source, table.rowtime), table.rowtime)
    case 'window-over-window': {
      const inner = randomWindow(source, scan, table.rowtime)
      const below = withoutWindowNames(source, { ...inner, windowTime: 'w_time' })
      return widerWindow(randomWindow(source, below, 'w_time'), inner.window)
    }
    case 'union':
      return randomUnion(source, null)
    case 'union-distinct':
      return { ...randomUnion(source, null, KEY_KINDS), distinct: true }
    case 'distinct':
      return { ...randomSelect(source, scan, null, KEY_KINDS), distinct: true }
    case 'group':
      return randomGroup(source, random.chance(0.5) ? scan : randomSelect(source, scan, null))
    case 'group-over-window':
      return randomGroup(source, randomWindow(source, scan, table.rowtime))
    case 'group-over-group':
      return randomGroup(source, randomGroup(source, scan))
    case 'group-over-counts':
      return extremesOfCounts(source, scan)
    case 'select-over-group': {
      const group = randomGroup(source, scan)
      const select = randomSelect(source, group, null)
      return { ...select, items: [...keyItems(group), ...select.items] }
    }
  }
}

export function mainJobQuery(random: SeededRandom): WindowQuery {
  const double = (name: string) => column(name, { kind: 'DOUBLE' })
  const aggregate = (name: string, fn: AggregateName, argument: Expression | null): Aggregate => {
    return { name, function: fn, distinct: false, argument, filter: null }
  }
  return {
    kind: 'window',
    input: { kind: 'scan', table: 'sensor_readings' },
    form: random.chance(0.7) ? 'table-function' : 'group-function',
    window: { kind: 'tumble', sizeMs: 60_000, slideMs: 60_000, offsetMs: 0 },
    timeColumn: 'event_time',
    where: null,
    keys: [{ name: 'sensor_id', expression: column('sensor_id', { kind: 'STRING' }) }],
    aggregates: [
      aggregate('avg_temperature', 'AVG', double('temperature')),
      aggregate('max_temperature', 'MAX', double('temperature')),
      aggregate('min_temperature', 'MIN', double('temperature')),
      aggregate('avg_humidity', 'AVG', double('humidity')),
      aggregate('reading_count', 'COUNT', null),
    ],
    having: null,
    windowTime: null,
  }
}

/**
 * The columns that expressions may read. Averages are no multiples of anything: what is computed
 * from them would depend on the order.
 */
function expressionSource(source: QuerySource, input: Query): ExpressionSource {
  const inexact = new Set(inexactColumns(input))
  return {
    random: source.random,
    columns: queryColumns(input, source.tables).filter(({ name }) => !inexact.has(name)),
    noDecimalProducts: input.kind !== 'scan',
  }
}

function inexactColumns(query: Query): string[] {
  if (query.kind !== 'window' && query.kind !== 'group') return []
  return query.aggregates.filter(isInexact).map(({ name }) => name)
}

function isInexact(aggregate: Aggregate): boolean {
  const { kind } = typeOfAggregate(aggregate)
  return aggregate.function === 'AVG' && (kind === 'DOUBLE' || kind === 'DECIMAL')
}

function randomPlacement(random: SeededRandom): Placement {
  return random.pick(['subquery', 'view', 'with'])
}

/** A projection with a filter; `carried` is kept under its name, so that it stays a rowtime. */
function randomSelect(
  source: QuerySource,
  input: Query,
  carried: string | null,
  kinds: readonly SqlKind[] = ITEM_KINDS,
): SelectQuery {
  const { random } = source
  const from = expressionSource(source, input)
  const items: Item[] = []
  const count = random.between(4, 12)
  for (let i = 0; i < count; i++) {
    // By kind, or any operator at all: the kinds that have many would starve else.
    const expression = random.chance(0.5)
      ? randomExpression(from, random.pick(kinds), EXPRESSION_DEPTH)
      : anyCall(from, kinds, EXPRESSION_DEPTH)
    items.push({ name: `c${i}`, expression })
  }
  if (input.kind === 'window' || input.kind === 'group') {
    for (const aggregate of input.aggregates.filter(isInexact)) {
      const { name } = aggregate
      items.push({ name, expression: column(name, typeOfAggregate(aggregate)) })
    }
  }
  if (carried !== null) {
    const found = from.columns.find(({ name }) => name === carried) as Column
    items.push({ name: carried, expression: column(carried, found.type) })
  }
  return {
    kind: 'select',
    input,
    where: random.chance(0.6) ? randomCondition(from) : null,
    items,
    distinct: false,
    placement: randomPlacement(random),
  }
}

/** Two selects of the same kinds, over two tables when there are two. */
function randomUnion(
  source: QuerySource,
  carried: string | null,
  choice: readonly SqlKind[] = ITEM_KINDS,
): UnionQuery {
  const { random, tables } = source
  const kinds = Array.from({ length: random.between(2, 5) }, () => random.pick(choice))
  const inputs = [0, 1].map((n): SelectQuery => {
    const table = tables[n % tables.length] as SourceTable
    const input: Query = { kind: 'scan', table: table.name }
    const from = expressionSource(source, input)
    const items = kinds.map((kind, i): Item => {
      return { name: `c${i}`, expression: randomExpression(from, kind, 2) }
    })
    if (carried !== null) {
      items.push({ name: carried, expression: column(carried, { kind: 'TIMESTAMP' }) })
    }
    const where = random.chance(0.5) ? randomCondition(from) : null
    return { kind: 'select', input, where, items, distinct: false, placement: 'subquery' }
  })
  // Every branch has the columns' types of the first: decimals of one scale.
  const [first, second] = inputs as [SelectQuery, SelectQuery]
  const aligned = second.items.map((item, i) => {
    const wanted = first.items[i]!.expression
    return wanted.type.kind === 'DECIMAL' ? { ...item, expression: wanted } : item
  })
  return { kind: 'union', distinct: false, inputs: [first, { ...second, items: aligned }] }
}

const SIZES_MS = [5000, 10_000, 30_000, 60_000]

function randomWindowOf(random: SeededRandom): Window {
  const sizeMs = random.pick(SIZES_MS)
  if (random.chance(0.55)) {
    const offsetMs = random.chance(0.15) ? random.pick([1000, -2000, 500]) : 0
    return { kind: 'tumble', sizeMs, slideMs: sizeMs, offsetMs }
  }
  return { kind: 'hop', sizeMs, slideMs: sizeMs / random.pick([2, 5]), offsetMs: 0 }
}

export function randomWindow(source: QuerySource, input: Query, timeColumn: string): WindowQuery {
  const { random } = source
  const from = expressionSource(source, input)
  const window = randomWindowOf(random)
  const keys = randomKeys(from, random.chance(0.1) ? 0 : random.between(1, 2))
  const aggregates = randomAggregates(from, random.between(1, 4))
  return {
    kind: 'window',
    input,
    // The offset is an argument of the table function alone.
    form: window.offsetMs !== 0 || random.chance(0.6) ? 'table-function' : 'group-function',
    window,
    timeColumn,
    where: random.chance(0.4) ? randomCondition(from) : null,
    keys,
    aggregates,
    having: random.chance(0.25) ? randomHaving(random, keys, aggregates) : null,
    windowTime: null,
  }
}

/** Every column of a window but its bounds, whose names the window above adds itself. */
function withoutWindowNames({ random, tables }: QuerySource, input: WindowQuery): SelectQuery {
  const inexact = inexactColumns(input)
  const columns = queryColumns(input, tables).filter(({ name }) => !inexact.includes(name))
  const items = columns.map(({ name, type }): Item => {
    const renamed = name === 'window_start' ? 'w_start' : name === 'window_end' ? 'w_end' : name
    return { name: renamed, expression: column(name, type) }
  })
  const placement = randomPlacement(random)
  return { kind: 'select', input, where: null, items, distinct: false, placement }
}

/** A window over window results whose size is a multiple of theirs. */
function widerWindow(query: WindowQuery, inner: Window): WindowQuery {
  const sizeMs = Math.max(query.window.sizeMs, inner.sizeMs) * 2
  return { ...query, window: { kind: 'tumble', sizeMs, slideMs: sizeMs, offsetMs: 0 } }
}

function randomGroup(source: QuerySource, input: Query): GroupQuery {
  const { random } = source
  const from = expressionSource(source, input)
  const keys = randomKeys(from, random.between(1, 2))
  const aggregates = randomAggregates(from, random.between(1, 4))
  return {
    kind: 'group',
    input,
    where: random.chance(0.4) ? randomCondition(from) : null,
    keys,
    aggregates,
    having: random.chance(0.25) ? randomHaving(random, keys, aggregates) : null,
  }
}

/**
 * Smallest and largest of results that change: each value is taken back when the next one comes,
 * and of counts nearly each is an extreme at some time.
 */
function extremesOfCounts(source: QuerySource, scan: Query): GroupQuery {
  const { random } = source
  const from = expressionSource(source, scan)
  const count: Aggregate = { ...COUNT_ROWS, name: 'a0' }
  const counts: GroupQuery = {
    kind: 'group',
    input: scan,
    where: random.chance(0.3) ? randomCondition(from) : null,
    keys: randomKeys(from, 2),
    aggregates: [count, ...randomAggregates(from, random.between(1, 2)).map(renamed)],
    having: null,
  }
  const above = expressionSource(source, counts)
  const keys = keyItems(counts).slice(0, random.between(0, 1))
  const extreme = (name: string, fn: AggregateName): Aggregate => {
    const of = random.chance(0.4) ? count : random.pick(counts.aggregates.filter(isOrdered))
    const argument = column(of.name, typeOfAggregate(of))
    return { name, function: fn, distinct: false, argument, filter: null }
  }
  const more = randomAggregates(above, 1).map((each) => ({ ...each, name: 'a2' }))
  return {
    kind: 'group',
    input: counts,
    where: null,
    keys,
    aggregates: [extreme('a0', 'MIN'), extreme('a1', 'MAX'), ...more],
    having: null,
  }
}

const renamed = (aggregate: Aggregate, n: number): Aggregate => ({
  ...aggregate,
  name: `a${n + 1}`,
})

const isOrdered = (aggregate: Aggregate): boolean =>
  ORDERED.includes(typeOfAggregate(aggregate).kind)

const COUNT_ROWS: Omit<Aggregate, 'name'> = {
  function: 'COUNT',
  distinct: false,
  argument: null,
  filter: null,
}

/** The keys as they are, which tell the rows of a changelog apart. */
function keyItems(group: GroupQuery): Item[] {
  return group.keys.map(({ name, expression }) => {
    return { name, expression: column(name, expression.type) }
  })
}

/** Mostly columns, named as they are; now and then a computed key. */
function randomKeys(from: ExpressionSource, count: number): Item[] {
  const { random, columns } = from
  const keys: Item[] = []
  for (let i = 0; i < count; i++) {
    const kind = random.pick(['STRING', 'STRING', 'INT', 'DATE', 'BOOLEAN', 'DECIMAL'] as const)
    const grouping = columns.find(({ name }) => name === 'grp')
    const plain =
      i === 0 && grouping !== undefined && random.chance(0.7)
        ? column(grouping.name, grouping.type)
        : columnOfKind(from, kind)
    const computed = plain === null || random.chance(0.2)
    const expression = computed ? randomExpression(from, kind, 2) : plain
    // A constant key is none, `(-3)` would name a column by its number; a key twice is one.
    if (expression.kind === 'literal' || isNumberText(expression)) continue
    if (
      keys.some(
        (key) =>
          JSON.stringify(key, bigintText) === JSON.stringify({ ...key, expression }, bigintText),
      )
    )
      continue
    keys.push({ name: `k${i}`, expression })
  }
  return keys
}

function isNumberText(expression: Expression): boolean {
  return /^[-(]+[\d.]+\)*$/.test(expressionText(expression))
}

function bigintText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}

const AGGREGATES: readonly AggregateName[] = ['COUNT', 'SUM', 'AVG', 'MIN', 'MAX']
const ORDERED: readonly SqlKind[] = [
  'INT',
  'BIGINT',
  'DOUBLE',
  'DECIMAL',
  'STRING',
  'TIMESTAMP',
  'DATE',
]
const SUMMED: readonly SqlKind[] = ['INT', 'BIGINT', 'DOUBLE', 'DECIMAL']

function randomAggregates(from: ExpressionSource, count: number): Aggregate[] {
  return Array.from({ length: count }, (_, i) => randomAggregate(from, `a${i}`))
}

function randomAggregate(from: ExpressionSource, name: string): Aggregate {
  const { random } = from
  const fn = random.pick(AGGREGATES)
  const filter = random.chance(0.2) ? randomCondition(from) : null
  if (fn === 'COUNT' && random.chance(0.5)) {
    return { name, function: fn, distinct: false, argument: null, filter }
  }
  const kinds = fn === 'COUNT' ? KEY_KINDS : fn === 'SUM' || fn === 'AVG' ? SUMMED : ORDERED
  const kind = random.pick(kinds)
  const argument = random.chance(0.3)
    ? randomExpression(from, kind, 2)
    : (columnOfKind(from, kind) ?? randomExpression(from, kind, 1))
  // DISTINCT over DOUBLE would count −0 and 0 apart.
  const distinct = kind !== 'DOUBLE' && random.chance(fn === 'COUNT' ? 0.5 : 0.2)
  return { name, function: fn, distinct, argument, filter }
}

/** A threshold on a count, or a test of an aggregate for NULL. */
function randomHaving(
  random: SeededRandom,
  keys: readonly Item[],
  aggregates: readonly Aggregate[],
): Expression | null {
  const counted = aggregates.find((aggregate) => aggregate.function === 'COUNT')
  if (counted !== undefined) {
    return call(
      '> BIGINT',
      column(counted.name, BIGINT),
      literal(BigInt(random.between(0, 3)), BIGINT),
    )
  }
  const tested = aggregates.find((aggregate) => {
    return ['STRING', 'INT', 'DOUBLE', 'DECIMAL'].includes(typeOfAggregate(aggregate).kind)
  })
  if (tested !== undefined) {
    const type = typeOfAggregate(tested)
    return call(`IS NOT NULL ${type.kind}`, column(tested.name, type))
  }
  const text = keys.find(({ expression }) => expression.type.kind === 'STRING')
  if (text === undefined) return null
  return call('IS NOT NULL STRING', column(text.name, text.expression.type))
}
