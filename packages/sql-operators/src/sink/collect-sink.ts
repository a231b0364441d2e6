/**
 * `collect-sink`: hands the rows of a SELECT to its coordinator, page by page; parallelism 1.
 *
 * End of the record path. Rows stay here, and in every checkpoint, until the client has acknowledged them, so the
 * coordinator may be
 * lost at any time. Invariant: row n keeps its offset; after a failure the rows after the restored checkpoint are
 * made again under the
 * same offsets, and none of them had been visible, because rows become visible when the checkpoint behind them is
 * complete
 * (at once in a job without checkpoints).
 */
import {
  type ColumnBatch,
  encodeUtf8,
  type Operator,
  type OperatorContext,
  type OperatorSnapshot,
  rowToJson,
} from '@millrace/core'
import { sqlOperatorError } from '../error-codes.ts'
import type { CollectSinkConfig } from '../operator-config.ts'
import {
  COLLECT_BUFFER_ROWS,
  COLLECT_FLUSH_INTERVAL_MS,
  COLLECT_UNCOMMITTED_ROWS_MAX,
} from '../sql-operators-options.ts'
import type { CollectAnswer, CollectEvent, CollectedRow } from './collect-protocol.ts'

const STATE = 'collect'
const PAGE_ROWS = 1000
const RETRY_MS = 50

interface CollectState {
  /** Offset of the first of `rows`. */
  readonly base: number
  readonly rows: readonly CollectedRow[]
}

export class CollectSink implements Operator {
  readonly #config: CollectSinkConfig
  readonly #context: OperatorContext
  readonly #bufferRowsMax: number
  readonly #uncommittedRowsMax: number
  readonly #flushIntervalMs: number
  /** Rows from offset `#base` on: everything the client has not acknowledged. */
  #rows: CollectedRow[] = []
  #base = 0
  /** Everything below was accepted by the coordinator. */
  #sent = 0
  #visible = 0
  #reportedVisible = 0
  #sending = false
  #started = false
  #ended = false
  #endReported = false
  #closed = false
  #timer: (() => void) | null = null
  readonly #offsetAtBarrier = new Map<number, number>()
  #drained: (() => void) | null = null

  constructor(config: CollectSinkConfig, context: OperatorContext) {
    this.#config = config
    this.#context = context
    this.#bufferRowsMax = context.configuration.get(COLLECT_BUFFER_ROWS)
    this.#uncommittedRowsMax = context.configuration.get(COLLECT_UNCOMMITTED_ROWS_MAX)
    this.#flushIntervalMs = context.configuration.get(COLLECT_FLUSH_INTERVAL_MS)
  }

  async open(): Promise<void> {
    for (const bytes of this.#context.restored?.readList(STATE) ?? []) {
      const state = JSON.parse(new TextDecoder().decode(bytes)) as CollectState
      this.#base = state.base
      this.#rows = [...state.rows]
    }
    this.#visible = this.#end()
    this.#reportedVisible = this.#visible
    await this.#sendReset()
  }

