/**
 * `collect-coordinator`: keeps the rows of a running SELECT in the JobManager until the client has fetched them.
 *
 * Bounded: rows are refused (`accepted: false`) while more than `bufferRowsMax` visible rows wait, which holds the
 * query back. Rows that
 * wait for a checkpoint do not count, since the checkpoint comes behind them in the stream; the sink bounds those.
 * A query whose client has gone away (no request for `clientTimeoutMs`) is ended, so that it gives its slots back.
 *
 * Invariant: the client sees row n at most once with one content: only `visible` rows leave, and an attempt never
 * replaces visible rows.
 */
import type { CoordinatorContext, OperatorCoordinator } from '@millrace/connector'
import { toErrorData } from '@millrace/core'
import { sqlOperatorError } from '../error-codes.ts'
import type {
  CollectAnswer,
  CollectEvent,
  CollectedRow,
  CollectPage,
  CollectRequest,
} from './collect-protocol.ts'

export interface CollectCoordinatorConfig {
  /** Default 50,000. */
  readonly bufferRowsMax?: number
  /** The longest silence of the client; 0 or absent: it may be silent for ever. */
  readonly clientTimeoutMs?: number
}

/** What the coordinator needs of its job to notice that the client has gone. */
export type CollectContext = Pick<CoordinatorContext, 'schedule' | 'failJob'> & {
  readonly platform: { readonly clock: { monotonicMs(): number } }
}

export class CollectCoordinator implements OperatorCoordinator {
  readonly #bufferRowsMax: number
  readonly #clientTimeoutMs: number
  readonly #context: CollectContext | null
  #lastRequestMs = 0
  /** Rows from offset `#base` on. */
  #rows: CollectedRow[] = []
  #base = 0
  #visible = 0
  #acknowledged = 0
  /** The sink of the present attempt has said where it stands. */
  #started = false
  #ended = false
  #error: unknown

  constructor(
    config: CollectCoordinatorConfig | null | undefined,
    context: CollectContext | null = null,
  ) {
    this.#bufferRowsMax = config?.bufferRowsMax ?? 50_000
    this.#clientTimeoutMs = config?.clientTimeoutMs ?? 0
    this.#context = context
  }

  /** Rows live in the sink's checkpoints; its first event brings them back. */
  start(): void {
    if (this.#context === null || this.#clientTimeoutMs === 0) return
    this.#lastRequestMs = this.#context.platform.clock.monotonicMs()
    this.#watchClient(this.#context, this.#clientTimeoutMs)
  }

  #watchClient(context: CollectContext, delayMs: number): void {
    context.schedule(delayMs, () => {
      if (this.#ended) return
      const silentMs = context.platform.clock.monotonicMs() - this.#lastRequestMs
      if (silentMs < this.#clientTimeoutMs) {
        this.#watchClient(context, this.#clientTimeoutMs - silentMs)
        return
      }
      const seconds = Math.round(silentMs / 1000)
      context.failJob(
        sqlOperatorError(
          'COLLECT_CLIENT_GONE',
          `Run the query again if it is still wanted; its client has asked for no rows for ${seconds} s.`,
          {
            location: { optionKey: 'client.heartbeat.timeout' },
            hint: 'The SQL client ended or lost its connection; INSERT INTO makes a job that stays.',
          },
        ),
      )
    })
  }

  subtaskReady(): void {}
  subtaskFailed(): void {}

  handleEvent(_subtaskIndex: number, event: unknown): CollectAnswer {
    const message = event as CollectEvent
    if (message.reset === true) {
      this.#started = true
      this.#reset(message)
    }
    const end = this.#base + this.#rows.length
    const answer = (accepted: boolean) => ({ accepted, acknowledged: this.#acknowledged })
    const waiting = this.#visible - this.#acknowledged
    const overdraw = message.reset === true || message.ended === true || message.rows.length === 0
    if (!overdraw && waiting >= this.#bufferRowsMax) {
      this.#visible = Math.max(this.#visible, Math.min(message.visible, end))
      return answer(false)
    }
    if (message.offset > end) {
      throw sqlOperatorError(
        'COORDINATOR_EVENT_UNKNOWN',
        `Send rows without a gap: expected offset ${end}, got ${message.offset}.`,
      )
    }
    const known = end - message.offset
    for (let i = known; i < message.rows.length; i++) {
      this.#rows.push(message.rows[i] as CollectedRow)
    }
    this.#visible = Math.max(this.#visible, message.visible)
    if (message.ended === true) this.#ended = true
    return answer(true)
  }

  /** A new attempt starts: rows that were not visible yet are forgotten, it makes them again. */
  #reset(message: CollectEvent): void {
    if (message.visible < this.#visible) {
      this.#refuseRepetition(this.#visible)
    }
    this.#ended = this.#error !== undefined
    if (this.#rows.length === 0 || message.offset < this.#base) {
      // A fresh coordinator (the JobManager changed): the sink's first row is the first one unacknowledged.
      this.#rows = []
      this.#base = message.offset
      this.#acknowledged = Math.max(this.#acknowledged, message.offset)
      return
    }
    this.#rows.length = Math.max(0, Math.min(this.#rows.length, this.#visible - this.#base))
  }

  /**
   * `shown` rows were shown by an attempt that this one knows nothing of: it will give them again, perhaps
   * in another order.
   */
  #refuseRepetition(shown: number): void {
    this.#ended = true
    this.#error ??= toErrorData(
      sqlOperatorError(
        'COLLECT_ROWS_REPEATED',
        `Run the query again; it restarted from the beginning after ${shown} rows had been shown.`,
        { hint: "Set 'execution.checkpointing.interval' to let queries survive a restart." },
      ),
    )
  }

