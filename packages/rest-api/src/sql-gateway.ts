/**
 * The SQL gateway's REST shapes (v4 paths, bare and under /v1 … /v4) and the port behind them.
 *
 * The SQL client talks to a `SqlGateway`: in embedded mode the service itself, in gateway mode
 * `HttpSqlGateway`; both give the same objects, so that an error or a page looks alike
 * whichever way it came.
 */

export interface OpenSessionRequest {
  readonly sessionName?: string
  /** Initial session configuration. */
  readonly properties?: Readonly<Record<string, string>>
}

export interface ExecuteStatementRequest {
  readonly statement: string
  /** Milliseconds; 0 or absent: no limit. */
  readonly executionTimeout?: number
  readonly executionConfig?: Readonly<Record<string, string>>
}

export type OperationStatus =
  | 'INITIALIZED'
  | 'PENDING'
  | 'RUNNING'
  | 'FINISHED'
  | 'CANCELED'
  | 'CLOSED'
  | 'ERROR'
  | 'TIMEOUT'

export interface OperationStatusResponse {
  readonly status: OperationStatus
  /** Ours: what the statement is doing or waiting for, for people. */
  readonly progress?: string
}

/** A column's type: the name of its type root, and the parameters that the root has. */
export interface ResultType {
  /** For example INTEGER, VARCHAR, TIMESTAMP_WITHOUT_TIME_ZONE. */
  readonly type: string
  readonly nullable: boolean
  /** CHAR, VARCHAR, BINARY, VARBINARY. */
  readonly length?: number
  /** DECIMAL, times and intervals. */
  readonly precision?: number
  /** DECIMAL. */
  readonly scale?: number
  /** INTERVAL_DAY_TIME. */
  readonly fractionalPrecision?: number
  /** Intervals. */
  readonly resolution?: string
}

export interface ResultColumn {
  readonly name: string
  readonly logicalType: ResultType
  readonly comment: null
}

/** `JSON`: typed values. `PLAIN_TEXT`: each value as the text that people read. */
export type RowFormat = 'JSON' | 'PLAIN_TEXT'

export type ResultRowKind = 'INSERT' | 'UPDATE_BEFORE' | 'UPDATE_AFTER' | 'DELETE'

export interface ResultRow {
  readonly kind: ResultRowKind
  /** JSON values in column order; in PLAIN_TEXT text or null. */
  readonly fields: readonly unknown[]
}

export interface FetchResultsResponse {
  readonly resultType: 'NOT_READY' | 'PAYLOAD' | 'EOS'
  /** Whether rows are those of a query (true) or of a command. */
  readonly isQueryResult?: boolean
  readonly resultKind?: 'SUCCESS' | 'SUCCESS_WITH_CONTENT'
  readonly jobID?: string
  readonly results?: {
    readonly columns: readonly ResultColumn[]
    readonly rowFormat: RowFormat
    readonly data: readonly ResultRow[]
  }
  /** Path of the next page; absent at the end. */
  readonly nextResultUri?: string
  /** Ours: token of the next page, for clients that do not follow the path. */
  readonly nextToken?: number
  /** Ours: remarks on the statement, e.g. an unknown key with the nearest known one. */
  readonly warnings?: readonly string[]
  /** Ours: what is said before the statement's job runs; also while results are not ready. */
  readonly notices?: readonly string[]
  /** Ours: as in the status. */
  readonly progress?: string
}

/** Sessions, statements, operations, paging. Every method rejects with a MillraceError. */
export interface SqlGateway {
  openSession(request: OpenSessionRequest): Promise<{ readonly sessionHandle: string }>
  closeSession(session: string): Promise<void>
  sessionConfig(session: string): Promise<{ readonly properties: Readonly<Record<string, string>> }>
  execute(
    session: string,
    request: ExecuteStatementRequest,
  ): Promise<{ readonly operationHandle: string }>
  status(session: string, operation: string): Promise<OperationStatusResponse>
  /**
   * Rejects with the statement's error when it failed. NOT_READY until results can be fetched (only
   * for token 0); then pages, which have no rows while there are none. `waitMs`: how long to wait
   * for something new before such an answer (at most 1,000).
   */
  fetchResults(
    session: string,
    operation: string,
    token: number,
    waitMs: number,
    rowFormat?: RowFormat,
  ): Promise<FetchResultsResponse>
  /**
   * Runs a statement that changes the session alone (SET, CREATE, USE, …); rejects with its error.
   */
  configure(session: string, request: ExecuteStatementRequest): Promise<void>
  /** Stops a running statement; a SELECT's job is cancelled with it. */
  cancel(session: string, operation: string): Promise<OperationStatusResponse>
  closeOperation(session: string, operation: string): Promise<void>
  complete(
    session: string,
    statement: string,
    position: number,
  ): Promise<{ readonly candidates: readonly string[] }>
}
