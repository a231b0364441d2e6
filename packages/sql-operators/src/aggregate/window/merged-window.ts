/**
 * MergedWindow: the slices of one HOP window put together by key, a part of the keys at a time, for
 * as long as the window fires. No state.
 */
import type { Column, StateTable } from '@millrace/core'
import { ResidentTable } from '@millrace/state'
import { AccumulatorLoops } from '../accumulate/accumulator-loops.ts'
import { accumulatorsOf } from '../accumulate/accumulators.ts'
import { emptyWords, generateMergeSlots, type MergeSlots } from '../accumulate/generate-loops.ts'
import type { WindowGroups } from './window-groups.ts'

export class MergedWindow {
  readonly table: StateTable
  readonly loops: AccumulatorLoops
  readonly #groups: WindowGroups
  readonly #mergeSlots: MergeSlots

  constructor(groups: WindowGroups) {
    this.#groups = groups
    const { spec } = groups.table
    this.table = new ResidentTable(
      { ...spec, sub: null },
      { maxParallelism: 1, nowMs: () => 0, defaults: emptyWords(groups.plan) },
    )
    const place = accumulatorsOf(this.table)
    this.loops = new AccumulatorLoops(groups.plan, place)
    this.#mergeSlots = generateMergeSlots(groups.plan, accumulatorsOf(groups.table), place)
  }

  /**
   * Merges the groups of these slices whose keys are of one part of `parts`; gives the slots of
   * what came of it.
   */
  merge(sliceEnds: readonly number[], part: number, parts: number): Int32Array {
    const { table } = this
    table.clear()
    const source = this.#groups.table
    for (const end of sliceEnds) {
      const entries = source.entriesAt(end, part, parts)
      for (let from = entries.next(); from.length > 0; from = entries.next()) this.#add(from)
    }
    const slots = new Int32Array(table.size)
    let count = 0
    for (const some of table.slots()) {
      slots.set(some, count)
      count += some.length
    }
    return slots
  }

  #add(from: Int32Array): void {
    const { table } = this
    const source = this.#groups.table
    const keyCount = source.spec.key.fields.length
    const keys: Column[] = source.keyColumns(from, 0, from.length).slice(0, keyCount)
    const slots = new Int32Array(from.length)
    table.resolve(keys, from.length, slots)
    table.beforeWrite(slots, slots.length)
    const { words, longs } = source.memory
    const { pool } = source.texts
    const merged = table.memory
    this.#mergeSlots(
      from.length,
      from,
      words,
      longs,
      pool,
      slots,
      merged.words,
      merged.longs,
      table.texts,
    )
  }
}
