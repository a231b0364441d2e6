/**
 * `global-window-aggregate`: second phase of a window aggregate, behind the hash exchange; or the only one
 * (`twoPhase: false`).
 *
 * Pre-aggregated or raw rows → groups of (key, slice) → one row a (key, window) when the watermark, or the clock,
 * reaches the window's
 * end. Keyed state: the groups, and the values of DISTINCT aggregates. Union state: the watermark, so that a row
 * which was late before a
 * failure is late after it too (without it a window that has fired would fire again for such a row).
 */
import {
  type Column,
  type ColumnBatch,
  encodeUtf8,
  type Float64Column,
  hashFloat64,
  type Operator,
  type OperatorContext,
  type OperatorSnapshot,
  WATERMARK_MAX,
  WATERMARK_MIN,
} from '@millrace/core'
import { evaluationSettings } from '../evaluate/evaluation-settings.ts'
import type { WindowAggregateConfig } from '../operator-config.ts'
import { isMergeable, planAccumulators } from './accumulator-plan.ts'
import { AggregateInput } from './aggregate-input.ts'
import { GROUPS, SLICE_END, WATERMARK } from './aggregate-state-names.ts'
import { Aggregation } from './aggregation.ts'
import { readWindowWatermarks } from './read-aggregate-state.ts'
import { SliceCursor } from './slice-cursor.ts'
import { restoreValueCounts, snapshotValueCounts } from './value-count-state.ts'
import { WindowFiring } from './window-firing.ts'
import { WindowSlices } from './window-slices.ts'