  snapshot(): unknown {
    return null
  }

  handleClientRequest(request: unknown): CollectPage {
    const { offset, limit } = readRequest(request)
    this.#lastRequestMs = this.#context?.platform.clock.monotonicMs() ?? 0
    if (offset < this.#base) {
      throw sqlOperatorError(
        'COLLECT_REQUEST_INVALID',
        `Ask for rows from offset ${this.#base} on; earlier ones were fetched already. Asked for ${offset}.`,
      )
    }
    const end = Math.min(this.#visible, this.#base + this.#rows.length)
    if (offset > end) {
      // Nothing beyond `end` was ever visible in this attempt, so it was in one whose rows are lost.
      if (this.#started) this.#refuseRepetition(offset)
      const ended = this.#ended
      return { rows: [], nextOffset: offset, ended, ...(ended ? { error: this.#error } : {}) }
    }
    if (offset > this.#base) {
      this.#rows.splice(0, offset - this.#base)
      this.#base = offset
    }
    this.#acknowledged = Math.max(this.#acknowledged, offset)
    const rows = this.#rows.slice(0, Math.min(limit, end - offset))
    const nextOffset = offset + rows.length
    const ended = this.#ended && nextOffset === end
    return {
      rows,
      nextOffset,
      ended,
      ...(ended && this.#error !== undefined ? { error: this.#error } : {}),
    }
  }

  jobEnded(state: 'FINISHED' | 'FAILED' | 'CANCELED'): void {
    this.#ended = true
    if (state === 'FINISHED') {
      this.#visible = this.#base + this.#rows.length
      return
    }
    this.#rows.length = Math.max(0, Math.min(this.#rows.length, this.#visible - this.#base))
    if (state === 'CANCELED') return
    this.#error ??= toErrorData(
      sqlOperatorError('COLLECT_QUERY_FAILED', 'Look into the job’s exceptions; the query failed.'),
    )
  }

  close(): void {
    this.#rows = []
  }
}

function readRequest(request: unknown): CollectRequest {
  const { offset, limit } = (request ?? {}) as Partial<CollectRequest>
  if (
    !Number.isSafeInteger(offset) ||
    !Number.isSafeInteger(limit) ||
    (offset as number) < 0 ||
    (limit as number) < 1
  ) {
    throw sqlOperatorError(
      'COLLECT_REQUEST_INVALID',
      `Give offset (from 0) and limit (from 1) as whole numbers; they are '${offset}' and '${limit}'.`,
    )
  }
  return { offset: offset as number, limit: limit as number }
}
