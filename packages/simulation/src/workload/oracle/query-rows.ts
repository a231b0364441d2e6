/**
 * Query → its result over given input, in memory, at once: the oracle.
 *
 * No streams, no slices, no generated code: filter, map, group, compute. A window's row exists when
 * the final watermark has passed the window's end.
 */
import { type Expression, evaluate, type Item } from '../model/expression.ts'
import type { GroupQuery, Query, Window, WindowQuery } from '../model/query.ts'
import type { Row, SqlValue } from '../model/sql-type.ts'
import { aggregateOf } from './aggregates.ts'
import { groupKey } from './group-key.ts'

export interface OracleInput {
  /** Rows by table, computed columns included. */
  readonly tables: ReadonlyMap<string, readonly Row[]>
  /** The last watermark of the job's sources; Infinity for a bounded job. */
  readonly finalWatermarkMs: number
}

export function queryRows(query: Query, input: OracleInput): readonly Row[] {
  switch (query.kind) {
    case 'scan': {
      const rows = input.tables.get(query.table)
      if (rows === undefined) throw new Error(`No rows of '${query.table}'`)
      return rows
    }
    case 'select': {
      const rows = filtered(queryRows(query.input, input), query.where)
      const projected = rows.map((row) => project(query.items, row))
      return query.distinct ? eachOnce(projected) : projected
    }
    case 'union': {
      const rows = query.inputs.flatMap((part) => queryRows(part, input))
      return query.distinct ? eachOnce(rows) : rows
    }
    case 'window':
      return windowRows(query, queryRows(query.input, input), input.finalWatermarkMs)
    case 'group':
      return groupRows(query, queryRows(query.input, input))
  }
}

function eachOnce(rows: readonly Row[]): readonly Row[] {
  return [...new Map(rows.map((row) => [groupKey(Object.values(row)), row])).values()]
}

export function filtered(rows: readonly Row[], where: Expression | null): readonly Row[] {
  return where === null ? rows : rows.filter((row) => evaluate(where, row) === true)
}

export function project(items: readonly Item[], row: Row): Row {
  return Object.fromEntries(items.map(({ name, expression }) => [name, evaluate(expression, row)]))
}

/** Starts of the windows that hold time `t`, earliest first. */
export function windowStarts(window: Window, t: number): number[] {
  const { sizeMs, slideMs, offsetMs } = window
  const last = Math.floor((t - offsetMs) / slideMs) * slideMs + offsetMs
  const starts: number[] = []
  for (let start = last; start > t - sizeMs; start -= slideMs) starts.unshift(start)
  return starts
}

export interface WindowGroup {
  readonly keys: Row
  readonly startMs: number
  readonly rows: Row[]
}

/** Rows by (keys, window), in the order of first appearance. */
export function windowGroups(
  query: WindowQuery,
  rows: readonly Row[],
): ReadonlyMap<string, WindowGroup> {
  const groups = new Map<string, WindowGroup>()
  for (const row of filtered(rows, query.where)) {
    const keys = project(query.keys, row)
    for (const startMs of windowStarts(query.window, row[query.timeColumn] as number)) {
      const key = groupKey([...Object.values(keys), startMs])
      const group = groups.get(key) ?? { keys, startMs, rows: [] }
      group.rows.push(row)
      groups.set(key, group)
    }
  }
  return groups
}

/** The row of one group; null when HAVING leaves it out. */
export function windowRow(query: WindowQuery, group: WindowGroup): Row | null {
  const endMs = group.startMs + query.window.sizeMs
  const row: Record<string, SqlValue> = { ...group.keys }
  row.window_start = group.startMs
  row.window_end = endMs
  if (query.windowTime !== null) row[query.windowTime] = endMs - 1
  for (const call of query.aggregates) row[call.name] = aggregateOf(call, group.rows)
  return query.having === null || evaluate(query.having, row) === true ? row : null
}

function windowRows(
  query: WindowQuery,
  rows: readonly Row[],
  finalWatermarkMs: number,
): readonly Row[] {
  const fired: Row[] = []
  for (const group of windowGroups(query, rows).values()) {
    if (group.startMs + query.window.sizeMs - 1 > finalWatermarkMs) continue
    const row = windowRow(query, group)
    if (row !== null) fired.push(row)
  }
  return fired
}

function groupRows(query: GroupQuery, rows: readonly Row[]): readonly Row[] {
  const groups = new Map<string, { keys: Row; rows: Row[] }>()
  // Without GROUP BY there is one group, which a stream shows with its first row.
  for (const row of filtered(rows, query.where)) {
    const keys = project(query.keys, row)
    const key = groupKey(Object.values(keys))
    const group = groups.get(key) ?? { keys, rows: [] }
    group.rows.push(row)
    groups.set(key, group)
  }
  const result: Row[] = []
  for (const group of groups.values()) {
    const row: Record<string, SqlValue> = { ...group.keys }
    for (const call of query.aggregates) row[call.name] = aggregateOf(call, group.rows)
    if (query.having === null || evaluate(query.having, row) === true) result.push(row)
  }
  return result
}
