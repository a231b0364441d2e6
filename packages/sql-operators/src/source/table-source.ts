/**
 * `table-source`: a connector's reader as the head of a chain.
 *
 * reader → batch of one split → watermark of the split → filter and projection → output. Splits
 * come from the coordinator or from restored state. Invariant: a watermark goes out only after the
 * rows that it was read from; the end of time is the task's to send.
 *
 * Idleness is measured on a clock that stands still while the output is full, and while the whole
 * process does: a split whose rows wait here has not fallen silent.
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
import { compileFilterAndProject, emitProjected } from '../evaluate/compile-columns.ts'
import { evaluationSettings } from '../evaluate/evaluation-settings.ts'
import type { TableSourceConfig, WatermarkConfig } from '../operator-config.ts'
import { findConnector } from './find-connector.ts'
import type { SourceEvent } from './source-coordinator.ts'
import { readSplits, type SnapshottedSplit, snapshotSplits } from './split-state.ts'
import {
  type CombinedWatermark,
  EMPTY_SPLIT_HOLD_MS,
  type SplitWatermark,
  SplitWatermarks,
} from './split-watermarks.ts'
import { WatermarkReader } from './watermark-reader.ts'
import { WatermarkedRows } from './watermarked-rows.ts'

/** A split that is behind others for this long is named as the one that holds the watermark. */
const HOLD_AFTER_MS = 1000
/** Without a shorter interval, of `#tick`. */
const TICK_MS = 200

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
  /** Null: the table has no watermark. */
  readonly #rows: WatermarkedRows | null
  readonly #splits: SplitWatermarks
  /** Restored: what was sent before goes out again first, for gates that start anew. */
  #sentBefore = WATERMARK_MIN
  #idle = false
  #ended = false
  #opened = false
  #closed = false
  #early: SourceEvent[] = []
  #cancelTick: (() => void) | null = null
  /** Until the next tick, when it was scheduled. */
  #tickMs = TICK_MS
  #wake: (() => void) | null = null
  #awake = false
  /**
   * The idle clock and the monotonic time up to which it was advanced: a wall clock that jumps
   * silences nobody.
   */
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
    this.#rows =
      config.watermark === null || this.#watermarkReader === null
        ? null
        : new WatermarkedRows(this.#watermarkReader, config.watermark, context.output, (batch) =>
            this.#emitRows(batch),
          )
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
      this.#addSplits(restored.map(({ eventTime: _, sentMs: __, ...split }) => split))
    }
    this.#restoreEventTimes(restored)
    for (const event of this.#early) this.#handle(event)
    this.#early = []
    this.#scheduleTick()
  }

  poll(): PollResult {
    if (this.#ended) return 'end-of-input'
    this.#advanceClock()
    if (this.#sentBefore !== WATERMARK_MIN) this.#sendAgain()
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

  readonly #emitBatch = (batch: ColumnBatch): void => this.#context.output.emitBatch(batch)

  emit(splitId: string, batch: ColumnBatch): void {
    if (batch.rowCount === 0) return
    // Before the row: an idle channel's rows would be late as soon as the others have gone on.
    this.#leaveIdle()
    const watermarks = this.#watermarkReader
    if (watermarks === null || this.#rows === null) {
      this.#emitRows(batch)
      return
    }
    watermarks.read(batch)
    const { watermarkMs, eventTimeMs } = watermarks
    const nowMs = this.#context.nowMs()
    const split = this.#splits.get(splitId) ?? this.#splits.add(unknownSplit(splitId), 0, nowMs)
    const seenMs = split.watermark
    const hadDelivered = split.delivered
    this.#splits.advance(split, watermarkMs, eventTimeMs, this.#clockMs, nowMs)
    if (!hadDelivered) this.#scheduleTick()
    this.#context.metrics.currentEmitEventTimeLag = nowMs - eventTimeMs
    this.#rows.emit(batch, seenMs, this.#splits.leastBeside(split))
  }

  /** Rows of the batch in hand wait for the output. */
  isBlocked(): boolean {
    return this.#rows?.isBlocked === true
  }

  resume(): void {
    this.#rows?.resume()
  }

  #emitRows(batch: ColumnBatch): void {
    emitProjected(this.#project, batch, this.#emitBatch)
  }

  splitCaughtUpEmpty(splitId: string): void {
    this.#splits.caughtUpEmpty(splitId, this.#clockMs)
    this.#scheduleTick()
  }

  splitFinished(splitId: string): void {
    this.#splits.finish(splitId)
    this.#context.metrics.gauges.delete(`split.${splitId}.currentWatermark`)
  }

  snapshot(checkpointId: number): OperatorSnapshot {
    const splits = this.#reader.snapshot(checkpointId)
    const reachedMs = this.#rows?.sentMs ?? WATERMARK_MIN
    const sentMs = reachedMs === WATERMARK_MIN ? null : reachedMs
    return snapshotSplits(
      splits.map((split) => ({ ...split, eventTime: this.#splits.eventTimeOf(split.id), sentMs })),
    )
  }

  /**
   * What the smallest of their readers had sent counts as sent: which rows are late stays as it
   * was. Of splits that have delivered nothing too: beside others that were further, at another
   * parallelism, their first rows would be late.
   */
  #restoreEventTimes(restored: readonly SnapshottedSplit[]): void {
    let sentMs = WATERMARK_MAX
    for (const { id, eventTime, sentMs: readerSentMs } of restored) {
      sentMs = Math.min(sentMs, readerSentMs ?? WATERMARK_MIN)
      if (eventTime != null) this.#splits.restore(id, eventTime)
    }
    if (sentMs !== WATERMARK_MAX) this.#sentBefore = sentMs
  }

  #sendAgain(): void {
    this.#rows?.send(this.#sentBefore)
    this.#sentBefore = WATERMARK_MIN
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
      this.#splits.add(split, this.#clockMs, this.#context.nowMs())
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
  }

  #advanceClock(): void {
    const nowMs = this.#context.monotonicMs()
    // A tick that is long overdue: nothing was read meanwhile either.
    const passedMs = Math.min(nowMs - this.#clockAtMs, 2 * this.#tickMs)
    if (!this.#wasBlocked && passedMs > 0) this.#clockMs += passedMs
    this.#clockAtMs = nowMs
  }

  #scheduleTick(): void {
    const watermark = this.#watermark
    if (watermark === null || this.#closed || this.#ended) return
    const { idleTimeoutMs, emitIntervalMs } = watermark
    const intervals = [emitIntervalMs > 0 ? emitIntervalMs : TICK_MS]
    if (idleTimeoutMs > 0) intervals.push(Math.max(1, idleTimeoutMs / 4))
    // While one of these holds there is no watermark that could go out too often.
    if (this.#splits.awaitsEmpty) intervals.push(EMPTY_SPLIT_HOLD_MS / 4)
    this.#tickMs = Math.min(...intervals)
    this.#cancelTick?.()
    this.#cancelTick = this.#context.mailbox.schedule(this.#tickMs, () => {
      this.#tick(watermark)
      this.#scheduleTick()
    })
  }

  #tick(watermark: WatermarkConfig): void {
    if (this.#closed || this.#ended) return
    this.#advanceClock()
    this.#wasBlocked = !this.#context.output.isAvailable()
    const fellSilent = this.#splits.detectIdle(this.#clockMs, watermark.idleTimeoutMs)
    const letGo = this.#splits.letEmptyGo(this.#clockMs)
    const combined = this.#splits.combine()
    if (watermark.periodic || fellSilent || letGo || combined.idle) this.#emitWatermark(combined)
    this.#reportHold(combined)
    const { gauges } = this.#context.metrics
    for (const split of this.#splits.all()) {
      gauges.set(`split.${split.id}.currentWatermark`, split.watermark)
    }
  }

  #emitWatermark(combined: CombinedWatermark): void {
    if (this.isBlocked()) return
    if (!combined.idle) this.#leaveIdle()
    this.#rows?.send(combined.watermark)
    if (combined.idle && !this.#idle) {
      this.#idle = true
      this.#context.output.emitWatermarkStatus(true)
    }
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
      reason: 'silent',
      sinceMs: holder.sinceMs,
      lastEventTimeMs: holder.lastEventTimeMs,
      certain: silent || combined.uneven,
      hint: this.#hintOf(holder),
    }
  }

  #hintOf({ delivered, emptySinceMs, silence }: SplitWatermark): string {
    if (emptySinceMs !== Number.POSITIVE_INFINITY && this.#watermark?.emptySplitHolds === false) {
      return `It is empty, and holds the watermark for ${EMPTY_SPLIT_HOLD_MS} ms: its first rows may be on their way.`
    }
    const idleTimeoutMs = this.#watermark?.idleTimeoutMs
    const since = delivered ? 'No record for a while' : 'No record since the start'
    const until =
      idleTimeoutMs === 0
        ? "set 'table.exec.source.idle-timeout' to let it go idle."
        : `it goes idle after ${idleTimeoutMs} ms without a record.`
    return `${silence ?? since}; ${until}`
  }
}

const unknownSplit = (id: string) => ({ id, description: id })
