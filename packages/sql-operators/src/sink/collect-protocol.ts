/**
 * What `collect-sink` and `collect-coordinator` say to each other, and the coordinator
 * to the client.
 *
 * Rows go to the client at once. Row n of a *run* (an attempt of the sink) has offset n; below
 * `final` it has it for good, since a complete checkpoint lies behind it. A restart makes the rows
 * after its checkpoint again, as another run and perhaps in another order: the client is told so,
 * goes back to `resumeAt` and compares them with what it has shown. The sink holds every row that
 * the client has not acknowledged (it acknowledges all before the offset that it asks for) and puts
 * them into its checkpoints; the coordinator holds only copies.
 */

/** Row kind (`RowKind` byte), then one JSON value a column. */
export type CollectedRow = readonly [number, ...(string | number | boolean | null)[]]

export interface CollectEvent {
  /** Offset of the first of `rows`. */
  readonly offset: number
  readonly rows: readonly CollectedRow[]
  /** Rows below this offset cannot be taken back by a failure. */
  readonly final: number
  /**
   * First event of a run, by its name: everything that the coordinator holds is replaced; all
   * `rows` are final.
   */
  readonly reset?: string
  /** No row follows. */
  readonly ended?: boolean
}

export interface CollectAnswer {
  /** False: the buffer is full; send the same rows again later. */
  readonly accepted: boolean
  /** The client has everything below this offset. */
  readonly acknowledged: number
}

export interface CollectRequest {
  readonly offset: number
  readonly limit: number
  /** The run that `offset` counts in; null or absent for the first request. */
  readonly run?: string | null
  /** How long to wait for a row before an answer without one. */
  readonly waitMs?: number
}

export interface CollectPage {
  /** None when `run` is not the one that was asked for. */
  readonly rows: readonly CollectedRow[]
  readonly nextOffset: number
  /** The present run; null while none has begun. */
  readonly run: string | null
  /** Where the present run began: rows from here on are made again. */
  readonly resumeAt: number
  readonly final: number
  /** Nothing follows `nextOffset`. */
  readonly ended: boolean
  /** ErrorData, when the query failed; given after the last row. */
  readonly error?: unknown
}
