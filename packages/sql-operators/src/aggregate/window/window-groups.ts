/**
 * WindowGroups: the state of a window aggregate: (key; slice end, or window end) → words, and the
 * values of DISTINCT aggregates.
 *
 * Its groups are timers: due at their end. Between the operator, which knows the rows' ends and the
 * watermark, and the firing.
 */
import {
  type Column,
  ColumnBatch,
  Float64Column,
  gatherRows,
  type KeyedState,
  type TimerTable,
} from '@millrace/core'
import type { WindowAggregateConfig } from '../../operator-config.ts'
import { AccumulatorLoops } from '../accumulate/accumulator-loops.ts'
import type { AccumulatorPlan } from '../accumulate/accumulator-plan.ts'
import { accumulatorsOf } from '../accumulate/accumulators.ts'
import { aggregateTables } from '../accumulate/aggregate-state.ts'
import { emptyWords } from '../accumulate/generate-loops.ts'
import { ValueCounts } from '../accumulate/value-counts.ts'

export class WindowGroups {
  readonly table: TimerTable
  readonly loops: AccumulatorLoops
  readonly plan: AccumulatorPlan
  /** Null: nothing is counted by value. */
  readonly #counts: ValueCounts | null
  #slots = new Int32Array(0)

  constructor(config: WindowAggregateConfig, plan: AccumulatorPlan, state: KeyedState) {
    this.plan = plan
    const { groups, values } = aggregateTables(config, plan)
    this.table = state.timers(groups, { defaults: emptyWords(plan) })
    this.loops = new AccumulatorLoops(plan, accumulatorsOf(this.table))
    this.#counts = values.every((spec) => spec === null)
      ? null
      : new ValueCounts(state, values, true)
  }

  /** Adds rows; those whose end is NaN are left out. `columns` as `UpdateLoop` takes them. */
  update(
    keys: readonly Column[],
    ends: Float64Array,
    rowCount: number,
    columns: readonly (Column | null)[],
  ): void {
    const slots = this.#resolve(keys, ends, rowCount)
    const { table } = this
    const groupKeys = [...keys, new Float64Column(ends, null)]
    const counted = this.#counts?.resolve(rowCount, groupKeys, slots, columns)
    const records = accumulatorsOf(table)
    this.loops.update(records, table.texts, slots, rowCount, columns, null, counted)
    this.#counts?.settle(rowCount)
    table.reset(0)
  }

  /** Adds pre-aggregated rows; those whose end is NaN are left out. */
  merge(
    keys: readonly Column[],
    ends: Float64Array,
    rowCount: number,
    words: readonly Column[],
  ): void {
    const slots = this.#resolve(keys, ends, rowCount)
    const { table } = this
    this.loops.merge(accumulatorsOf(table), table.texts, slots, rowCount, words)
    table.reset(0)
  }

  /** Takes out every group of an end. */
  remove(end: number): void {
    for (const table of [this.table, ...(this.#counts?.tables ?? [])]) {
      if (table !== null) (table as TimerTable).removeAt(end)
    }
  }

  #resolve(keys: readonly Column[], ends: Float64Array, rowCount: number): Int32Array {
    if (this.#slots.length < rowCount) this.#slots = new Int32Array(rowCount)
    const slots = this.#slots
    const columns = [...keys, new Float64Column(ends, null)]
    const rows = new Int32Array(rowCount)
    let count = 0
    for (let i = 0; i < rowCount; i++) if (!Number.isNaN(ends[i])) rows[count++] = i
    if (count === rowCount) this.table.resolve(columns, rowCount, slots)
    else {
      const part = gatherRows(new ColumnBatch(rowCount, columns), rows, count)
      const found = new Int32Array(count)
      this.table.resolve(part.columns, count, found)
      slots.fill(0, 0, rowCount)
      for (let i = 0; i < count; i++) slots[rows[i]!] = found[i]!
    }
    this.table.beforeWrite(slots, rowCount)
    return slots
  }
}
