/**
 * WatermarkedRows: sends a batch's rows, and behind them the watermarks that fell due in it.
 *
 * Between the reader of watermarks and an output, for a source and for an operator that assigns
 * watermarks. Almost always a batch leaves whole; it leaves in pieces where a row has to come after
 * a watermark that the batch itself brought. Invariants: a watermark follows the rows that it was
 * read from and never goes back; no piece leaves while the output is full, so that whoever is
 * behind has been told the watermark before.
 */
import { type ColumnBatch, type Output, sliceBatch, WATERMARK_MIN } from '@millrace/core'
import type { WatermarkConfig } from '../operator-config.ts'
import type { WatermarkReader } from './watermark-reader.ts'

interface Rest {
  readonly batch: ColumnBatch
  readonly limitMs: number
}

export class WatermarkedRows {
  readonly #reader: WatermarkReader
  readonly #intervalMs: number
  readonly #output: Output
  readonly #emitRows: (batch: ColumnBatch) => void
  /** The watermark sent last. */
  sentMs = WATERMARK_MIN
  /** A copy of the rows that wait for the output. */
  #rest: Rest | null = null

  constructor(
    reader: WatermarkReader,
    { emit, emitIntervalMs }: WatermarkConfig,
    output: Output,
    emitRows: (batch: ColumnBatch) => void,
  ) {
    this.#reader = reader
    this.#intervalMs = emit === 'on-event' ? 0 : emitIntervalMs
    this.#output = output
    this.#emitRows = emitRows
  }

  /**
   * Sends the batch that the reader has just read; `seenMs` is the largest watermark of its split
   * before it, `limitMs` what other splits allow.
   */
  emit(batch: ColumnBatch, seenMs: number, limitMs: number): void {
    const reader = this.#reader
    const reachedMs = Math.min(Math.max(seenMs, reader.watermarkMs), limitMs)
    if (reachedMs <= this.sentMs + this.#intervalMs) {
      this.#emitRows(batch)
      return
    }
    reader.startAt(seenMs)
    this.#emitPieces(batch, limitMs)
  }

  /** Sends a watermark that no row made due: the timer did, or a split that fell silent. */
  send(timestampMs: number): void {
    if (timestampMs <= this.sentMs) return
    this.sentMs = timestampMs
    this.#output.emitWatermark(timestampMs)
  }

  get isBlocked(): boolean {
    return this.#rest !== null
  }

  resume(): void {
    const rest = this.#rest
    if (rest === null) return
    this.#rest = null
    this.#reader.read(rest.batch)
    this.#emitPieces(rest.batch, rest.limitMs)
  }

  #emitPieces(batch: ColumnBatch, limitMs: number): void {
    const { rowCount } = batch
    for (let from = 0; from < rowCount; ) {
      const to = this.#reader.scan(from, this.sentMs, limitMs, this.#intervalMs)
      this.#emitRows(from === 0 && to === rowCount ? batch : sliceBatch(batch, from, to))
      this.send(this.#reader.dueMs)
      from = to
      if (from < rowCount && !this.#output.isAvailable()) {
        this.#rest = { batch: sliceBatch(batch, from, rowCount), limitMs }
        return
      }
    }
  }
}
