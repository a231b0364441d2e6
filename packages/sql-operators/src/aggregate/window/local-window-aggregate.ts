/**
 * `local-window-aggregate`: first phase of a window aggregate, in the chain of its source.
 *
 * Rows → groups of (key, slice) → one row a group when the watermark reaches a window's end, at a
 * barrier, at the end, and when there are too many groups. It keeps no state: everything leaves
 * before the barrier does. It drops nothing: whether a row is late is decided by the global phase,
 * whose watermark is the one that fires.
 */
import {
  BATCH_ROWS_TARGET,
  ColumnBatch,
  type Operator,
  type OperatorContext,
  type OperatorSnapshot,
  WATERMARK_MIN,
} from '@millrace/core'
import { evaluationSettings } from '../../evaluate/evaluation-settings.ts'
import type { WindowAggregateConfig } from '../../operator-config.ts'
import { LOCAL_AGGREGATE_GROUPS_MAX } from '../../sql-operators-options.ts'
import { planAccumulators } from '../accumulate/accumulator-plan.ts'
import { AggregateInput } from '../accumulate/aggregate-input.ts'
import { LocalGroups } from './local/local-groups.ts'
import { SliceCursor } from './local/slice-cursor.ts'
import { WindowSlices } from './window-slices.ts'

export class LocalWindowAggregate implements Operator {
  readonly #context: OperatorContext
  readonly #input: AggregateInput
  readonly #groups: LocalGroups
  readonly #slices: WindowSlices
  readonly #cursor: SliceCursor
  readonly #groupsMax: number

  constructor(config: WindowAggregateConfig, context: OperatorContext) {
    this.#context = context
    const plan = planAccumulators(config.aggregates)
    const settings = evaluationSettings(config.inputSchema, context)
    this.#input = new AggregateInput(config.keys, config.rowtime, plan, settings)
    this.#groups = new LocalGroups(plan, config.outputSchema.fields.slice(0, config.keys.length))
    this.#slices = new WindowSlices(config.window)
    this.#cursor = new SliceCursor(this.#slices, null)
    this.#groupsMax = context.configuration.get(LOCAL_AGGREGATE_GROUPS_MAX)
  }

  open(): void {}

  processBatch(_input: number, batch: ColumnBatch): void {
    if (batch.rowCount === 0) return
    const input = this.#input
    input.read(batch)
    const { keys, rowtime } = input
    const times = rowtime!.values
    this.#groups.add(keys, batch.rowCount, times, this.#cursor, WATERMARK_MIN, input.arguments)
    const { table, textsAreLarge } = this.#groups
    if (table.size > this.#groupsMax || textsAreLarge) this.#flush()
  }

  processWatermark(timestampMs: number): void {
    for (const sliceEnd of this.#groups.table.firstOfSlice.keys()) {
      if (this.#slices.firstWindowEnd(sliceEnd) - 1 > timestampMs) continue
      this.#flush()
      break
    }
  }

  /** Nothing may wait here for a watermark that will not come. */
  processIdle(idle: boolean): void {
    if (idle) this.#flush()
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

  close(): void {}

  #flush(): void {
    const { table } = this.#groups
    if (table.size === 1) return
    const slots = table.liveSlots()
    for (let from = 0; from < slots.length; from += BATCH_ROWS_TARGET) {
      const to = Math.min(slots.length, from + BATCH_ROWS_TARGET)
      const columns = this.#groups.columns(slots, from, to)
      this.#context.output.emitBatch(new ColumnBatch(to - from, columns))
    }
    // Known keys make the next batch cheaper; there must be an end to them.
    this.#groups.clear(this.#groupsMax * 4)
  }
}
