/**
 * `watermark-assigner`: watermarks for a rowtime that a view or a sub-query computes
 * above the source.
 *
 * One input, one watermark: it replaces the watermarks from above, except the end of time, which
 * the task passes on. Invariant: as in the source, a watermark follows the rows that it was read
 * from and never goes back.
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
import { WatermarkedRows } from './watermarked-rows.ts'

export class WatermarkAssigner implements Operator {
  readonly makesWatermarks = true
  readonly #config: WatermarkAssignerConfig
  readonly #context: OperatorContext
  readonly #reader: WatermarkReader
  readonly #rows: WatermarkedRows
  #seen = WATERMARK_MIN
  #idle = false
  #inputIdle = false
  /** Monotonic. */
  #lastRowMs: number
  #cancelTick: (() => void) | null = null
  #closed = false
  #ended = false

  constructor(config: WatermarkAssignerConfig, context: OperatorContext) {
    this.#config = config
    this.#context = context
    this.#lastRowMs = context.monotonicMs()
    const settings = evaluationSettings(config.schema, context)
    this.#reader = new WatermarkReader(config.rowtime, config.watermark, settings)
    this.#rows = new WatermarkedRows(this.#reader, config, context.output, (batch) =>
      context.output.emitBatch(batch),
    )
  }

  open(): void {
    this.#scheduleTick()
  }

  processBatch(_input: number, batch: ColumnBatch): void {
    this.#lastRowMs = this.#context.monotonicMs()
    if (batch.rowCount === 0) return
    this.#setIdle(false)
    this.#reader.read(batch)
    const before = this.#seen
    this.#seen = Math.max(before, this.#reader.watermarkMs)
    this.#rows.emit(batch, before, WATERMARK_MAX)
  }

  isBlocked(): boolean {
    return this.#rows.isBlocked
  }

  resume(): void {
    this.#rows.resume()
  }

  processIdle(idle: boolean): void {
    this.#inputIdle = idle
    this.#setIdle(idle)
  }

  endInput(): void {
    this.#ended = true
    this.#cancelTick?.()
  }

  snapshot(): OperatorSnapshot {
    return {}
  }

  close(): void {
    this.#closed = true
    this.#cancelTick?.()
  }

  #setIdle(idle: boolean): void {
    if (idle === this.#idle) return
    this.#idle = idle
    this.#context.output.emitWatermarkStatus(idle)
  }

  #scheduleTick(): void {
    if (this.#closed || this.#ended) return
    const { emitIntervalMs, idleTimeoutMs, periodic } = this.#config
    const delayMs = emitIntervalMs > 0 ? emitIntervalMs : 200
    this.#cancelTick = this.#context.mailbox.schedule(delayMs, () => {
      if (this.#closed || this.#ended) return
      if (periodic && !this.isBlocked()) this.#rows.send(this.#seen)
      const blocked = !this.#context.output.isAvailable()
      if (blocked) this.#lastRowMs = this.#context.monotonicMs()
      const silentMs = this.#context.monotonicMs() - this.#lastRowMs
      if (this.#inputIdle || (idleTimeoutMs > 0 && silentMs >= idleTimeoutMs)) this.#setIdle(true)
      this.#scheduleTick()
    })
  }
}
