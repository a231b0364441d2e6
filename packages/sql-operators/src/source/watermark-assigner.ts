/**
 * `watermark-assigner`: watermarks for a rowtime that a view or a sub-query computes above the source.
 *
 * One input, one watermark: it replaces the watermarks from above, except WATERMARK_MAX, which ends event time.
 * Invariant: as in the
 * source, a watermark follows the rows that it was read from and never goes back.
 */
import {
  type ColumnBatch,
  type Operator,
  type OperatorContext,
  type OperatorSnapshot,
  WATERMARK_MAX,
  WATERMARK_MIN,
} from '@millrace/core'
import { evaluationSettings } from '../evaluate/evaluation-settings.ts'
import type { WatermarkAssignerConfig } from '../operator-config.ts'
import { WatermarkReader } from './watermark-reader.ts'

export class WatermarkAssigner implements Operator {
  readonly #config: WatermarkAssignerConfig
  readonly #context: OperatorContext
  readonly #reader: WatermarkReader
  #seen = WATERMARK_MIN
  #emitted = WATERMARK_MIN
  #idle = false
  #inputIdle = false
  /** Monotonic. */
  #lastRowMs: number
  #cancelTick: (() => void) | null = null
  #closed = false

  constructor(config: WatermarkAssignerConfig, context: OperatorContext) {
    this.#config = config
    this.#context = context
    this.#lastRowMs = context.monotonicMs()
    const settings = evaluationSettings(config.schema, context)
    this.#reader = new WatermarkReader(config.rowtime, config.watermark, settings)
  }

  open(): void {
    this.#scheduleTick()
  }

  processBatch(_input: number, batch: ColumnBatch): void {
    this.#lastRowMs = this.#context.monotonicMs()
    if (batch.rowCount === 0) return
    this.#setIdle(false)
    this.#reader.read(batch)
    this.#seen = Math.max(this.#seen, this.#reader.watermarkMs)
    this.#context.output.emitBatch(batch)
    if (this.#config.emit === 'on-event') this.#emit()
  }

  processWatermark(_input: number, timestampMs: number): void {
    if (timestampMs !== WATERMARK_MAX) return
    this.#setIdle(false)
    this.#seen = WATERMARK_MAX
    this.#emit()
  }

  processWatermarkStatus(_input: number, idle: boolean): void {
    this.#inputIdle = idle
    this.#setIdle(idle)
  }

  endInput(): void {
    this.#seen = WATERMARK_MAX
    this.#emit()
  }

  snapshot(): OperatorSnapshot {
    return {}
  }

  close(): void {
    this.#closed = true
    this.#cancelTick?.()
  }

  #emit(): void {
    if (this.#seen <= this.#emitted) return
    this.#emitted = this.#seen
    this.#context.metrics.currentOutputWatermark = this.#seen
    this.#context.output.emitWatermark(this.#seen)
  }

  #setIdle(idle: boolean): void {
    if (idle === this.#idle) return
    this.#idle = idle
    this.#context.output.emitWatermarkStatus(idle)
  }

  #scheduleTick(): void {
    if (this.#closed || this.#emitted === WATERMARK_MAX) return
    const { emitIntervalMs, idleTimeoutMs, emit } = this.#config
    const delayMs = emitIntervalMs > 0 ? emitIntervalMs : 200
    this.#cancelTick = this.#context.mailbox.schedule(delayMs, () => {
      if (this.#closed) return
      if (emit === 'on-event' || emitIntervalMs > 0) this.#emit()
      const blocked = !this.#context.output.isAvailable()
      if (blocked) this.#lastRowMs = this.#context.monotonicMs()
      const silentMs = this.#context.monotonicMs() - this.#lastRowMs
      if (this.#inputIdle || (idleTimeoutMs > 0 && silentMs >= idleTimeoutMs)) this.#setIdle(true)
      this.#scheduleTick()
    })
  }
}
