/**
 * One statement being run: its status, its rows page by page, its error.
 *
 * Paging: page `token` is what was there when it was first asked for; asking again for the same token gives the same
 * page (a lost answer does no
 * harm), asking for the next drops it. At most `BUFFERED_ROWS_MAX` rows wait here; beyond that the runner waits, and
 * the job's collect
 * sink behind it.
 */
import { isMillraceError } from '@millrace/core'
import type { Clock } from '@millrace/platform'
import type {
  FetchResultsResponse,
  OperationStatus,
  OperationStatusResponse,
  ResultColumn,
  ResultRow,
} from '@millrace/rest-api'
import { gatewayError } from './error-codes.ts'
import type { StatementProgress } from './statement-runner.ts'

const BUFFERED_ROWS_MAX = 20_000
const PAGE_ROWS_MAX = 5000

export interface ResultHead {
  readonly columns: readonly ResultColumn[]
  readonly isQueryResult: boolean
  readonly warnings: readonly string[]
}

export class Operation implements StatementProgress {
  readonly handle: string
  readonly #clock: Clock
  #status: OperationStatus = 'PENDING'
  #progress = 'planning'
  #head: ResultHead = { columns: [], isQueryResult: false, warnings: [] }
  #jobId: string | undefined
  #error: unknown
  #rows: ResultRow[] = []
  #page: { readonly token: number; readonly response: FetchResultsResponse } | null = null
  #nextToken = 0
  #waiters: (() => void)[] = []

  constructor(handle: string, clock: Clock) {
    this.handle = handle
    this.#clock = clock
  }

  /** Runs `work` to its end in the background and keeps its outcome. */
  start(work: () => Promise<void>, timeoutMs: number): void {
    this.#status = 'RUNNING'
    const stopTimer =
      timeoutMs > 0
        ? this.#clock.setTimer(timeoutMs, () => {
            const error = gatewayError(
              'STATEMENT_TIMEOUT',
              `The statement did not end within ${timeoutMs} ms.`,
              { hint: 'Raise executionTimeout, or leave it out.' },
            )
            this.#end('TIMEOUT', error)
          })
        : () => {}
    work().then(
      () => {
        stopTimer()
        this.#end('FINISHED')
      },
      (error: unknown) => {
        stopTimer()
        this.#end('ERROR', error)
      },
    )
  }

  get cancelled(): boolean {
    return this.#status !== 'RUNNING'
  }

  get jobId(): string | undefined {
    return this.#jobId
  }

  setHead(head: ResultHead): void {
    this.#head = head
  }

  report(progress: string): void {
    this.#progress = progress
  }

  jobStarted(jobId: string): void {
    this.#jobId = jobId
    this.#wake()
  }

  async push(rows: readonly ResultRow[]): Promise<void> {
    for (const row of rows) this.#rows.push(row)
    this.#wake()
    while (this.#rows.length >= BUFFERED_ROWS_MAX && !this.cancelled) await this.#changed(1000)
  }

  status(): OperationStatusResponse {
    return { status: this.#status, progress: this.#progress }
  }

  cancel(): OperationStatusResponse {
    const error = gatewayError('STATEMENT_CANCELED', 'The statement was cancelled.')
    this.#end('CANCELED', error)
    return this.status()
  }

  close(): void {
    this.#end('CLOSED', gatewayError('STATEMENT_CANCELED', 'The operation was closed.'))
  }

  #end(status: OperationStatus, error?: unknown): void {
    if (this.#status !== 'RUNNING' && this.#status !== 'PENDING') return
    this.#status = status
    this.#error = error
    this.#wake()
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter()
  }

  #changed(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#clock.setTimer(timeoutMs, resolve)
      this.#waiters.push(() => {
        stop()
        resolve()
      })
    })
  }

  async fetch(token: number, waitMs: number): Promise<FetchResultsResponse> {
    if (this.#page?.token === token) return this.#page.response
    if (token !== this.#nextToken) {
      throw gatewayError(
        'RESULT_TOKEN_INVALID',
        `Ask for result page ${this.#nextToken}; ${token} was asked for.`,
      )
    }
    if (this.#rows.length === 0 && this.#running && waitMs > 0) await this.#changed(waitMs)
    if (this.#rows.length === 0 && this.#error !== undefined) throw this.#error
    if (this.#rows.length === 0 && this.#running) {
      return { resultType: 'NOT_READY', progress: this.#progress, ...this.#jobField() }
    }
    return this.#nextPage(token)
  }

  get #running(): boolean {
    return this.#status === 'RUNNING' || this.#status === 'PENDING'
  }

  #jobField(): { jobID?: string } {
    return this.#jobId === undefined ? {} : { jobID: this.#jobId }
  }

  #nextPage(token: number): FetchResultsResponse {
    const data = this.#rows.splice(0, PAGE_ROWS_MAX)
    const last = data.length === 0
    this.#wake()
    const response: FetchResultsResponse = {
      resultType: last ? 'EOS' : 'PAYLOAD',
      isQueryResult: this.#head.isQueryResult,
      resultKind: this.#head.columns.length > 0 ? 'SUCCESS_WITH_CONTENT' : 'SUCCESS',
      ...this.#jobField(),
      results: { columns: this.#head.columns, rowFormat: 'JSON', data },
      ...(last ? {} : { nextToken: token + 1 }),
      ...(this.#head.warnings.length > 0 ? { warnings: this.#head.warnings } : {}),
    }
    this.#page = { token, response }
    if (!last) this.#nextToken = token + 1
    return response
  }

  /** Whether the error is worth logging as a fault of ours. */
  get failedInternally(): boolean {
    return this.#status === 'ERROR' && !isMillraceError(this.#error)
  }
}
