/**
 * `table-source`: a connector's reader as the head of a chain.
 *
 * reader → batch of one split → watermark of the split → filter and projection → output. Splits come from the
 * coordinator or from
 * restored state. Invariant: a watermark goes out only after the rows that it was read from; the last element is
 * WATERMARK_MAX.
 *
 * Idleness is measured on a clock that stands still while the output is full: a split whose rows wait here because
 * of backpressure
 * has not fallen silent.
 */
import type {
  ConnectorRegistry,
  Format,
  ReaderOutput,
  SourceReader,
  SourceSplit,
} from '@millrace/connector'
import {
  type ColumnBatch,
  type OperatorContext,
  type OperatorSnapshot,
  type PollResult,
  type SourceOperator,
  WATERMARK_MAX,
  WATERMARK_MIN,
} from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { compileFilterAndProject } from '../evaluate/compile-columns.ts'
import { evaluationSettings } from '../evaluate/evaluation-settings.ts'
import type { TableSourceConfig, WatermarkConfig } from '../operator-config.ts'
import { findConnector } from './find-connector.ts'
import type { SourceEvent } from './source-coordinator.ts'
import { readSplits, snapshotSplits } from './split-state.ts'
import { type CombinedWatermark, SplitWatermarks } from './split-watermarks.ts'
import { WatermarkReader } from './watermark-reader.ts'

/** A split that is behind others for this long is named as the one that holds the watermark. */
const HOLD_AFTER_MS = 1000

export interface TableSourceParts {
  readonly connectors: ConnectorRegistry
  readonly formats: ReadonlyMap<string, Format>
  readonly platform: Platform
}

export class TableSource implements SourceOperator, ReaderOutput {
  readonly #context: OperatorContext
  readonly #reader: SourceReader
  readonly #project: (batch: ColumnBatch) => ColumnBatch
  readonly #watermark: WatermarkConfig | null
  readonly #watermarkReader: WatermarkReader | null
  readonly #splits: SplitWatermarks
  #emitted = WATERMARK_MIN
  #idle = false
  #ended = false
  #opened = false
  #closed = false
  #early: SourceEvent[] = []
  #cancelTick: (() => void) | null = null
  #wake: (() => void) | null = null
  #awake = false
  /** The idle clock and the monotonic time up to which it was advanced: a wall clock that jumps silences nobody. */
  #clockMs = 0
  #clockAtMs: number
  #wasBlocked = false

