/**
 * expectedOutput: what the sink must hold in the end, by the oracle, as canonical lines.
 *
 * A canonical line is a JSON array of the row's values in the sink's column order; `canonicalRow`
 * brings observed rows into the same form. With late rows the answer is a range: `LateExpectation`.
 */
import { columnsOf, evaluate } from './model/expression.ts'
import {
  type Aggregate,
  type Column,
  expressionsOf,
  isChangelog,
  type Query,
  queries,
  queryColumns,
  type WindowQuery,
} from './model/query.ts'
import { jsonValue, printedText, type Row, type SqlValue } from './model/sql-type.ts'
import { queryRows, windowGroups, windowRow } from './oracle/query-rows.ts'
import type { Workload } from './workload.ts'

/** Rows that must be there, each as often as listed. */
export interface RowsExpectation {
  readonly kind: 'rows'
  readonly columns: readonly string[]
  readonly rows: readonly string[]
}

/**
 * The materialised result of a changelog, one row a key; rows are JSON arrays of the texts that
 * `print` shows.
 */
export interface ChangelogExpectation {
  readonly kind: 'changelog'
  readonly columns: readonly string[]
  readonly keyColumns: readonly string[]
  /**
   * A row of a key changes, but never goes: no condition stands above the groups, and nothing is
   * retracted below.
   */
  readonly growing: boolean
  /** Growing, and each row of a key is another one: it counts all rows of its group. */
  readonly counting: boolean
  readonly rows: readonly string[]
}

/** One (key, window) of a workload with late rows. */
export interface LateGroup {
  /** Canonical values of keys, window_start and window_end. */
  readonly key: string
  readonly startMs: number
  /** Whether rows on time are in it: then it must come out. */
  readonly required: boolean
  /** Numbers of the late rows that fall into it. */
  readonly lateRows: readonly number[]
  /** Those of them that the window takes, where the input alone decides; null: any of them. */
  readonly taken: ReadonlySet<number> | null
  /** The canonical row when exactly these late rows are in. */
  rowWith(lateRows: ReadonlySet<number>): string
}

export interface LateExpectation {
  readonly kind: 'late'
  readonly columns: readonly string[]
  /** Column whose value is the sum of 2^number over the late rows in the window. */
  readonly bitsColumn: string
  readonly keyColumns: readonly string[]
  readonly groups: readonly LateGroup[]
  readonly lateRowCount: number
  /** A late row is in every window that holds it or in none: then in + dropped = all. */
  readonly isTumbling: boolean
}

export type Expectation = RowsExpectation | ChangelogExpectation | LateExpectation

/** The name of the aggregate that tells which late rows a window took. */
export const LATE_BITS = 'late_bits'

const known = new WeakMap<Workload, Expectation>()

/** Worked out once a workload. */
export function expectedOutput(workload: Workload): Expectation {
  let expectation = known.get(workload)
  if (expectation === undefined) {
    expectation = workOut(workload)
    known.set(workload, expectation)
  }
  return expectation
}

function workOut(workload: Workload): Expectation {
  const { query, tables } = workload
  const columns = queryColumns(query, tables)
  const names = columns.map(({ name }) => name)
  if (workload.late) return lateExpectation(workload, columns)
  const input = { tables: tableRows(workload), finalWatermarkMs: workload.finalWatermarkMs }
  const result = queryRows(query, input)
  if (!isChangelog(query)) {
    const rows = result.map((row) => canonical(row, columns, workload))
    return { kind: 'rows', columns: names, rows }
  }
  const rows = result.map((row) =>
    JSON.stringify(columns.map(({ name, type }) => printedText(row[name] as SqlValue, type))),
  )
  const keyColumns = changelogKey(query, names)
  const growing = isGrowing(query)
  const counting = growing && query.kind === 'group' && query.aggregates.some(isRowCount)
  return { kind: 'changelog', columns: names, keyColumns, growing, counting, rows }
}

function isRowCount(call: Aggregate): boolean {
  return call.function === 'COUNT' && call.argument === null && call.filter === null
}

function isGrowing(query: Query): boolean {
  if (query.kind === 'select') return query.where === null && isGrowing(query.input)
  return query.kind === 'group' && query.having === null && !isChangelog(query.input)
}

/**
 * Columns that tell the rows of a changelog apart: the keys of its GROUP BY, which a SELECT
 * above repeats.
 */
function changelogKey(query: Query, names: readonly string[]): readonly string[] {
  const group = query.kind === 'select' ? query.input : query
  const keys = group.kind === 'group' ? group.keys.map(({ name }) => name) : names
  return keys.every((name) => names.includes(name)) ? keys : names
}

