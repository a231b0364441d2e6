/**
 * `collect-sink`: hands the rows of a SELECT to its coordinator, page by page; parallelism 1.
 *
 * End of the record path. The first row after a pause goes at once, others at most a flush interval
 * later. Rows stay here, and in every checkpoint, until the client has acknowledged them, so the
 * coordinator may be lost at any time. Invariant: below `final` row n is row n for good; after a
 * failure the rows after the restored checkpoint are made again, in a run of another name.
 */
import {
  type ColumnBatch,
  encodeUtf8,
  type Operator,
  type OperatorContext,
  type OperatorSnapshot,
  rowToJson,
} from '@millrace/core'
import type { CollectSinkConfig } from '../operator-config.ts'
import { COLLECT_BUFFER_ROWS, COLLECT_FLUSH_INTERVAL_MS } from '../sql-operators-options.ts'
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
  readonly #flushIntervalMs: number
  /** Rows from offset `#base` on: everything the client has not acknowledged. */
  #rows: CollectedRow[] = []
  #base = 0
  /** Everything below was accepted by the coordinator. */
  #sent = 0
  #sentMs = Number.NEGATIVE_INFINITY
  /** No failure takes back what lies below. */
  #final = 0
  #reportedFinal = 0
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
    this.#flushIntervalMs = context.configuration.get(COLLECT_FLUSH_INTERVAL_MS)
  }

  async open(): Promise<void> {
    for (const bytes of this.#context.restored?.readList(STATE) ?? []) {
      const state = JSON.parse(new TextDecoder().decode(bytes)) as CollectState
      this.#base = state.base
      this.#rows = [...state.rows]
    }
    this.#final = this.#end()
    this.#reportedFinal = this.#final
    await this.#sendReset()
  }

  processBatch(_input: number, batch: ColumnBatch): void {
    for (let row = 0; row < batch.rowCount; row++) {
      const kind = batch.rowKinds === null ? 0 : (batch.rowKinds[row] as number)
      this.#rows.push([kind, ...rowToJson(batch, row, this.#config.schema)])
    }
    const openMs = this.#flushIntervalMs - (this.#context.monotonicMs() - this.#sentMs)
    if (this.#end() - this.#sent >= PAGE_ROWS || openMs <= 0) this.#send()
    else this.#flushLater(openMs)
  }

  endInput(): void {
    this.#send()
  }

  isBlocked(): boolean {
    return this.#end() - this.#base >= this.#bufferRowsMax
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
    this.#final = Math.max(this.#final, offset)
    this.#send()
  }

  notifyCheckpointAborted(checkpointId: number): void {
    this.#offsetAtBarrier.delete(checkpointId)
  }

  /** Resolves when the coordinator has every row and knows that there are no more. */
  async finish(): Promise<void> {
    this.#ended = true
    this.#final = this.#end()
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
      final: this.#final,
      reset: `${this.#context.subtask.leaderEpoch}_${this.#context.subtask.attempt}`,
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
      this.#reportedFinal < this.#final ||
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
    this.#sentMs = this.#context.monotonicMs()
    const final = this.#final
    const ended = this.#ended && this.#sent + rows.length === this.#end()
    const event: CollectEvent = { offset: this.#sent, rows, final, ended }
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
    this.#reportedFinal = Math.max(this.#reportedFinal, event.final)
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
