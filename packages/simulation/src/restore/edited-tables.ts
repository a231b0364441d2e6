/**
 * A workload whose source tables somebody has edited since a checkpoint was taken: columns have
 * wider types, the tables other names. What it computes is the same, so its oracle is.
 */
import { type Expression, type Item, walk } from '../workload/model/expression.ts'
import {
  type Aggregate,
  expressionsOf,
  type Query,
  queries,
  queryColumns,
  type SelectQuery,
  type SourceTable,
} from '../workload/model/query.ts'
import { BIGINT, type SqlType } from '../workload/model/sql-type.ts'
import { inputName, type Workload } from '../workload/workload.ts'
import type { SeededRandom } from '../world/seeded-random.ts'

export interface EditedTables {
  readonly workload: Workload
  /** Null: none. */
  readonly about: string | null
  /** Rows on the way to another operator are others now, too. */
  readonly isWidened: boolean
}

const WIDENED_SHARE = 0.75
const RENAMED_SHARE = 0.5
const WIDER: Readonly<Record<string, SqlType>> = {
  qty: BIGINT,
  price: { kind: 'DECIMAL', precision: 14, scale: 2 },
}

/** `mayWiden`: false where rows of the former types are on their way. */
export function editedTables(
  workload: Workload,
  random: SeededRandom,
  { mayWiden }: { readonly mayWiden: boolean },
): EditedTables {
  const widens = random.chance(WIDENED_SHARE) && mayWiden
  const wide = widens ? widenedTables(workload, Object.keys(WIDER)) : null
  const renames = random.chance(RENAMED_SHARE)
  const before = wide ?? { workload, about: [] }
  const about = [...before.about, ...(renames ? ['tables renamed'] : [])]
  return {
    workload: renames ? renamedTables(before.workload) : before.workload,
    about: about.length === 0 ? null : about.join(', '),
    isWidened: wide !== null,
  }
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

/** With the types that its columns have over these tables; null: it computes of one that changed. */
function retyped(query: Query, tables: readonly SourceTable[]): Query | null {
  if (query.kind === 'scan') return query
  if (query.kind === 'union') {
    const inputs = query.inputs.map((input) => retyped(input, tables))
    return inputs.includes(null) ? null : { ...query, inputs: inputs as SelectQuery[] }
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

function renamedTables(workload: Workload): Workload {
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
