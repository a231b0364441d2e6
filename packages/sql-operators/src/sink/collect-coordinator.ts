/**
 * `collect-coordinator`: keeps the rows of a running SELECT in the JobManager until the client
 * has fetched them.
 *
 * Bounded: rows are refused (`accepted: false`) while `bufferRowsMax` rows wait, which holds the
 * query back. A query whose client has gone away (no request for `clientTimeoutMs`) is ended, so
 * that it gives its slots back.
 *
 * Invariant: a page's rows are of one run, which it names, so that the client notices when rows
 * are made again.
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
  #final = 0
  #acknowledged = 0
  /** Name of the present run, and the offset it began at; null before the first. */
  #run: string | null = null
  #resumeAt = 0
  readonly #waiters = new Set<() => void>()
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
    if (message.reset !== undefined) this.#begin(message.reset, message)
    const end = this.#base + this.#rows.length
    const answer = (accepted: boolean) => ({ accepted, acknowledged: this.#acknowledged })
    this.#final = Math.max(this.#final, Math.min(message.final, end))
    const overdraw =
      message.reset !== undefined || message.ended === true || message.rows.length === 0
    if (!overdraw && this.#rows.length >= this.#bufferRowsMax) return answer(false)
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
    this.#final = Math.max(this.#final, message.final)
    if (message.ended === true) this.#ended = true
    this.#wake()
    return answer(true)
  }

  /**
   * A run begins with the rows of its checkpoint that the client had not acknowledged by then;
   * all are final.
   */
  #begin(run: string, message: CollectEvent): void {
    this.#run = run
    this.#resumeAt = message.final
    this.#final = message.final
    this.#ended = false
    // What was acknowledged beyond the checkpoint belongs to a run that is over.
    this.#acknowledged = Math.max(message.offset, Math.min(this.#acknowledged, message.final))
    this.#base = this.#acknowledged
    this.#rows = message.rows.slice(this.#base - message.offset)
  }

  snapshot(): unknown {
    return null
  }

  /** Answers when there is a row, an end, another run, or when the client would wait no longer. */
  handleClientRequest(request: unknown): CollectPage | Promise<CollectPage> {
    const asked = readRequest(request)
    const page = this.#page(asked)
    const context = this.#context
    const waitMs = asked.waitMs ?? 0
    const news = page.rows.length > 0 || page.ended || page.run !== (asked.run ?? page.run)
    if (news || waitMs <= 0 || context === null) return page
    return new Promise((resolve, reject) => {
      let stop = () => {}
      const answer = () => {
        stop()
        this.#waiters.delete(answer)
        try {
          resolve(this.#page(asked))
        } catch (error) {
          reject(error)
        }
      }
      stop = context.schedule(waitMs, answer)
      this.#waiters.add(answer)
    })
  }

  #wake(): void {
    for (const answer of [...this.#waiters]) answer()
  }

  #page({ offset, limit, run = null }: CollectRequest): CollectPage {
    this.#lastRequestMs = this.#context?.platform.clock.monotonicMs() ?? 0
    const head = { run: this.#run, resumeAt: this.#resumeAt, final: this.#final }
    if (this.#run === null || (run !== null && run !== this.#run)) {
      const nextOffset = this.#run === null ? offset : Math.min(offset, this.#resumeAt)
      return { rows: [], nextOffset, ...head, ended: this.#run === null && this.#ended }
    }
    const end = this.#base + this.#rows.length
    if (offset < this.#base || offset > end) {
      throw sqlOperatorError(
        'COLLECT_REQUEST_INVALID',
        `Ask for rows from offset ${this.#base} to ${end}; earlier ones were fetched already. Asked for ${offset}.`,
      )
    }
    this.#rows.splice(0, offset - this.#base)
    this.#base = offset
    this.#acknowledged = Math.max(this.#acknowledged, offset)
    const rows = this.#rows.slice(0, Math.min(limit, end - offset))
    const nextOffset = offset + rows.length
    const ended = this.#ended && nextOffset === end
    const error = ended && this.#error !== undefined ? { error: this.#error } : {}
    return { rows, nextOffset, ...head, ended, ...error }
  }

  jobEnded(state: 'FINISHED' | 'FAILED' | 'CANCELED'): void {
    this.#ended = true
    if (state === 'FINISHED') this.#final = this.#base + this.#rows.length
    if (state === 'FAILED') {
      this.#error ??= toErrorData(
        sqlOperatorError(
          'COLLECT_QUERY_FAILED',
          'Look into the job’s exceptions; the query failed.',
        ),
      )
    }
    this.#wake()
  }

  /**
   * The next instance has the rows again; a client that waits is told of no end, for there is none.
   */
  close(): void {
    this.#rows = []
    this.#run = null
    this.#wake()
  }
}

function readRequest(request: unknown): CollectRequest {
  const asked = (request ?? {}) as Partial<CollectRequest>
  const { offset, limit } = asked
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
  return { ...asked, offset: offset as number, limit: limit as number }
}
