/**
 * Emits generated rows as they fall due; its splits are arithmetic, so a position is a row count.
 */
import type { ReaderContext, ReaderOutput, SourceReader, SourceSplit } from '@millrace/connector'
import { BATCH_BYTES_MAX, BATCH_ROWS_TARGET, ColumnBatch, type Field } from '@millrace/core'
import type { DatagenConfig, DatagenSplit } from './datagen-config.ts'
import type { FieldPlan } from './field-plan.ts'
import { generateColumn, type RowRange } from './field-values.ts'

/** Rows are handed over in groups at least this far apart. */
const WAKE_INTERVAL_MS = 20
/** Rows that fell due while nobody polled are made up for, up to this much. */
const CATCH_UP_MS = 1000

interface OpenSplit {
  readonly split: DatagenSplit
  emitted: number
  /** Monotonic ms at which row 0 of this run was due, and rows emitted before. */
  originMs: number
  originRows: number
}

export class DatagenReader implements SourceReader {
  readonly #config: DatagenConfig
  readonly #context: ReaderContext
  #open: OpenSplit[] = []
  /** Rows of a batch at most: fewer of long texts. */
  readonly #batchRows: number
  #turn = 0
  #noMoreSplits = false
  #closed = false
  #cancelTimer: (() => void) | null = null

  constructor(config: DatagenConfig, context: ReaderContext) {
    this.#config = config
    this.#context = context
    const rowBytes = context.projection.reduce((sum, column) => {
      const plan = config.fields[column]
      const isText = context.schema.fields[column]?.type.kind === 'STRING'
      return isText && plan?.kind === 'random' ? sum + plan.length : sum
    }, 1)
    this.#batchRows = Math.max(
      1,
      Math.min(BATCH_ROWS_TARGET, Math.floor(BATCH_BYTES_MAX / rowBytes)),
    )
  }

  start(): void {}

  addSplits(splits: readonly SourceSplit[]): void {
    const originMs = this.#context.platform.clock.monotonicMs()
    for (const split of splits as readonly DatagenSplit[]) {
      const { emitted } = split.position
      this.#open.push({ split, emitted, originMs, originRows: emitted })
    }
    this.#context.wakeUp()
  }

  noMoreSplits(): void {
    this.#noMoreSplits = true
    this.#context.wakeUp()
  }

  poll(output: ReaderOutput): 'more' | 'empty' | 'end-of-input' {
    if (this.#closed) return 'empty'
    const nowMs = this.#context.platform.clock.monotonicMs()
    for (let tried = 0; tried < this.#open.length; tried++) {
      this.#turn = (this.#turn + 1) % this.#open.length
      const open = this.#open[this.#turn] as OpenSplit
      const left = this.#rowsLeft(open)
      if (left <= 0) {
        this.#open = this.#open.filter((other) => other !== open)
        this.#turn = 0
        output.splitFinished(open.split.id)
        return 'more'
      }
      const count = Math.min(left, this.#rowsDue(open, nowMs), this.#batchRows)
      if (count > 0) {
        this.#emit(open, count, output)
        return 'more'
      }
    }
    if (this.#open.length === 0) return this.#noMoreSplits ? 'end-of-input' : 'empty'
    this.#wakeLater(nowMs)
    return 'empty'
  }

  #rowsLeft({ split, emitted }: OpenSplit): number {
    const { rowLimit } = this.#config
    if (rowLimit === null) return Number.POSITIVE_INFINITY
    const { index, count } = split.position
    return Math.ceil((rowLimit - index) / count) - emitted
  }

  #rowsPerMs({ split }: OpenSplit): number {
    return this.#config.rowsPerSecond / 1000 / split.position.count
  }

  #rowsDue(open: OpenSplit, nowMs: number): number {
    const rate = this.#rowsPerMs(open)
    const behindMs = nowMs - open.originMs - (open.emitted - open.originRows) / rate
    if (behindMs > CATCH_UP_MS) {
      open.originMs = nowMs - CATCH_UP_MS
      open.originRows = open.emitted
    }
    return Math.floor((nowMs - open.originMs) * rate) - (open.emitted - open.originRows)
  }

  #wakeLater(nowMs: number): void {
    if (this.#cancelTimer !== null) return
    let delayMs = Number.POSITIVE_INFINITY
    for (const open of this.#open) {
      const dueMs = open.originMs + (open.emitted - open.originRows + 1) / this.#rowsPerMs(open)
      delayMs = Math.min(delayMs, dueMs - nowMs)
    }
    const wait = Math.min(2 ** 31 - 1, Math.max(WAKE_INTERVAL_MS, Math.ceil(delayMs)))
    this.#cancelTimer = this.#context.platform.clock.setTimer(wait, () => {
      this.#cancelTimer = null
      if (!this.#closed) this.#context.wakeUp()
    })
  }

  #emit(open: OpenSplit, count: number, output: ReaderOutput): void {
    const { index, count: step, seed, startMs } = open.split.position
    const first = index + open.emitted * step
    const msPerRow = 1000 / this.#config.rowsPerSecond
    const range: RowRange = {
      seed,
      first,
      step,
      count,
      timeMs: (i) => startMs + (first + i * step) * msPerRow,
    }
    const columns = this.#context.projection.map((column) =>
      generateColumn(
        this.#context.schema.fields[column] as Field,
        this.#config.fields[column] as FieldPlan,
        column,
        range,
      ),
    )
    open.emitted += count
    output.emit(open.split.id, new ColumnBatch(count, columns))
  }

  snapshot(): readonly DatagenSplit[] {
    return this.#open.map(({ split, emitted }) => ({
      ...split,
      position: { ...split.position, emitted },
    }))
  }

  close(): void {
    this.#closed = true
    this.#cancelTimer?.()
  }
}
