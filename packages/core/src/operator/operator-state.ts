/**
 * State as an operator gives it to a checkpoint and gets it back.
 *
 * Three kinds: **keyed** (tables of rows, each row in a key group; restored to whichever subtask
 * owns the group), **list** (byte items; on a change of parallelism items are dealt out round
 * robin) and **union** (byte items; every subtask gets all).
 * `state` writes and reads them; the operator knows neither files nor checkpoints.
 */
import type { ColumnBatch } from '../batch/column-batch.ts'
import type { FrozenTable } from '../state/frozen-table.ts'
import type { Schema } from '../types/logical-type.ts'

export interface OperatorSnapshot {
  /** What the task took of the operator's `KeyedState`, or the operator gives by itself. */
  readonly keyed?: readonly FrozenTable[]
  readonly list?: Readonly<Record<string, readonly Uint8Array[]>>
  readonly union?: Readonly<Record<string, readonly Uint8Array[]>>
}

/** How stored rows become rows of a table that has changed. */
export interface StateFit {
  /** Columns of the key, and those of key and sub columns. */
  readonly keyCount: number
  readonly keyedCount: number
  /** Column → the name under which it may be stored instead. */
  readonly formerNames?: Readonly<Record<string, string>>
  /** One row: what a column is that was not stored. */
  readonly empty: ColumnBatch
}

/** The restored state of one operator in one subtask. */
export interface RestoredOperatorState {
  readonly checkpointId: number
  /**
   * The rows of a keyed state that belong to this subtask's key groups, batch after batch
   * (`keyGroup` constant within one), as `StateTable.put` takes them: of a key the later one
   * counts, and batches whose rows are of kind DELETE have key and sub columns alone.
   * Empty when the checkpoint has no state of that name. Fails with STATE_SCHEMA_MISMATCH when the
   * stored schema differs; with `fit`, when its columns cannot be fitted to `schema` by name.
   */
  readKeyed(
    name: string,
    schema: Schema,
    fit?: StateFit,
  ): AsyncIterable<{ readonly keyGroup: number; readonly rows: ColumnBatch }>
  readList(name: string): readonly Uint8Array[]
  readUnion(name: string): readonly Uint8Array[]
}
