/**
 * A comparison of any backend with a plain map: what a table holds through writes, removals,
 * freezes, segments and restores.
 *
 * Beside `stateTableContract`, which says each rule by itself.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ColumnBatch,
  type KeyedState,
  keyGroups,
  type OperatorSnapshot,
  type RestoredOperatorState,
  type StateTable,
  type StateTableSpec,
  type StringColumn,
  subtaskOfKeyGroup,
  type Value,
} from '@millrace/core'
import { MemoryFilesystem } from '@millrace/platform/memory-filesystem'
import { openRestoredState } from '../restore/open-restored-state.ts'
import { writeOperatorSnapshot } from '../segment/write-operator-snapshot.ts'
import { testClock } from './checkpoint-writer.ts'
import { seeded } from './random-state.ts'
import { SUMS, SUMS_BY_NAME } from './state-table-contract.ts'
import { keyRows, resolved, rowsOfFrozen, scanned } from './table-steps.ts'

export const MAX_PARALLELISM = 16
const SEEDS = 10

/** A backend's state as the task sees it. */
export interface RestorableState extends KeyedState {
  restore(restored: RestoredOperatorState): Promise<void>
}

/** A fleet of subtasks, each with the table of its key groups. */
class Fleet {
  states: RestorableState[] = []
  tables: StateTable[] = []

  readonly spec: StateTableSpec

  constructor(spec: StateTableSpec, parallelism: number, open: () => RestorableState) {
    this.spec = spec
    for (let n = 0; n < parallelism; n++) {
      const state = open()
      this.states.push(state)
      this.tables.push(state.table(spec))
    }
  }

  subtaskOf(key: Value[]): number {
    const columns = keyRows(this.spec, [key])
    const indexes = this.spec.key.fields.map((_, index) => index)
    const group = keyGroups(new ColumnBatch(1, columns), indexes, MAX_PARALLELISM)[0] as number
    return subtaskOfKeyGroup(group, this.tables.length, MAX_PARALLELISM)
  }

  rows(): string[] {
    return this.states
      .flatMap((state) =>
        state.freeze(0, null).flatMap((table) => {
          const rows = rowsOfFrozen(table)
          table.release()
          return rows
        }),
      )
      .map(String)
      .sort()
  }
}

/** The frozen state of every subtask through segments into a fleet of another size. */
async function restoredFleet(
  spec: StateTableSpec,
  snapshots: readonly OperatorSnapshot[],
  parallelism: number,
  open: () => RestorableState,
): Promise<Fleet> {
  const filesystem = new MemoryFilesystem()
  const all = { start: 0, end: MAX_PARALLELISM - 1 }
  const written = await Promise.all(
    snapshots.map((snapshot, subtaskIndex) =>
      writeOperatorSnapshot(snapshot, {
        directory: '/c',
        checkpointId: 1,
        operatorId: 'op',
        subtaskIndex,
        attempt: 0,
        keyGroupRange: all,
        memoryThreshold: 0,
        filesystem,
        clock: testClock,
      }),
    ),
  )
  const fleet = new Fleet(spec, parallelism, open)
  const parts = written.flatMap(({ parts }) => parts)
  for (let n = 0; n < parallelism; n++) {
    const groups = Array.from({ length: MAX_PARALLELISM }, (_, g) => g).filter(
      (group) => subtaskOfKeyGroup(group, parallelism, MAX_PARALLELISM) === n,
    )
    const keyGroupRange = { start: groups[0] as number, end: groups.at(-1) as number }
    const restored = await openRestoredState({
      handles: { parts },
      checkpointId: 1,
      keyGroupRange,
      filesystem,
    })
    await (fleet.states[n] as RestorableState).restore(restored)
  }
  return fleet
}

/**
 * Random writes, removals, freezes and restores at another parallelism, and by another of the
 * backends, against a plain map.
 */
export function stateTableFuzz(backend: string, opens: readonly (() => RestorableState)[]): void {
  test(`${backend}: random writes, removals, freezes and restores agree with a plain map`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) await fuzz(seed, opens)
  })
}