export class GlobalWindowAggregate implements Operator {
  readonly #config: WindowAggregateConfig
  readonly #context: OperatorContext
  readonly #aggregation: Aggregation
  /** Null: the input is pre-aggregated. */
  readonly #input: AggregateInput | null
  readonly #slices: WindowSlices
  /** One a window that a row falls into, or a single one when rows are kept by slice. */
  readonly #cursors: readonly SliceCursor[]
  readonly #firing: WindowFiring
  #watermark = WATERMARK_MIN
  /** Watermark to forward once everything that it fired is out. */
  #pending: number | null = null
  #times = new Float64Array(0)
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
    const keyFields = config.outputSchema.fields.slice(0, config.keys.length)
    this.#aggregation = new Aggregation(plan, keyFields)
    this.#slices = new WindowSlices(config.window)
    const bySlice = isMergeable(plan)
    const windows = Math.ceil(this.#slices.sizeMs / this.#slices.slideMs)
    this.#cursors = bySlice
      ? [new SliceCursor(this.#slices, null)]
      : Array.from({ length: windows }, (_, n) => new SliceCursor(this.#slices, n))
    this.#firing = new WindowFiring(
      this.#aggregation,
      this.#slices,
      bySlice,
      config.properties,
      context.output,
      () => context.nowMs(),
    )
  }

  async open(): Promise<void> {
    const { restored } = this.#context
    if (restored !== null) {
      const schema = this.#aggregation.stateSchema([SLICE_END])
      for await (const { rows } of restored.readKeyed(GROUPS, schema)) this.#restoreGroups(rows)
      await restoreValueCounts(this.#aggregation, restored)
      const watermarks = readWindowWatermarks(restored)
      if (watermarks.length > 0) {
        this.#watermark = Math.min(...watermarks)
        this.#firing.startAt(this.#watermark)
      }
    }
    this.#scheduleTimer()
  }

  processBatch(_input: number, batch: ColumnBatch): void {
    if (batch.rowCount === 0) return
    if (this.#input === null) this.#addMerged(batch)
    else this.#addRows(this.#input, batch)
  }

  processWatermark(_input: number, timestampMs: number): void {
    this.#context.metrics.currentInputWatermark = timestampMs
    if (this.#config.rowtime === null) {
      // Processing time: the clock fires windows; at the very end those still open leave too.
      if (timestampMs === WATERMARK_MAX) this.#advance(timestampMs)
      else this.#context.output.emitWatermark(timestampMs)
      return
    }
    if (timestampMs > this.#watermark) this.#advance(timestampMs)
  }

  processWatermarkStatus(_input: number, idle: boolean): void {
    this.#context.output.emitWatermarkStatus(idle)
  }

  endInput(): void {
    if (this.#watermark < WATERMARK_MAX) this.#advance(WATERMARK_MAX)
  }

  isBlocked(): boolean {
    return !this.#firing.isDone
  }

  resume(): void {
    if (!this.#firing.resume()) return
    this.#forward()
  }

  snapshot(): OperatorSnapshot {
    const { maxParallelism } = this.#context.subtask
    const aggregation = this.#aggregation
    const groups = aggregation.snapshotTable(
      GROUPS,
      [SLICE_END],
      (slots) => [aggregation.groupEnds(slots, 0, slots.length)],
      maxParallelism,
    )
    return {
      keyed: [groups, ...snapshotValueCounts(aggregation, maxParallelism)],
      union: { [WATERMARK]: [encodeUtf8(String(this.#watermark))] },
    }
  }

  close(): void {
    this.#closed = true
    this.#cancelTimer?.()
  }

  /** Input columns: keys, slice end, words. */
  #addMerged(batch: ColumnBatch): void {
    const aggregation = this.#aggregation
    const { table } = aggregation
    const keyCount = this.#config.keys.length
    const { rowCount, columns } = batch
    aggregation.resolveKeys(columns.slice(0, keyCount), rowCount)
    const sliceEnds = (columns[keyCount] as Float64Column).values
    const words = columns.slice(keyCount + 1)
    const late = table.resolve(
      rowCount,
      aggregation.keyIds,
      sliceEnds,
      -1,
      this.#cursors[0]!,
      this.#watermark,
      aggregation.slots,
    )
    aggregation.merge(rowCount, words)
    if (late === 0) return
    table.resetWords(0)
    const rows = (words[0] as Float64Column).values
    let dropped = 0
    for (let i = 0; i < rowCount; i++) {
      if (aggregation.slots[i] === 0 && this.#hasWindow(sliceEnds[i]!)) dropped += rows[i]!
    }
    this.#context.metrics.numLateRecordsDropped += dropped
  }

  #hasWindow(sliceEnd: number): boolean {
    return this.#slices.firstWindowEnd(sliceEnd) <= this.#slices.lastWindowEnd(sliceEnd)
  }

  #addRows(input: AggregateInput, batch: ColumnBatch): void {
    const aggregation = this.#aggregation
    const { rowCount } = batch
    input.read(batch)
    const times = input.rowtime === null ? this.#processingTimes(rowCount) : input.rowtime.values
    for (let n = 0; n < this.#cursors.length; n++) {
      const cursor = this.#cursors[n]!
      const late = aggregation.resolveRows(input.keys, rowCount, times, cursor, this.#watermark)
      aggregation.update(rowCount, input.arguments, null)
      if (n === 0) this.#context.metrics.numLateRecordsDropped += late
    }
    aggregation.table.resetWords(0)
    if (input.rowtime === null) this.#scheduleTimer()
  }

  #processingTimes(rowCount: number): Float64Array {
    if (this.#times.length < rowCount) this.#times = new Float64Array(rowCount)
    // Should the clock step back, rows go to the earliest window that has not fired.
    const nowMs = Math.max(this.#context.nowMs(), this.#watermark + 1)
    return this.#times.fill(nowMs, 0, rowCount)
  }

  #advance(watermarkMs: number): void {
    this.#watermark = watermarkMs
    this.#pending = watermarkMs
    for (const cursor of this.#cursors) cursor.reset()
    if (this.#firing.fireThrough(watermarkMs)) this.#forward()
  }

  #forward(): void {
    const oldSlots = this.#aggregation.compactWhenWorthwhile()
    if (oldSlots !== null) for (const cursor of this.#cursors) cursor.reset()
    const watermark = this.#pending
    this.#pending = null
    if (watermark === null) return
    if (this.#config.rowtime === null && watermark !== WATERMARK_MAX) return
    this.#context.metrics.currentOutputWatermark = watermark
    this.#context.output.emitWatermark(watermark)
  }

  /** Processing time: at the next window end, as long as there are groups. */
  #scheduleTimer(): void {
    if (this.#config.rowtime !== null || this.#cancelTimer !== null || this.#closed) return
    if (this.#aggregation.table.liveCount === 0) return
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

  #restoreGroups(rows: ColumnBatch): void {
    const aggregation = this.#aggregation
    const keyCount = this.#config.keys.length
    aggregation.resolveKeys(rows.columns.slice(0, keyCount), rows.rowCount)
    const ends = (rows.columns[keyCount] as Float64Column).values
    for (let i = 0; i < rows.rowCount; i++) {
      const end = ends[i]!
      const key = aggregation.keyIds[i]!
      aggregation.slots[i] = aggregation.table.slotFor(key, end, hashFloat64(end))
    }
    const words: Column[] = rows.columns.slice(keyCount + 1)
    aggregation.merge(rows.rowCount, words)
  }
}