  constructor(config: TableSourceConfig, context: OperatorContext, parts: TableSourceParts) {
    this.#context = context
    this.#watermark = config.watermark
    this.#splits = new SplitWatermarks(config.watermark?.emptySplitHolds ?? false)
    this.#clockAtMs = context.monotonicMs()
    const decoded = {
      fields: config.projection.map((index) => config.physicalSchema.fields[index]!),
    }
    const settings = evaluationSettings(decoded, context)
    this.#project = compileFilterAndProject(config.filter, config.output, settings)
    this.#watermarkReader =
      config.watermark === null
        ? null
        : new WatermarkReader(config.watermark.rowtime, config.watermark.watermark, settings)
    const source = findConnector(parts.connectors, config.connector, 'source', config.tableName)
    this.#reader = source.createReader(config.config, {
      platform: parts.platform,
      jobId: context.subtask.jobId,
      jobName: context.subtask.jobName,
      tableName: config.tableName,
      subtask: context.subtask,
      metrics: context.metrics,
      schema: config.physicalSchema,
      projection: config.projection,
      formats: parts.formats,
      sendToEnumerator: (event) => this.#sendToEnumerator(event),
      wakeUp: () => this.#wakeUp(),
      fail: (error) => context.mailbox.fail(error),
      checkpointingEnabled: context.checkpointingEnabled,
    })
  }

  async open(): Promise<void> {
    await this.#reader.start()
    const state = this.#context.restored
    const restored = state === null ? [] : readSplits(state)
    this.#opened = true
    if (restored.length > 0) {
      this.#addSplits(restored.map(({ eventTime: _, ...split }) => split))
    }
    for (const { id, eventTime } of restored) {
      if (eventTime != null) this.#splits.restore(id, eventTime)
    }
    for (const event of this.#early) this.#handle(event)
    this.#early = []
    this.#scheduleTick()
  }

  poll(): PollResult {
    if (this.#ended) return 'end-of-input'
    this.#advanceClock()
    this.#awake = false
    const result = this.#reader.poll(this)
    if (result === 'end-of-input') this.#end()
    this.#wasBlocked = !this.#context.output.isAvailable()
    return result
  }

  whenAvailable(): Promise<void> {
    if (this.#awake || this.#ended) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  emit(splitId: string, batch: ColumnBatch): void {
    const { metrics, output } = this.#context
    if (batch.rowCount === 0) return
    const watermarks = this.#watermarkReader
    if (watermarks !== null) {
      watermarks.read(batch)
      const nowMs = this.#context.nowMs()
      const split = this.#splits.get(splitId) ?? this.#splits.add(splitId, splitId, 0, nowMs)
      this.#splits.advance(
        split,
        watermarks.watermarkMs,
        watermarks.eventTimeMs,
        this.#clockMs,
        nowMs,
      )
      metrics.currentEmitEventTimeLag = nowMs - watermarks.eventTimeMs
    }
    // Before the row: an idle channel's rows would be late as soon as the others have gone on.
    this.#leaveIdle()
    const projected = this.#project(batch)
    if (projected.rowCount > 0) output.emitBatch(projected)
    if (this.#watermark?.emit === 'on-event') this.#emitWatermark()
  }

  splitCaughtUpEmpty(splitId: string): void {
    this.#splits.caughtUpEmpty(splitId)
  }

  splitFinished(splitId: string): void {
    this.#splits.finish(splitId)
    this.#context.metrics.gauges.delete(`split.${splitId}.currentWatermark`)
  }

  snapshot(checkpointId: number): OperatorSnapshot {
    const splits = this.#reader.snapshot(checkpointId)
    return snapshotSplits(
      splits.map((split) => ({ ...split, eventTime: this.#splits.eventTimeOf(split.id) })),
    )
  }

  async notifyCheckpointComplete(checkpointId: number): Promise<void> {
    await this.#reader.notifyCheckpointComplete?.(checkpointId)
  }

  handleCoordinatorEvent(event: unknown): void {
    if (this.#opened) this.#handle(event as SourceEvent)
    else this.#early.push(event as SourceEvent)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelTick?.()
    this.#wakeUp()
    await this.#reader.close()
  }

  #handle(event: SourceEvent): void {
    switch (event.type) {
      case 'assign':
        this.#addSplits(event.splits)
        break
      case 'no-more':
        this.#reader.noMoreSplits()
        this.#splits.settle()
        break
      case 'settled':
        this.#splits.settle()
        break
      case 'event':
        this.#reader.handleEnumeratorEvent?.(event.event)
        break
    }
    this.#wakeUp()
  }

  #addSplits(splits: readonly SourceSplit[]): void {
    for (const split of splits) {
      this.#splits.add(split.id, split.description, this.#clockMs, this.#context.nowMs())
    }
    this.#leaveIdle()
    this.#reader.addSplits(splits)
  }

  #sendToEnumerator(event: unknown): void {
    this.#context.sendToCoordinator({ type: 'event', event }).catch((error: unknown) => {
      if (!this.#closed) this.#context.mailbox.fail(error)
    })
  }

  #wakeUp(): void {
    this.#awake = true
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }

  #end(): void {
    this.#ended = true
    this.#cancelTick?.()
    this.#context.metrics.watermarkHold = null
    this.#leaveIdle()
    this.#emitted = WATERMARK_MAX
    this.#context.metrics.currentOutputWatermark = WATERMARK_MAX
    this.#context.output.emitWatermark(WATERMARK_MAX)
  }

  #advanceClock(): void {
    const nowMs = this.#context.monotonicMs()
    if (!this.#wasBlocked && nowMs > this.#clockAtMs) this.#clockMs += nowMs - this.#clockAtMs
    this.#clockAtMs = nowMs
  }

  #scheduleTick(): void {
    const watermark = this.#watermark
    if (watermark === null || this.#closed || this.#ended) return
    const { idleTimeoutMs, emitIntervalMs } = watermark
    const intervals = [200]
    if (emitIntervalMs > 0) intervals[0] = emitIntervalMs
    if (idleTimeoutMs > 0) intervals.push(Math.max(1, idleTimeoutMs / 4))
    this.#cancelTick = this.#context.mailbox.schedule(Math.min(...intervals), () => {
      this.#tick(watermark)
      this.#scheduleTick()
    })
  }

  #tick(watermark: WatermarkConfig): void {
    if (this.#closed || this.#ended) return
    this.#advanceClock()
    this.#wasBlocked = !this.#context.output.isAvailable()
    this.#splits.detectIdle(this.#clockMs, watermark.idleTimeoutMs)
    if (watermark.emit === 'on-event' || watermark.emitIntervalMs > 0) this.#emitWatermark()
    const { gauges } = this.#context.metrics
    for (const split of this.#splits.all()) {
      gauges.set(`split.${split.id}.currentWatermark`, split.watermark)
    }
  }

  #emitWatermark(): void {
    const combined = this.#splits.combine()
    const { metrics, output } = this.#context
    if (!combined.idle) this.#leaveIdle()
    if (combined.watermark > this.#emitted) {
      this.#emitted = combined.watermark
      metrics.currentOutputWatermark = combined.watermark
      output.emitWatermark(combined.watermark)
    }
    if (combined.idle && !this.#idle) {
      this.#idle = true
      output.emitWatermarkStatus(true)
    }
    this.#reportHold(combined)
  }

  #leaveIdle(): void {
    if (!this.#idle) return
    this.#idle = false
    this.#context.output.emitWatermarkStatus(false)
  }

  #reportHold(combined: CombinedWatermark): void {
    const { holder } = combined
    const { metrics } = this.#context
    const silent = holder !== null && !holder.delivered
    const quiet = holder !== null && this.#clockMs - holder.lastActivityMs >= HOLD_AFTER_MS
    if (holder === null || !(silent || quiet)) {
      metrics.watermarkHold = null
      return
    }
    metrics.watermarkHold = {
      what: holder.description,
      sinceMs: holder.sinceMs,
      lastEventTimeMs: holder.lastEventTimeMs,
      certain: silent || combined.uneven,
      hint: `${silent ? 'No record since the start' : 'No record for a while'}; ${
        this.#watermark?.idleTimeoutMs === 0
          ? "set 'table.exec.source.idle-timeout' to let a silent partition go idle."
          : `it goes idle after ${this.#watermark?.idleTimeoutMs} ms without a record.`
      }`,
    }
  }
}