async function fuzz(seed: number, opens: readonly (() => RestorableState)[]): Promise<void> {
  const random = seeded(seed)
  const below = (bound: number): number => Math.floor(random() * bound)
  const open = () => opens[below(opens.length)] as () => RestorableState
  const spec = seed % 2 === 0 ? SUMS_BY_NAME : SUMS
  let fleet = new Fleet(spec, 1 + below(3), open())
  let model = new Map<string, Value[]>()
  // Few keys of many entries, and many of few.
  const keys = seed % 4 === 0 ? 3 : 40 + below(2000)
  const names = seed % 4 === 0 ? 500 : 4
  for (let step = 0; step < 120; step++) {
    const batch = Array.from({ length: 1 + below(60) }, (): Value[] => [
      random() < 0.05 ? null : BigInt(below(keys)) * 10_000_000_019n,
      random() < 0.1 ? null : `${'é'.repeat(below(3))}${below(names)}`,
    ])
    for (let n = 0; n < fleet.tables.length; n++) {
      const own = batch.filter((key) => fleet.subtaskOf(key) === n)
      if (own.length === 0) continue
      const table = fleet.tables[n] as StateTable
      if (spec.sub !== null && random() < 0.5) {
        compareScan(table, own, model, random, `seed ${seed}, step ${step}`)
      }
      const slots = await resolved(table, own)
      table.beforeWrite(slots, slots.length)
      const [total, best] = table.valueWords as [number, number]
      const { stride } = table.memory
      own.forEach((key, i) => {
        const known = model.get(String(key)) ?? [...key, 0, null]
        const text = random() < 0.5 ? `t${below(1000)}` : null
        table.memory.words[slots[i]! * stride + total] = (known[2] as number) + step
        const at = slots[i]! * stride + best
        const held = table.memory.words[at]!
        const pool = (keyRows(SUMS, [[0n, text]])[1] as StringColumn).pool
        table.texts.drop(held)
        table.memory.words[at] = text === null ? -1 : table.texts.add(pool, 0)
        model.set(String(key), [...key, (known[2] as number) + step, text])
      })
      if (random() < 0.3) {
        const gone = slots.filter(() => random() < 0.5)
        table.remove(gone, gone.length)
        own.forEach((key, i) => {
          if (gone.includes(slots[i]!)) model.delete(String(key))
        })
      }
    }
    if (random() < 0.1) {
      // What was frozen is compared after the table has gone on.
      const expected = [...model.values()].map(String).sort()
      const snapshots = fleet.states.map((state) => ({ keyed: state.freeze(step, null) }))
      const before = new Map(model)
      for (const table of fleet.tables) {
        for (const slots of table.slots()) {
          const some = slots.filter(() => random() < 0.3)
          table.beforeWrite(some, some.length)
          const { words, stride } = table.memory
          for (const slot of some) words[slot * stride + table.valueWords[0]!] = -1
        }
      }
      fleet = await restoredFleet(spec, snapshots, 1 + below(4), open())
      model = before
      assert.deepEqual(fleet.rows(), expected, `seed ${seed}, step ${step}`)
    }
  }
  assert.deepEqual(fleet.rows(), [...model.values()].map(String).sort(), `seed ${seed}`)
}

/** Entries of the keys of rows in order, from either end, some or all, as a plain map has them. */
export function compareScan(
  table: StateTable,
  rows: readonly Value[][],
  model: ReadonlyMap<string, Value[]>,
  random: () => number,
  when: string,
): void {
  const byId = Map.groupBy(model.values(), ([id]) => String(id))
  const descending = random() < 0.5
  const entriesMax = random() < 0.5 ? 1 + Math.floor(random() * 4) : Number.POSITIVE_INFINITY
  const expected = rows.map(([id]) => {
    const names = (byId.get(String(id)) ?? []).map((row) => row[1] as string | null)
    names.sort((a, b) => compareNames(a, b) * (descending ? -1 : 1))
    return names.slice(0, entriesMax).map((name) => [name])
  })
  const keys = rows.map(([id]) => [id as Value])
  const direction = descending ? 'descending' : 'ascending'
  assert.deepEqual(scanned(table, keys, { direction, entriesMax }), expected, when)
}

function compareNames(a: string | null, b: string | null): number {
  if (a === null || b === null) return (a === null ? 0 : 1) - (b === null ? 0 : 1)
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
