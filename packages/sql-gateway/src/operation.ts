/**
 * One statement being run: its status, its rows page by page, its error.
 *
 * Paging: page `token` is what was there when it was first asked for; asking again for the same
 * token gives the same page (a lost answer does no harm), in whichever format; asking for the next
 * drops it. Before results can be fetched there is no page; afterwards one may have no rows. At
 * most `BUFFERED_ROWS_MAX` rows wait here; beyond that the runner waits, and the job's collect
 * sink behind it.
 */
import { isMillraceError, type Schema } from '@millrace/core'
import type { Clock } from '@millrace/platform'
import type {
  FetchResultsResponse,
  OperationStatus,
  OperationStatusResponse,
  ResultRow,
  RowFormat,
} from '@millrace/rest-api'
import { gatewayError } from './error-codes.ts'
import { resultColumns } from './result/result-type.ts'
import { rowFormatter } from './result/row-format.ts'
import type { StatementProgress } from './statement-runner.ts'

const BUFFERED_ROWS_MAX = 20_000
const PAGE_ROWS_MAX = 5000

export interface ResultHead {
  readonly schema: Schema
  readonly isQueryResult: boolean
  /** Whether rows say more than that the statement was carried out. */
  readonly hasContent: boolean
  readonly warnings: readonly string[]
  /** What TIMESTAMP_LTZ is shown in as plain text. */
  readonly localTimeZone: string
}

/** What was there when `token` was first asked for. */
interface Page {
  readonly token: number
  readonly rows: readonly ResultRow[]
  readonly last: boolean
}

export class Operation implements StatementProgress {
  readonly handle: string
  readonly #clock: Clock
  #status: OperationStatus = 'PENDING'
  #progress = 'planning'
  #head: ResultHead | null = null
  /** Whether results can be fetched. */
  #ready = false
  #notices: readonly string[] = []
  #jobId: string | undefined
  #error: unknown
  #rows: ResultRow[] = []
  #page: Page | null = null
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

  note(lines: readonly string[]): void {
    this.#notices = lines
    this.#wake()
  }

  jobStarted(jobId: string): void {
    this.#jobId = jobId
    this.#ready = true
    this.#wake()
  }

  async push(rows: readonly ResultRow[]): Promise<void> {
    this.#ready = true
    for (const row of rows) this.#rows.push(row)
    this.#wake()
    while (this.#rows.length >= BUFFERED_ROWS_MAX && !this.cancelled) await this.#changed(1000)
  }

  /**
   * FINISHED as soon as results can be fetched, also while they still come: clients wait for it
   * before they fetch.
   */
  status(): OperationStatusResponse {
    const status = this.#running && this.#ready ? 'FINISHED' : this.#status
    return { status, progress: this.#progress }
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

  /** `waitMs`: how long to wait for something new. */
  async fetch(token: number, waitMs: number, format: RowFormat): Promise<FetchResultsResponse> {
    if (this.#page?.token === token) return this.#response(this.#page, format)
    if (token !== this.#nextToken) {
      throw gatewayError(
        'RESULT_TOKEN_INVALID',
        `Ask for result page ${this.#nextToken}; ${token} was asked for.`,
      )
    }
    if (this.#rows.length === 0 && this.#running && waitMs > 0) await this.#changed(waitMs)
    if (this.#rows.length === 0 && this.#error !== undefined) throw this.#error
    if (this.#running && !this.#ready) {
      const head = { resultType: 'NOT_READY', progress: this.#progress } as const
      return { ...head, ...this.#jobField(), ...this.#noticesField() }
    }
    return this.#response(this.#nextPage(token), format)
  }

  get #running(): boolean {
    return this.#status === 'RUNNING' || this.#status === 'PENDING'
  }

  #jobField(): { jobID?: string } {
    return this.#jobId === undefined ? {} : { jobID: this.#jobId }
  }

  #noticesField(): { notices?: readonly string[] } {
    return this.#notices.length === 0 ? {} : { notices: this.#notices }
  }

  #nextPage(token: number): Page {
    const rows = this.#rows.splice(0, PAGE_ROWS_MAX)
    const last = rows.length === 0 && !this.#running
    this.#page = { token, rows, last }
    if (!last) this.#nextToken = token + 1
    this.#wake()
    return this.#page
  }

  #response({ token, rows, last }: Page, format: RowFormat): FetchResultsResponse {
    const { schema, isQueryResult, hasContent, warnings, localTimeZone } = this.#head as ResultHead
    return {
      resultType: last ? 'EOS' : 'PAYLOAD',
      isQueryResult,
      resultKind: hasContent ? 'SUCCESS_WITH_CONTENT' : 'SUCCESS',
      ...this.#jobField(),
      results: {
        columns: resultColumns(schema),
        rowFormat: format,
        data: rows.map(rowFormatter(schema, format, localTimeZone)),
      },
      ...(last ? {} : { nextToken: token + 1 }),
      ...(rows.length === 0 && !last ? { progress: this.#progress } : {}),
      ...(warnings.length > 0 ? { warnings } : {}),
      ...this.#noticesField(),
    }
  }

  /** Whether the error is worth logging as a fault of ours. */
  get failedInternally(): boolean {
    return this.#status === 'ERROR' && !isMillraceError(this.#error)
  }
}
