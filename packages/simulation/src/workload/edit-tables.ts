/**
 * Edits of a workload's source tables that leave what it computes as it is: columns with wider
 * types, tables with other names.
 */
import { column, type Expression, type Item, walk } from './model/expression.ts'
import {
  type Aggregate,
  expressionsOf,
  type GroupQuery,
  type Query,
  queries,
  queryColumns,
  type SelectQuery,
  type SourceTable,
  type WindowQuery,
  withoutFilters,
} from './model/query.ts'
import { BIGINT, INT, type SqlType } from './model/sql-type.ts'
import { inputName, type Workload } from './workload.ts'

/** Columns that may become wider, and as what. */
export const WIDER: Readonly<Record<string, SqlType>> = {
  qty: BIGINT,
  price: { kind: 'DECIMAL', precision: 14, scale: 2 },
}
const KEY = 'qty'
const ROWS: Aggregate = {
  name: 'rows_seen',
  function: 'COUNT',
  distinct: false,
  argument: null,
  filter: null,
}

/**
 * As many of these columns as the query reads, wider wherever it does so without computing anything
 * of them; null: there is none.
 */
export function widenedTables(
  workload: Workload,
  names: readonly string[],
): { readonly workload: Workload; readonly about: readonly string[] } | null {
  let wide = workload
  const about: string[] = []
  for (const name of names) {
    const next = withWider(wide, name)
    if (next === null) continue
    wide = next
    about.push(`${name} wider`)
  }
  return about.length === 0 ? null : { workload: wide, about }
}

function withWider(workload: Workload, name: string): Workload | null {
  const used = new Set(
    [...queries(workload.query)].flatMap(expressionsOf).flatMap((each) => {
      return [...walk(each)].flatMap((part) => (part.kind === 'column' ? [part.name] : []))
    }),
  )
  if (!used.has(name)) return null
  const tables: SourceTable[] = []
  for (const table of workload.tables) {
    const column = table.columns.find((each) => each.name === name)
    if (column === undefined) return null
    const computed = table.computed.filter(({ expression }) => !reads(expression, name))
    const gone = table.computed.filter((item) => !computed.includes(item))
    if (gone.some((item) => used.has(item.name) || item.name === table.rowtime)) return null
    const columns = table.columns.map((each) =>
      each.name === name ? { ...each, type: WIDER[name] as SqlType } : each,
    )
    tables.push({ ...table, columns, computed })
  }
  const query = retyped(workload.query, tables)
  return query === null ? null : { ...workload, tables, query }
}

function reads(expression: Expression, name: string): boolean {
  return [...walk(expression)].some((part) => part.kind === 'column' && part.name === name)
}

type Types = ReadonlyMap<string, SqlType>

/** With the types that its columns have now; null: it computes of one that changed. */
function retyped(query: Query, tables: readonly SourceTable[]): Query | null {
  if (query.kind === 'scan') return query
  if (query.kind === 'union') {
    const inputs = query.inputs.map((input) => retyped(input, tables))
    if (inputs.includes(null)) return null
    // Where one input's column became wider alone, the union's would be of neither type.
    const types = inputs.map((input) => {
      return JSON.stringify(queryColumns(input as Query, tables).map(({ type }) => type))
    })
    if (new Set(types).size > 1) return null
    return { ...query, inputs: inputs as SelectQuery[] }
  }
  const input = retyped(query.input, tables)
  if (input === null) return null
  const types = typesOf(input, tables)
  const item = ({ name, expression }: Item) => ({ name, expression: retype(expression, types) })
  const where = query.where === null ? null : retype(query.where, types)
  if (query.where !== null && where === null) return null
  if (query.kind === 'select') {
    const items = query.items.map(item)
    if (items.some(({ expression }) => expression === null)) return null
    return { ...query, input, where, items: items as Item[] }
  }
  const keys = query.keys.map(item)
  if (keys.some(({ expression }) => expression === null)) return null
  const aggregates: Aggregate[] = []
  for (const call of query.aggregates) {
    const argument = call.argument === null ? null : retype(call.argument, types)
    const filter = call.filter === null ? null : retype(call.filter, types)
    if ((argument === null) !== (call.argument === null)) return null
    if ((filter === null) !== (call.filter === null)) return null
    aggregates.push({ ...call, argument, filter })
  }
  const grouped = { ...query, input, where, keys: keys as Item[], aggregates }
  const having = query.having === null ? null : retype(query.having, typesOf(grouped, tables))
  return query.having !== null && having === null ? null : { ...grouped, having }
}

function typesOf(query: Query, tables: readonly SourceTable[]): Types {
  return new Map(queryColumns(query, tables).map(({ name, type }) => [name, type]))
}

/** Null: it is computed of a column whose type is another now. */
function retype(expression: Expression, types: Types): Expression | null {
  if (expression.kind === 'column') {
    return { ...expression, type: types.get(expression.name) ?? expression.type }
  }
  const changed = [...walk(expression)].some((part) => {
    const now = part.kind === 'column' ? types.get(part.name) : undefined
    return now !== undefined && JSON.stringify(now) !== JSON.stringify(part.type)
  })
  return changed ? null : expression
}

export function renamedTables(workload: Workload): Workload {
  const nameOf = (table: string) => `renamed_${table}`
  const tables = workload.tables.map((table) => ({
    ...table,
    name: nameOf(table.name),
    input: table.input ?? inputName(table.name),
  }))
  const inputs = workload.inputs.map((input) => ({ ...input, table: nameOf(input.table) }))
  return { ...workload, tables, inputs, query: overRenamed(workload.query, nameOf) }
}

function overRenamed(query: Query, nameOf: (table: string) => string): Query {
  if (query.kind === 'scan') return { ...query, table: nameOf(query.table) }
  if (query.kind === 'union') {
    const inputs = query.inputs.map((input) => overRenamed(input, nameOf) as SelectQuery)
    return { ...query, inputs }
  }
  return { ...query, input: overRenamed(query.input, nameOf) }
}

/**
 * With a further key that becomes wider with its table, and without what computes of that; as it is
 * where there is none.
 */
export function withWidenableKey(workload: Workload): Workload {
  const { query, tables } = workload
  if (workload.late || (query.kind !== 'window' && query.kind !== 'group')) return workload
  if (query.keys.length === 0) return workload
  const unfiltered = withoutFilters(query) as WindowQuery | GroupQuery
  for (const { name, type } of queryColumns(query.input, tables)) {
    if (type.kind !== 'INT') continue
    const key = { name: 'wide_key', expression: column(name, INT) }
    for (const plain of [query, unfiltered, { ...unfiltered, aggregates: [ROWS] }]) {
      const keyed = { ...workload, query: { ...plain, keys: [...plain.keys, key] } }
      if (isOfKind(widenedTables(keyed, [KEY])?.workload.query, 'BIGINT')) return keyed
    }
  }
  return workload
}

/** Its last key. */
function isOfKind(query: Query | undefined, kind: SqlType['kind']): boolean {
  if (query?.kind !== 'window' && query?.kind !== 'group') return false
  return query.keys.at(-1)?.expression.type.kind === kind
}