/** Rows of each table, with those computed columns that the query reads. */
function tableRows(workload: Workload): ReadonlyMap<string, readonly Row[]> {
  const expressions = [...queries(workload.query)].flatMap(expressionsOf)
  const read = new Set(expressions.flatMap((expression) => [...columnsOf(expression)]))
  return new Map(
    workload.tables.map((table) => {
      const used = table.computed.filter(({ name }) => read.has(name) || name === table.rowtime)
      const input = workload.inputs.find((candidate) => candidate.table === table.name)
      const rows = (input?.partitions.flat() ?? []).map(({ values }): Row => {
        if (used.length === 0) return values
        const computed = used.map(
          ({ name, expression }) => [name, evaluate(expression, values)] as const,
        )
        return { ...values, ...Object.fromEntries(computed) }
      })
      return [table.name, rows]
    }),
  )
}

function canonical(row: Row, columns: readonly Column[], workload: Workload): string {
  const values = columns.map(({ name, type }) =>
    jsonValue(row[name] as SqlValue, type, workload.timestampStandard),
  )
  return JSON.stringify(values)
}

/** An observed row (a parsed JSON object) in the same form; a column that is absent is NULL. */
export function canonicalRow(
  row: Readonly<Record<string, unknown>>,
  columns: readonly string[],
): string {
  return JSON.stringify(columns.map((name) => row[name] ?? null))
}

function lateExpectation(workload: Workload, columns: readonly Column[]): LateExpectation {
  const query = workload.query as WindowQuery
  const numbers = new Map<Row, number>()
  for (const { partitions } of workload.inputs) {
    for (const { late, values } of partitions.flat()) {
      if (late !== undefined) numbers.set(values, late)
    }
  }
  // Computed columns make new row objects; a late job's table has none.
  const rows = [...tableRows(workload).values()].flat()
  const keyNames = [...query.keys.map(({ name }) => name), 'window_start', 'window_end']
  const keyColumns = columns.filter(({ name }) => keyNames.includes(name))
  const sentBefore = watermarksSent(workload)
  const groups: LateGroup[] = []
  for (const group of windowGroups(query, rows).values()) {
    const endMs = group.startMs + query.window.sizeMs
    if (endMs - 1 > workload.finalWatermarkMs) continue
    const onTime = group.rows.filter((row) => !numbers.has(row))
    const late = group.rows.filter((row) => numbers.has(row))
    const key: Row = { ...group.keys, window_start: group.startMs, window_end: endMs }
    groups.push({
      key: canonical(key, keyColumns, workload),
      startMs: group.startMs,
      required: onTime.length > 0,
      lateRows: late.map((row) => numbers.get(row)!),
      taken:
        sentBefore &&
        new Set(
          late.filter((row) => endMs - 1 > sentBefore.get(row)!).map((row) => numbers.get(row)!),
        ),
      rowWith(taken) {
        const within = [...onTime, ...late.filter((row) => taken.has(numbers.get(row)!))]
        return canonical(windowRow(query, { ...group, rows: within })!, columns, workload)
      },
    })
  }
  return {
    kind: 'late',
    columns: columns.map(({ name }) => name),
    bitsColumn: LATE_BITS,
    keyColumns: keyColumns.map(({ name }) => name),
    groups,
    // Rows that WHERE leaves out are never seen by the window.
    lateRowCount: new Set(groups.flatMap(({ lateRows }) => lateRows)).size,
    isTumbling: query.window.kind === 'tumble',
  }
}

/**
 * By row, the watermark that went out before it; null unless the input alone decides that: one
 * partition in one reader, read to its end. Sent behind the row that passed the last one by more
 * than the interval.
 */
function watermarksSent({
  bounded,
  parallelism,
  inputs,
  tables,
  settings,
}: Workload): ReadonlyMap<Row, number> | null {
  const [partition, ...others] = inputs.flatMap(({ partitions }) => partitions)
  if (!bounded || parallelism !== 1 || partition === undefined || others.length > 0) return null
  const interval = /^(\d+) ms$/.exec(settings['pipeline.auto-watermark-interval'] ?? '')
  const [table] = tables
  if (interval === null || table === undefined) return null
  const sentBefore = new Map<Row, number>()
  let sentMs = Number.NEGATIVE_INFINITY
  let reachedMs = Number.NEGATIVE_INFINITY
  for (const { values } of partition) {
    sentBefore.set(values, sentMs)
    reachedMs = Math.max(reachedMs, (values[table.rowtime] as number) - table.watermarkDelayMs)
    if (reachedMs > sentMs + Number(interval[1])) sentMs = reachedMs
  }
  return sentBefore
}
