/**
 * `global-window-aggregate`: second phase of a window aggregate, behind the hash exchange; or the
 * only one (`twoPhase: false`).
 *
 * Pre-aggregated or raw rows → groups of (key, slice) → one row a (key, window) when the watermark,
 * or the clock, reaches the window's end. Keyed state: the groups, and the values of DISTINCT
 * aggregates. Union state: the watermark, so that a row which was late before a failure is late
 * after it too (without it a window that has fired would fire again for such a row).
 */
import {
  type ColumnBatch,
  type Float64Column,
  type KeyGroupRange,
  keyGroupRangeOf,
  type Operator,
  type OperatorContext,
  type OperatorSnapshot,
  WATERMARK_MAX,
  WATERMARK_MIN,
} from '@millrace/core'
import { evaluationSettings } from '../../evaluate/evaluation-settings.ts'
import type { WindowAggregateConfig } from '../../operator-config.ts'
import { isMergeable, planAccumulators } from '../accumulate/accumulator-plan.ts'
import { AggregateInput } from '../accumulate/aggregate-input.ts'
import { WATERMARK } from '../accumulate/aggregate-state.ts'
import { SliceCursor } from './local/slice-cursor.ts'
import { RestoredWatermarks } from './restored-watermarks.ts'
import { WindowFiring } from './window-firing.ts'
import { WindowGroups } from './window-groups.ts'
import { WindowSlices } from './window-slices.ts'

export class GlobalWindowAggregate implements Operator {
  readonly #config: WindowAggregateConfig
  readonly #context: OperatorContext
  readonly #groups: WindowGroups
  /** Null: the input is pre-aggregated. */
  readonly #input: AggregateInput | null
  readonly #slices: WindowSlices
  /** One a window that a row falls into, or a single one when rows are kept by slice. */
  readonly #cursors: readonly SliceCursor[]
  readonly #firing: WindowFiring
  readonly #keyGroups: KeyGroupRange
  readonly #restored: RestoredWatermarks
  #watermark = WATERMARK_MIN
  #times = new Float64Array(0)
  #ends = new Float64Array(0)
  /** Late rows of the batch in hand. */
  #late = 0
  #cancelTimer: (() => void) | null = null
  #closed = false

