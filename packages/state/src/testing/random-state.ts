/** Random snapshots for tests, and what they hold in a form that can be compared. */
import {
  batchOf,
  type ColumnBatch,
  FrozenRows,
  type KeyGroupRange,
  keyGroupRangeOf,
  type OperatorSnapshot,
  type RestoredOperatorState,
  rowsOf,
  type Schema,
  subtaskOfKeyGroup,
  type Value,
} from '@millrace/core'

export const SCHEMA: Schema = {
  fields: [
    { name: 'id', type: { kind: 'INT', nullable: false } },
    { name: 'name', type: { kind: 'STRING', nullable: true } },
    { name: 'total', type: { kind: 'BIGINT', nullable: true } },
    { name: 'mean', type: { kind: 'DOUBLE', nullable: false } },
    { name: 'open', type: { kind: 'BOOLEAN', nullable: true } },
  ],
}

/** mulberry32: a small seeded generator. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export interface KeyedRow {
  readonly keyGroup: number
  readonly values: Value[]
}

/** What a whole operator holds, over all subtasks. */
export interface OperatorContent {
  readonly tables: Record<string, KeyedRow[]>
  readonly lists: Record<string, string[]>
  readonly unions: Record<string, string[]>
}

export function randomContent(
  random: () => number,
  maxParallelism: number,
  rowCountMax: number,
): OperatorContent {
  const below = (bound: number): number => Math.floor(random() * bound)
  const table = (): KeyedRow[] =>
    Array.from({ length: below(rowCountMax) }, (_, i) => ({
      keyGroup: below(maxParallelism),
      values: [
        i,
        random() < 0.2 ? null : `name-${'é'.repeat(below(4))}${below(20)}`,
        random() < 0.2 ? null : BigInt(below(1e9)) * 9_000_000_001n - 1n,
        random() * 1e6,
        random() < 0.3 ? null : random() < 0.5,
      ],
    }))
  const items = (prefix: string): string[] =>
    Array.from({ length: below(12) }, (_, i) => `${prefix}${i}${'x'.repeat(below(30))}`)
  return {
    tables: { windows: table(), timers: table() },
    lists: { splits: items('s'), committables: items('c') },
    unions: { offsets: items('u') },
  }
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** One subtask's share as its snapshot: rows by key group, items in runs. */
export function snapshotOf(
  content: OperatorContent,
  subtask: number,
  parallelism: number,
  maxParallelism: number,
): OperatorSnapshot {
  const keyed = Object.entries(content.tables).map(([name, rows]) => {
    const own = rows.filter(
      (row) => subtaskOfKeyGroup(row.keyGroup, parallelism, maxParallelism) === subtask,
    )
    const values = own.map((row) => row.values)
    const keyGroups = Uint16Array.from(own, (row) => row.keyGroup)
    return new FrozenRows(name, SCHEMA, batchOf(SCHEMA, values), keyGroups)
  })
  const share = (states: Record<string, string[]>): Record<string, Uint8Array[]> =>
    Object.fromEntries(
      Object.entries(states).map(([name, items]) => {
        const from = Math.floor((items.length * subtask) / parallelism)
        const to = Math.floor((items.length * (subtask + 1)) / parallelism)
        return [name, items.slice(from, to).map(bytesOf)]
      }),
    )
  return { keyed, list: share(content.lists), union: share(content.unions) }
}

export interface ReadBack {
  readonly keyGroups: readonly number[]
  readonly content: OperatorContent
}

/** Everything that a restored subtask sees. */
export async function readBack(state: RestoredOperatorState): Promise<ReadBack> {
  const tables: Record<string, KeyedRow[]> = {}
  const keyGroups: number[] = []
  for (const name of ['windows', 'timers']) {
    tables[name] = []
    for await (const { keyGroup, rows } of state.readKeyed(name, SCHEMA)) {
      keyGroups.push(keyGroup)
      for (const values of rowsOf(rows as ColumnBatch, SCHEMA))
        tables[name].push({ keyGroup, values })
    }
  }
  const lists: Record<string, string[]> = {}
  for (const name of ['splits', 'committables']) lists[name] = state.readList(name).map(textOf)
  return {
    keyGroups,
    content: { tables, lists, unions: { offsets: state.readUnion('offsets').map(textOf) } },
  }
}

export function rangeOf(
  subtask: number,
  parallelism: number,
  maxParallelism: number,
): KeyGroupRange {
  return keyGroupRangeOf(subtask, parallelism, maxParallelism)
}

/** Rows in an order that does not depend on where they were. */
export function sorted(rows: readonly KeyedRow[]): string[] {
  return rows
    .map((row) => JSON.stringify([row.keyGroup, ...row.values.map((value) => String(value))]))
    .sort()
}
