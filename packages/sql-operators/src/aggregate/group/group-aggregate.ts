/**
 * `group-aggregate`: GROUP BY without a window; a changelog in, only inserts, or pre-aggregated
 * rows, and a changelog out.
 *
 * A batch is one step: each group that it touches gives its difference once, and nothing when its
 * results are the same (unless the state has a time to live: then an update refreshes the
 * consumer's copy too, as in the reference engine). Each step is a pass over the batch: slots of
 * the keys, the groups touched, their words before, update, difference. Measured in
 * group-aggregate.bench.ts.
 */
import {
  type Column,
  ColumnBatch,
  type Operator,
  type OperatorContext,
  type OperatorSnapshot,
  RowKind,
  type StateTable,
} from '@millrace/core'
import { evaluationSettings } from '../../evaluate/evaluation-settings.ts'
import type { GroupAggregateConfig } from '../../operator-config.ts'
import { AccumulatorLoops } from '../accumulate/accumulator-loops.ts'
import { type AccumulatorPlan, planAccumulators } from '../accumulate/accumulator-plan.ts'
import { type Accumulators, accumulatorsOf } from '../accumulate/accumulators.ts'
import { AggregateInput } from '../accumulate/aggregate-input.ts'
import { aggregateTables } from '../accumulate/aggregate-state.ts'
import { emptyWords } from '../accumulate/generate-loops.ts'
import { recomputeExtremes } from '../accumulate/recompute-extremes.ts'
import { ValueCounts } from '../accumulate/value-counts.ts'
import { GroupChanges } from './group-changes.ts'

export class GroupAggregate implements Operator {
  readonly #config: GroupAggregateConfig
  readonly #context: OperatorContext
  readonly #plan: AccumulatorPlan
  readonly #table: StateTable
  readonly #loops: AccumulatorLoops
  /** Null: nothing is counted by value. */
  readonly #counts: ValueCounts | null
  /** Null: the input is pre-aggregated. */
  readonly #input: AggregateInput | null
  readonly #changes: GroupChanges
  #slots = new Int32Array(0)
  #touched = new Int32Array(0)
  #signs = new Int8Array(0)

  constructor(config: GroupAggregateConfig, context: OperatorContext) {
    this.#config = config
    this.#context = context
    const { inputIsChangelog, stateTtlMs } = config
    this.#plan = planAccumulators(config.aggregates)
    const settings = evaluationSettings(config.inputSchema, context)
    this.#input =
      config.twoPhase === true ? null : new AggregateInput(config.keys, null, this.#plan, settings)
    const { groups, values } = aggregateTables(config, this.#plan)
    this.#table = context.state.table(groups, { defaults: emptyWords(this.#plan) })
    const place = accumulatorsOf(this.#table)
    this.#loops = new AccumulatorLoops(this.#plan, place, inputIsChangelog)
    this.#counts = values.every((spec) => spec === null)
      ? null
      : new ValueCounts(context.state, values, false)
    this.#changes = new GroupChanges(this.#loops, context.output, {
      updateBefore: config.emitUpdateBefore,
      // Groups that have no results are never updated: whoever reads them sees inserts alone.
      refresh: stateTtlMs > 0 && this.#plan.results.length > 0,
      insertsOnly: !inputIsChangelog,
    })
  }

  open(): void {}

  processBatch(_input: number, batch: ColumnBatch): void {
    const { rowCount } = batch
    if (rowCount === 0) return
    if (this.#slots.length < rowCount) {
      this.#slots = new Int32Array(rowCount)
      this.#touched = new Int32Array(rowCount)
    }
    const table = this.#table
    const slots = this.#slots
    const touched = this.#touched
    this.#input?.read(batch)
    const keyCount = this.#config.keys.length
    const keys = this.#input?.keys ?? batch.columns.slice(0, keyCount)
    table.resolve(keys, rowCount, slots)
    const count = table.distinct(slots, rowCount, touched)
    table.beforeWrite(touched, count)
    this.#changes.keep(table, touched, count)
    const records = accumulatorsOf(table)
    if (this.#input === null) {
      this.#loops.merge(records, table.texts, slots, rowCount, batch.columns.slice(keyCount))
    } else this.#update(this.#input.arguments, keys, rowCount, batch, count)
    // Where each row touched another group, the groups' keys are the rows'.
    const dead = this.#changes.emit(table, touched, count, count === rowCount ? keys : null)
    if (dead > 0) table.remove(touched, dead)
  }

  /** The row stays in the state as a group of no rows: after a restore it is not given again. */
  endInput(): void {
    const table = this.#table
    if (this.#config.answersNoRows !== true || table.size > 0) return
    const slots = new Int32Array(1)
    table.resolve([], 1, slots)
    table.beforeWrite(slots, 1)
    const words = accumulatorsOf(table)
    const results = this.#loops.resultColumns(words, table.texts.pool, slots, 0, 1)
    this.#context.output.emitBatch(new ColumnBatch(1, results, null))
  }

  snapshot(): OperatorSnapshot {
    return {}
  }

  close(): void {}

  #update(
    columns: readonly (Column | null)[],
    keys: readonly Column[],
    rowCount: number,
    batch: ColumnBatch,
    count: number,
  ): void {
    const table = this.#table
    const slots = this.#slots
    const records = accumulatorsOf(table)
    const signs = this.#signsOf(batch)
    const leftOut =
      signs !== null && this.#config.stateTtlMs > 0 && dropStrays(records, slots, signs, rowCount)
    const counts = this.#counts
    if (counts === null) {
      this.#loops.update(records, table.texts, slots, rowCount, columns, signs)
      if (leftOut) table.reset(0)
      return
    }
    const counted = counts.resolve(rowCount, keys, slots, columns)
    // A group is never older than its values: when it is forgotten, so are they.
    if (this.#config.stateTtlMs > 0) table.beforeWrite(this.#touched, count)
    this.#loops.update(records, table.texts, slots, rowCount, columns, signs, counted)
    if (leftOut) table.reset(0)
    counts.settle(rowCount)
    if (!this.#config.inputIsChangelog) return
    const touched = this.#touched
    const groupKeys = table.keyColumns(touched, 0, count)
    recomputeExtremes(this.#plan, counts, table, touched, count, groupKeys)
  }

  #signsOf(batch: ColumnBatch): Int8Array | null {
    if (!this.#config.inputIsChangelog) return null
    if (this.#signs.length < batch.rowCount) this.#signs = new Int8Array(batch.rowCount)
    const { rowKinds } = batch
    for (let i = 0; i < batch.rowCount; i++) {
      const kind = rowKinds === null ? RowKind.INSERT : rowKinds[i]
      this.#signs[i] = kind === RowKind.UPDATE_BEFORE || kind === RowKind.DELETE ? -1 : 1
    }
    return this.#signs
  }
}

/**
 * Leaves out (slot 0) retractions of groups without rows: what they take back expired with the
 * group, as in the reference engine. Returns whether there was one. Counts rows in the first word,
 * and puts it back.
 */
function dropStrays(
  { words, stride, first }: Accumulators,
  slots: Int32Array,
  signs: Int8Array,
  rowCount: number,
): boolean {
  let found = false
  for (let i = 0; i < rowCount; i++) {
    const at = slots[i]! * stride + first
    if (signs[i]! > 0 || words[at]! > 0) words[at] = words[at]! + signs[i]!
    else {
      slots[i] = 0
      found = true
    }
  }
  for (let i = 0; i < rowCount; i++) {
    if (slots[i] !== 0) words[slots[i]! * stride + first]! -= signs[i]!
  }
  return found
}
