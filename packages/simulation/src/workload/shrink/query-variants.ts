/**
 * Smaller variants of a query: a clause less, a column less, a simpler expression; one change each.
 *
 * A variant may be broken (a column that something above still reads); `isWholeQuery` tells.
 */
import { columnsOf, type Expression, type Item } from '../model/expression.ts'
import {
  type Aggregate,
  expressionsOf,
  type GroupQuery,
  inputsOf,
  type Query,
  queryColumns,
  type SelectQuery,
  type SourceTable,
  type WindowQuery,
  withInput,
} from '../model/query.ts'

/** `kept`: names of aggregates that stay. */
export function* queryVariants(query: Query, kept: readonly string[]): Generator<Query> {
  yield* ownVariants(query, kept)
  for (const [place, input] of inputsOf(query).entries()) {
    for (const smaller of queryVariants(input, kept)) {
      const changed = withInput(query, place, smaller)
      if (changed !== null) yield changed
    }
  }
}

function* ownVariants(query: Query, kept: readonly string[]): Generator<Query> {
  switch (query.kind) {
    case 'select':
      yield* selectVariants(query)
      return
    case 'window':
      yield* windowVariants(query)
      yield* groupingVariants(query, kept)
      return
    case 'group':
      yield* groupingVariants(query, kept)
      return
    // Any other kind goes as a whole: an input in its place.
    default:
      yield* inputsOf(query)
  }
}

function* selectVariants(query: SelectQuery): Generator<SelectQuery> {
  if (query.where !== null) yield { ...query, where: null }
  if (query.placement !== 'subquery') yield { ...query, placement: 'subquery' }
  if (query.items.length > 1) {
    for (const i of query.items.keys()) yield { ...query, items: query.items.toSpliced(i, 1) }
  }
  for (const items of itemVariants(query.items)) yield { ...query, items }
  if (query.where === null) return
  for (const where of simpler(query.where)) yield { ...query, where }
}

function* windowVariants(query: WindowQuery): Generator<WindowQuery> {
  const { window, form } = query
  if (window.kind === 'hop') {
    yield { ...query, window: { ...window, kind: 'tumble', slideMs: window.sizeMs } }
  }
  if (window.offsetMs !== 0) yield { ...query, window: { ...window, offsetMs: 0 } }
  if (form === 'group-function') yield { ...query, form: 'table-function' }
}

function* groupingVariants<Q extends WindowQuery | GroupQuery>(
  query: Q,
  kept: readonly string[],
): Generator<Q> {
  const { keys, aggregates } = query
  if (query.where !== null) yield { ...query, where: null }
  if (query.having !== null) yield { ...query, having: null }
  // Without a key a group of no rows would be a row.
  if (keys.length > (query.kind === 'group' ? 1 : 0)) {
    for (const i of keys.keys()) yield { ...query, keys: keys.toSpliced(i, 1) }
  }
  if (aggregates.length > 1) {
    for (const [i, { name }] of aggregates.entries()) {
      if (!kept.includes(name)) yield { ...query, aggregates: aggregates.toSpliced(i, 1) }
    }
  }
  for (const simplerKeys of itemVariants(keys)) yield { ...query, keys: simplerKeys }
  for (const [i, aggregate] of aggregates.entries()) {
    for (const smaller of aggregateVariants(aggregate)) {
      yield { ...query, aggregates: aggregates.with(i, smaller) }
    }
  }
  if (query.where === null) return
  for (const where of simpler(query.where)) yield { ...query, where }
}

function* aggregateVariants(aggregate: Aggregate): Generator<Aggregate> {
  const { argument, filter, distinct } = aggregate
  if (filter !== null) yield { ...aggregate, filter: null }
  if (distinct) yield { ...aggregate, distinct: false }
  if (argument === null) return
  for (const smaller of simpler(argument)) yield { ...aggregate, argument: smaller }
}

function* itemVariants(items: readonly Item[]): Generator<readonly Item[]> {
  for (const [i, item] of items.entries()) {
    for (const expression of simpler(item.expression)) yield items.with(i, { ...item, expression })
  }
}

/**
 * Parts of the expression that have its very type, and the expression with one argument simpler.
 */
function* simpler(expression: Expression): Generator<Expression> {
  if (expression.kind !== 'call') return
  for (const arg of expression.args) {
    if (JSON.stringify(arg.type) === JSON.stringify(expression.type)) yield arg
  }
  for (const [i, arg] of expression.args.entries()) {
    for (const smaller of simpler(arg)) {
      yield { ...expression, args: expression.args.with(i, smaller) }
    }
  }
}

/** Whether every column that the query reads is there. */
export function isWholeQuery(query: Query, tables: readonly SourceTable[]): boolean {
  const inputs = inputsOf(query)
  if (!inputs.every((input) => isWholeQuery(input, tables))) return false
  const shapes = inputs.map((input) => queryColumns(input, tables))
  if (query.kind === 'union' && new Set(shapes.map((shape) => JSON.stringify(shape))).size > 1) {
    return false
  }
  const known = new Set(shapes.flat().map(({ name }) => name))
  if ('timeColumn' in query && !known.has(query.timeColumn)) return false
  const reads = (expression: Expression, names: ReadonlySet<string>) =>
    [...columnsOf(expression)].every((name) => names.has(name))
  const having = 'having' in query ? query.having : null
  if ('having' in query && having !== null) {
    const results = new Set([...query.keys, ...query.aggregates].map(({ name }) => name))
    if (!reads(having, results)) return false
  }
  return expressionsOf(query).every((part) => part === having || reads(part, known))
}
