/**
 * Query: what a generated job computes, as a tree that SQL text and oracle are both made from.
 *
 * scan → select → union → window | group | distinct, nested as the generator likes. Each node's
 * columns follow from the tree alone. A column is the rowtime when its table says so and only plain
 * projections lie between.
 */
import type { Expression, Item } from './expression.ts'
import { BIGINT, type SqlType, scaleOf, TIMESTAMP } from './sql-type.ts'

export interface Column {
  readonly name: string
  readonly type: SqlType
}

/** How a column of the input is filled. */
export type ColumnFill =
  | 'key'
  | 'text'
  | 'small-int'
  | 'number'
  | 'half'
  | 'price'
  | 'flag'
  | 'day'
  | 'time'
  | 'rowtime'
  | 'rowtime-text'
  | 'sequence'
  | 'late-bit'
  | 'temperature'
  | 'humidity'

export interface SourceTable {
  readonly name: string
  /** The topic or directory that it reads, where its name does not say it (`inputName`). */
  readonly input?: string
  readonly columns: readonly (Column & { readonly fill: ColumnFill })[]
  /** Computed columns; the rowtime is one when it comes as text. */
  readonly computed: readonly Item[]
  readonly rowtime: string
  readonly watermarkDelayMs: number
}

export interface Window {
  readonly kind: 'tumble' | 'hop'
  readonly sizeMs: number
  /** Of a HOP window; the size for TUMBLE. */
  readonly slideMs: number
  /** Of the table function alone. */
  readonly offsetMs: number
}

export type AggregateName = 'COUNT' | 'SUM' | 'AVG' | 'MIN' | 'MAX'
export interface Aggregate {
  readonly name: string
  readonly function: AggregateName
  readonly distinct: boolean
  /** Null: COUNT(*). */
  readonly argument: Expression | null
  readonly filter: Expression | null
}

/** How a node stands in the one around it. */
export type Placement = 'subquery' | 'view' | 'with'

export interface ScanQuery {
  readonly kind: 'scan'
  readonly table: string
}
export interface SelectQuery {
  readonly kind: 'select'
  readonly input: Query
  readonly where: Expression | null
  readonly items: readonly Item[]
  readonly distinct: boolean
  readonly placement: Placement
}
export interface UnionQuery {
  readonly kind: 'union'
  /** UNION: each row once. */
  readonly distinct: boolean
  readonly inputs: readonly SelectQuery[]
}
export interface WindowQuery {
  readonly kind: 'window'
  readonly input: Query
  /** `table-function`: TABLE(TUMBLE(…)); `group-function`: GROUP BY TUMBLE(…). */
  readonly form: 'table-function' | 'group-function'
  readonly window: Window
  readonly timeColumn: string
  readonly where: Expression | null
  readonly keys: readonly Item[]
  readonly aggregates: readonly Aggregate[]
  /** Over keys and aggregates by name. */
  readonly having: Expression | null
  /** Name of the output column with the window's rowtime, for a window over it; null: none. */
  readonly windowTime: string | null
}
export interface GroupQuery {
  readonly kind: 'group'
  readonly input: Query
  readonly where: Expression | null
  readonly keys: readonly Item[]
  readonly aggregates: readonly Aggregate[]
  readonly having: Expression | null
}
export type Query = ScanQuery | SelectQuery | UnionQuery | WindowQuery | GroupQuery

export function typeOfAggregate({ function: name, argument }: Aggregate): SqlType {
  if (name === 'COUNT' || argument === null) return BIGINT
  const { type } = argument
  if (type.kind !== 'DECIMAL' || name === 'MIN' || name === 'MAX') return type
  const scale = name === 'AVG' ? Math.max(6, scaleOf(type)) : type.scale
  return { kind: 'DECIMAL', precision: 18, scale }
}

const columnOf = ({ name, expression }: Item): Column => ({ name, type: expression.type })

/** Output columns of a query, in the order in which its SELECT lists them. */
export function queryColumns(query: Query, tables: readonly SourceTable[]): readonly Column[] {
  switch (query.kind) {
    case 'scan': {
      const table = tableNamed(query.table, tables)
      return [...table.columns, ...table.computed.map(columnOf)]
    }
    case 'select':
      return query.items.map(columnOf)
    case 'union':
      return queryColumns(query.inputs[0]!, tables)
    case 'window':
      return [
        ...query.keys.map(columnOf),
        { name: 'window_start', type: TIMESTAMP },
        { name: 'window_end', type: TIMESTAMP },
        ...(query.windowTime === null ? [] : [{ name: query.windowTime, type: TIMESTAMP }]),
        ...query.aggregates.map((call) => ({ name: call.name, type: typeOfAggregate(call) })),
      ]
    case 'group':
      return [
        ...query.keys.map(columnOf),
        ...query.aggregates.map((call) => ({ name: call.name, type: typeOfAggregate(call) })),
      ]
  }
}

export function tableNamed(name: string, tables: readonly SourceTable[]): SourceTable {
  const table = tables.find((candidate) => candidate.name === name)
  if (table === undefined) throw new Error(`No table '${name}' in the workload`)
  return table
}

export function inputsOf(query: Query): readonly Query[] {
  if (query.kind === 'scan') return []
  return query.kind === 'union' ? query.inputs : [query.input]
}

/** With another input in the place of one of its own; null: the query does not take that. */
export function withInput(query: Query, place: number, input: Query): Query | null {
  if (query.kind === 'scan') return null
  if (query.kind !== 'union') return { ...query, input }
  return input.kind === 'select' ? { ...query, inputs: query.inputs.with(place, input) } : null
}

/** The query and everything below it. */
export function* queries(query: Query): Generator<Query> {
  yield query
  for (const input of inputsOf(query)) yield* queries(input)
}

/** Whether two sources of the job may read the same table. */
export function readsATableTwice(query: Query): boolean {
  const read = [...queries(query)].flatMap((node) => (node.kind === 'scan' ? [node.table] : []))
  return new Set(read).size < read.length
}

/** Expressions of one node. */
export function expressionsOf(query: Query): readonly Expression[] {
  switch (query.kind) {
    case 'scan':
    case 'union':
      return []
    case 'select':
      return [...query.items.map((item) => item.expression), ...present(query.where)]
    default:
      return [
        ...query.keys.map((item) => item.expression),
        ...query.aggregates.flatMap((call) => [...present(call.argument), ...present(call.filter)]),
        ...present(query.where),
        ...present(query.having),
      ]
  }
}

function present(expression: Expression | null): readonly Expression[] {
  return expression === null ? [] : [expression]
}

/**
 * Whether the result changes after it was given: a GROUP BY without a window
 * somewhere, or above one.
 */
export function isChangelog(query: Query): boolean {
  for (const node of queries(query)) if (node.kind === 'group') return true
  return false
}

/** The query without WHERE, HAVING and FILTER, all the way down. */
export function withoutFilters(query: Query): Query {
  switch (query.kind) {
    case 'scan':
      return query
    case 'union':
      return { ...query, inputs: query.inputs.map((input) => withoutFilters(input) as SelectQuery) }
    case 'select':
      return { ...query, input: withoutFilters(query.input), where: null }
    default: {
      const aggregates = query.aggregates.map((call) => ({ ...call, filter: null }))
      const input = withoutFilters(query.input)
      return { ...query, input, aggregates, where: null, having: null }
    }
  }
}
