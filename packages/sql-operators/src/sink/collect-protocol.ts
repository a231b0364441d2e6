/**
 * What `collect-sink` and `collect-coordinator` say to each other, and the coordinator to the client.
 *
 * Row n of a query has offset n for good. The sink holds every row that the client has not acknowledged (a client
 * acknowledges all
 * rows before the offset that it asks for) and puts them into its checkpoints; the coordinator holds only copies.
 */

/** Row kind (`RowKind` byte), then one JSON value a column. */
export type CollectedRow = readonly [number, ...(string | number | boolean | null)[]]

export interface CollectEvent {
  /** Offset of the first of `rows`. */
  readonly offset: number
  readonly rows: readonly CollectedRow[]
  /** Rows below this offset may be shown: they cannot be taken back by a failure. */
  readonly visible: number
  /** First event of an attempt: everything the coordinator holds from `offset` on is replaced. */
  readonly reset?: boolean
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
}

export interface CollectPage {
  readonly rows: readonly CollectedRow[]
  readonly nextOffset: number
  /** Nothing follows `nextOffset`. */
  readonly ended: boolean
  /** ErrorData, when the query failed; given after the last visible row. */
  readonly error?: unknown
}