  constructor(config: WindowAggregateConfig, context: OperatorContext) {
    this.#config = config
    this.#context = context
    const plan = planAccumulators(config.aggregates)
    const settings = evaluationSettings(config.inputSchema, context)
    this.#input = config.twoPhase
      ? null
      : new AggregateInput(config.keys, config.rowtime, plan, settings)
    this.#groups = new WindowGroups(config, plan, context.state)
    this.#slices = new WindowSlices(config.window)
    const bySlice = isMergeable(plan)
    const windows = Math.ceil(this.#slices.sizeMs / this.#slices.slideMs)
    this.#cursors = bySlice
      ? [new SliceCursor(this.#slices, null)]
      : Array.from({ length: windows }, (_, n) => new SliceCursor(this.#slices, n))
    const { subtaskIndex, parallelism, maxParallelism } = context.subtask
    this.#keyGroups = keyGroupRangeOf(subtaskIndex, parallelism, maxParallelism)
    const reached = context.restored?.readUnion(WATERMARK) ?? []
    this.#restored = new RestoredWatermarks(reached, this.#keyGroups, maxParallelism)
    this.#firing = new WindowFiring(
      this.#groups,
      this.#slices,
      bySlice,
      config.properties,
      context.output,
      () => context.nowMs(),
      this.#restored,
    )
  }

  open(): void {
    const { leastMs } = this.#restored
    if (leastMs !== null) {
      this.#watermark = leastMs
      this.#firing.startAt(leastMs)
    }
    this.#scheduleTimer()
  }

  processBatch(_input: number, batch: ColumnBatch): void {
    if (batch.rowCount === 0) return
    if (this.#input === null) this.#addMerged(batch)
    else this.#addRows(this.#input, batch)
  }

  processWatermark(timestampMs: number): void {
    // Processing time: the clock fires windows; at the very end those still open leave too.
    if (this.#config.rowtime === null && timestampMs !== WATERMARK_MAX) return
    if (timestampMs > this.#watermark) this.#advance(timestampMs)
  }

  endInput(): void {}

  isBlocked(): boolean {
    return !this.#firing.isDone
  }

  resume(): void {
    this.#firing.resume()
  }

  snapshot(): OperatorSnapshot {
    return { union: { [WATERMARK]: this.#restored.itemsAt(this.#watermark, this.#keyGroups) } }
  }

  close(): void {
    this.#closed = true
    this.#cancelTimer?.()
  }

  /** Input columns: keys, slice end, words. */
  #addMerged(batch: ColumnBatch): void {
    const keyCount = this.#config.keys.length
    const { rowCount, columns } = batch
    const sliceEnds = (columns[keyCount] as Float64Column).values
    const words = columns.slice(keyCount + 1)
    const ends = this.#endsOf(this.#cursors[0]!, rowCount, sliceEnds, -1)
    this.#groups.merge(columns.slice(0, keyCount), ends, rowCount, words)
    if (this.#late === 0) return
    const rows = (words[0] as Float64Column).values
    let dropped = 0
    for (let i = 0; i < rowCount; i++) {
      if (Number.isNaN(ends[i]) && this.#hasWindow(sliceEnds[i]!)) dropped += rows[i]!
    }
    this.#context.metrics.numLateRecordsDropped += dropped
  }

  #hasWindow(sliceEnd: number): boolean {
    return this.#slices.firstWindowEnd(sliceEnd) <= this.#slices.lastWindowEnd(sliceEnd)
  }

  #addRows(input: AggregateInput, batch: ColumnBatch): void {
    const { rowCount } = batch
    input.read(batch)
    const times = input.rowtime === null ? this.#processingTimes(rowCount) : input.rowtime.values
    for (let n = 0; n < this.#cursors.length; n++) {
      const ends = this.#endsOf(this.#cursors[n]!, rowCount, times, 0)
      this.#groups.update(input.keys, ends, rowCount, input.arguments)
      if (n === 0) this.#context.metrics.numLateRecordsDropped += this.#late
    }
    if (input.rowtime === null) this.#scheduleTimer()
  }

  /**
   * Of each row (its time is `times[i] + shift`) the end of its slice or window, NaN to leave it
   * out; counts late rows.
   */
  #endsOf(cursor: SliceCursor, rowCount: number, times: Float64Array, shift: number): Float64Array {
    if (this.#ends.length < rowCount) this.#ends = new Float64Array(rowCount)
    const ends = this.#ends
    this.#late = 0
    for (let i = 0; i < rowCount; i++) {
      const time = times[i]! + shift
      if (!(time >= cursor.startMs && time < cursor.endMs)) cursor.move(time, this.#watermark)
      ends[i] = cursor.group
      if (cursor.late) this.#late++
    }
    return ends
  }

  #processingTimes(rowCount: number): Float64Array {
    if (this.#times.length < rowCount) this.#times = new Float64Array(rowCount)
    // Should the clock step back, rows go to the earliest window that has not fired.
    const nowMs = Math.max(this.#context.nowMs(), this.#watermark + 1)
    return this.#times.fill(nowMs, 0, rowCount)
  }

  #advance(watermarkMs: number): void {
    this.#watermark = watermarkMs
    for (const cursor of this.#cursors) cursor.reset()
    this.#firing.fireThrough(watermarkMs)
  }

  /** Processing time: at the next window end, as long as there are groups. */
  #scheduleTimer(): void {
    if (this.#config.rowtime !== null || this.#cancelTimer !== null || this.#closed) return
    if (this.#groups.table.size === 0) return
    const nowMs = this.#context.nowMs()
    const delayMs = this.#slices.firstWindowEndAfter(nowMs - 1) - nowMs
    this.#cancelTimer = this.#context.mailbox.schedule(delayMs, () => {
      this.#cancelTimer = null
      if (this.#closed) return
      this.#context.metrics.numFiredTimers++
      const throughMs = this.#context.nowMs() - 1
      if (throughMs > this.#watermark) this.#advance(throughMs)
      this.#scheduleTimer()
    })
  }
}