  processBatch(_input: number, batch: ColumnBatch): void {
    const options = { localTimeZone: this.#config.localTimeZone }
    for (let row = 0; row < batch.rowCount; row++) {
      const kind = batch.rowKinds === null ? 0 : (batch.rowKinds[row] as number)
      this.#rows.push([kind, ...rowToJson(batch, row, this.#config.schema, options)])
    }
    if (!this.#context.checkpointingEnabled) this.#visible = this.#end()
    else if (this.#end() - this.#visible > this.#uncommittedRowsMax) {
      throw sqlOperatorError(
        'COLLECT_UNCOMMITTED_ROWS',
        `Write the rows into a table, or checkpoint more often; ${this.#end() - this.#visible} rows wait for the next checkpoint.`,
        { hint: "See 'execution.checkpointing.interval'." },
      )
    }
    if (this.#end() - this.#sent >= PAGE_ROWS) this.#send()
    else this.#flushLater(this.#flushIntervalMs)
  }

  processWatermark(_input: number, timestampMs: number): void {
    this.#context.output.emitWatermark(timestampMs)
  }

  processWatermarkStatus(_input: number, idle: boolean): void {
    this.#context.output.emitWatermarkStatus(idle)
  }

  endInput(): void {
    this.#send()
  }

  /** Only rows that could leave count: a row that waits for a checkpoint must let that checkpoint's barrier through. */
  isBlocked(): boolean {
    return this.#visible - this.#base >= this.#bufferRowsMax
  }

  snapshot(checkpointId: number): OperatorSnapshot {
    this.#offsetAtBarrier.set(checkpointId, this.#end())
    const state: CollectState = { base: this.#base, rows: this.#rows }
    return { list: { [STATE]: [encodeUtf8(JSON.stringify(state))] } }
  }

  notifyCheckpointComplete(checkpointId: number): void {
    const offset = this.#offsetAtBarrier.get(checkpointId)
    for (const id of this.#offsetAtBarrier.keys()) {
      if (id <= checkpointId) this.#offsetAtBarrier.delete(id)
    }
    if (offset === undefined) return
    this.#visible = Math.max(this.#visible, offset)
    this.#send()
  }

  notifyCheckpointAborted(checkpointId: number): void {
    this.#offsetAtBarrier.delete(checkpointId)
  }

  /** Resolves when the coordinator has every row and knows that there are no more. */
  async finish(): Promise<void> {
    this.#ended = true
    this.#visible = this.#end()
    if (this.#endReported) return
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve
    })
    this.#send()
    await drained
  }

  close(): void {
    this.#closed = true
    this.#timer?.()
    this.#timer = null
    this.#drained?.()
  }

  #end(): number {
    return this.#base + this.#rows.length
  }

  /** The coordinator takes over what is unacknowledged, whoever it was before. */
  async #sendReset(): Promise<void> {
    const event: CollectEvent = {
      offset: this.#base,
      rows: this.#rows,
      visible: this.#visible,
      reset: true,
    }
    const end = this.#end()
    const answer = (await this.#context.sendToCoordinator(event)) as CollectAnswer
    this.#sent = end
    this.#started = true
    this.#acknowledge(answer.acknowledged)
  }

  #flushLater(delayMs: number): void {
    if (this.#timer !== null || this.#closed) return
    this.#timer = this.#context.mailbox.schedule(delayMs, () => {
      this.#timer = null
      this.#send()
    })
  }

  #hasNews(): boolean {
    return (
      this.#sent < this.#end() ||
      this.#reportedVisible < this.#visible ||
      (this.#ended && !this.#endReported)
    )
  }

  #send(): void {
    if (this.#sending || !this.#started || this.#closed) return
    if (!this.#hasNews()) {
      // Nothing new, but the client's progress is only learnt from answers.
      if (!this.isBlocked()) return
    }
    this.#sending = true
    const rows = this.#rows.slice(this.#sent - this.#base, this.#sent - this.#base + PAGE_ROWS)
    const visible = this.#visible
    const ended = this.#ended && this.#sent + rows.length === this.#end()
    const event: CollectEvent = { offset: this.#sent, rows, visible, ended }
    this.#context.sendToCoordinator(event).then(
      (answer) =>
        this.#context.mailbox.post(() => {
          this.#sending = false
          this.#answered(answer as CollectAnswer, event)
        }),
      (error) => {
        if (!this.#closed) this.#context.mailbox.fail(error)
      },
    )
  }

  #answered(answer: CollectAnswer, event: CollectEvent): void {
    if (this.#closed) return
    this.#reportedVisible = Math.max(this.#reportedVisible, event.visible)
    if (answer.accepted) {
      this.#sent = Math.max(this.#sent, event.offset + event.rows.length)
      if (event.ended === true) this.#endReported = true
    }
    this.#acknowledge(answer.acknowledged)
    if (this.#endReported) this.#drained?.()
    if (!answer.accepted || this.isBlocked()) this.#flushLater(RETRY_MS)
    else if (this.#hasNews()) this.#send()
  }

  #acknowledge(offset: number): void {
    const count = Math.min(offset, this.#sent) - this.#base
    if (count <= 0) return
    this.#rows.splice(0, count)
    this.#base += count
  }
}
