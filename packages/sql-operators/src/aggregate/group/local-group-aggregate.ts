/**
 * `local-group-aggregate`: first phase of GROUP BY without a window, in the chain of its source.
 *
 * Rows → groups → one pre-aggregated row a group: 10 ms after the first row that it holds, at a
 * barrier, at the end, and when there are too many groups or texts. Where keys hardly repeat within
 * that time it steps aside: rows are sent on as groups of their own, and it looks again after a
 * million of them. It keeps no state: everything leaves before the barrier does.
 */
import {
  BATCH_ROWS_TARGET,
  ColumnBatch,
  type Operator,
  type OperatorContext,
  type OperatorSnapshot,
} from '@millrace/core'
import { ResidentTable } from '@millrace/state'
import { evaluationSettings } from '../../evaluate/evaluation-settings.ts'
import type { GroupAggregateConfig } from '../../operator-config.ts'
import { LOCAL_AGGREGATE_GROUPS_MAX } from '../../sql-operators-options.ts'
import { AccumulatorLoops } from '../accumulate/accumulator-loops.ts'
import { planAccumulators } from '../accumulate/accumulator-plan.ts'
import { accumulatorsOf } from '../accumulate/accumulators.ts'
import { AggregateInput } from '../accumulate/aggregate-input.ts'
import { groupsSpec } from '../accumulate/aggregate-state.ts'
import { emptyWords } from '../accumulate/generate-loops.ts'
import { LOCAL_TEXT_BYTES_MAX } from '../accumulate/local-memory.ts'
import { SingleRows } from './single-rows.ts'

const HOLD_MS = 10
/** Rows a group below which holding them back saves less than it costs. */
const REPETITION_MIN = 1.5
/** Fewer rows say nothing about that. */
const ROWS_MIN = 2048
const ROWS_PASSED = 1_000_000

export class LocalGroupAggregate implements Operator {
  /** Its memory is bounded by groups and by bytes of texts. */
  readonly table: ResidentTable
  readonly #context: OperatorContext
  readonly #input: AggregateInput
  readonly #loops: AccumulatorLoops
  readonly #groupsMax: number
  readonly #singles: SingleRows
  #slots = new Int32Array(0)
  #touched = new Int32Array(0)
  /** Rows held, and the groups that have some of them. */
  #rows = 0
  #held = new Int32Array(1024)
  #heldCount = 0
  /** Rows that are still to be sent on as they are. */
  #toPass = 0
  #cancelTimer: (() => void) | null = null

  constructor(config: GroupAggregateConfig, context: OperatorContext) {
    this.#context = context
    const plan = planAccumulators(config.aggregates)
    const settings = evaluationSettings(config.inputSchema, context)
    this.#input = new AggregateInput(config.keys, null, plan, settings)
    this.table = new ResidentTable(
      { ...groupsSpec(config, plan), ttlMs: 0 },
      { maxParallelism: 1, nowMs: () => 0, defaults: emptyWords(plan) },
    )
    this.#loops = new AccumulatorLoops(plan, accumulatorsOf(this.table))
    this.#singles = new SingleRows(plan)
    this.#groupsMax = context.configuration.get(LOCAL_AGGREGATE_GROUPS_MAX)
  }

  open(): void {}

  processBatch(_input: number, batch: ColumnBatch): void {
    const { rowCount } = batch
    if (rowCount === 0) return
    this.#input.read(batch)
    if (this.#toPass > 0) {
      this.#pass(rowCount)
      return
    }
    if (this.#slots.length < rowCount) {
      this.#slots = new Int32Array(rowCount)
      this.#touched = new Int32Array(rowCount)
    }
    const table = this.table
    const slots = this.#slots
    table.resolve(this.#input.keys, rowCount, slots)
    this.#noteHeld(rowCount)
    const records = accumulatorsOf(table)
    this.#loops.update(records, table.texts, slots, rowCount, this.#input.arguments)
    this.#rows += rowCount
    if (this.#heldCount >= this.#groupsMax || this.#textsAreLarge) this.#flush()
    else this.#cancelTimer ??= this.#context.mailbox.schedule(HOLD_MS, () => this.#flush())
  }

  prepareBarrier(): void {
    this.#flush()
  }

  endInput(): void {
    this.#flush()
  }

  snapshot(): OperatorSnapshot {
    return {}
  }

  close(): void {
    this.#cancelTimer?.()
  }

  /** Groups that get their first row since the last flush. */
  #noteHeld(rowCount: number): void {
    const table = this.table
    const touched = this.#touched
    const touchedCount = table.distinct(this.#slots, rowCount, touched)
    if (this.#held.length < this.#heldCount + touchedCount) {
      const held = new Int32Array((this.#heldCount + touchedCount) * 2)
      held.set(this.#held)
      this.#held = held
    }
    const { words, stride, first } = accumulatorsOf(table)
    for (let i = 0; i < touchedCount; i++) {
      const slot = touched[i]!
      if (words[slot * stride + first] === 0) this.#held[this.#heldCount++] = slot
    }
  }

  #flush(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    const count = this.#heldCount
    if (count === 0) return
    this.#emit(this.#held, count)
    if (this.#rows >= ROWS_MIN && this.#rows < count * REPETITION_MIN) this.#toPass = ROWS_PASSED
    // Known keys make the next batch cheaper; there must be an end to them.
    const { size } = this.table
    if (size > this.#groupsMax || this.#toPass > 0 || this.#textsAreLarge) this.table.clear()
    else this.#empty(count)
    this.#rows = 0
    this.#heldCount = 0
  }

  get #textsAreLarge(): boolean {
    return this.table.texts.bytes > LOCAL_TEXT_BYTES_MAX
  }

  /** The groups that were sent on have no rows again. */
  #empty(count: number): void {
    for (let i = 0; i < count; i++) this.table.reset(this.#held[i]!)
  }

  #emit(slots: Int32Array, count: number): void {
    const table = this.table
    const records = accumulatorsOf(table)
    for (let from = 0; from < count; from += BATCH_ROWS_TARGET) {
      const to = Math.min(count, from + BATCH_ROWS_TARGET)
      const columns = [
        ...table.keyColumns(slots, from, to),
        ...this.#loops.wordColumns(records, table.texts.pool, slots, from, to),
      ]
      this.#context.output.emitBatch(new ColumnBatch(to - from, columns))
    }
  }

  /** Each row as a group of its own. */
  #pass(rowCount: number): void {
    this.#toPass -= rowCount
    const { arguments: columns, keys } = this.#input
    const words = this.#singles.wordColumns(rowCount, columns)
    this.#context.output.emitBatch(new ColumnBatch(rowCount, [...keys, ...words]))
  }
}
