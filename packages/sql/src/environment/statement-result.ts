/**
 * What running a statement gives: rows at once, a job to submit, or a command for whoever
 * holds the session.
 *
 * Rows are JSON: BIGINT and DECIMAL as text, TIMESTAMP and DATE as text, BOOLEAN and the
 * rest as they are.
 */
import type { Schema } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'

export type JsonValue = string | number | boolean | null

interface Noted {
  /** Not fatal, worth showing: an unknown option with the nearest known one. */
  readonly warnings: readonly string[]
}

/** Done; nothing to show. */
export interface OkResult extends Noted {
  readonly kind: 'ok'
}
/** SHOW, DESCRIBE, EXPLAIN, SET without arguments. */
export interface RowsResult extends Noted {
  readonly kind: 'rows'
  readonly schema: Schema
  readonly rows: readonly (readonly JsonValue[])[]
}
/** A job to submit. */
export interface SubmitResult extends Noted {
  readonly kind: 'submit'
  readonly mode: 'insert' | 'select'
  readonly jobGraph: JobGraph
  /** Of a SELECT's rows, or of the (first) sink. */
  readonly schema: Schema
  /** Whether rows may be -U, +U or -D. */
  readonly changelog: boolean
  /** Whether every source ends by itself. */
  readonly bounded: boolean
  /** Full path of the (first) table that is written to. */
  readonly sinkTable?: string
  /** Whether some rows come only when the watermark has passed the end of a window. */
  readonly windowed: boolean
  /** Of a SELECT: the operator whose coordinator (`collect-coordinator`) has the rows. */
  readonly collectOperatorId?: string
}
/** A statement about the cluster's jobs: run by the holder of the session. */
export type CommandResult = Noted &
  (
    | { readonly kind: 'command'; readonly command: 'show-jobs' }
    | {
        readonly kind: 'command'
        readonly command: 'describe-job'
        readonly jobId: string
      }
    | {
        readonly kind: 'command'
        readonly command: 'stop-job'
        readonly jobId: string
        readonly withSavepoint: boolean
        readonly withDrain: boolean
      }
  )

export type StatementResult = OkResult | RowsResult | SubmitResult | CommandResult
