/**
 * State as an operator gives it to a checkpoint and gets it back.
 *
 * Three kinds: **keyed** (tables of rows, each row in a key group; restored to whichever subtask owns the group),
 * **list**
 * (byte items; on a change of parallelism items are dealt out round robin) and **union** (byte items; every subtask
 * gets all).
 * `state` writes and reads them; the operator knows neither files nor checkpoints.
 */
import type { ColumnBatch } from '../batch/column-batch.ts'
import type { Schema } from '../types/logical-type.ts'

/** One keyed state, frozen: its rows must not change any more (copy on snapshot). */
export interface KeyedTableSnapshot {
  readonly name: string
  readonly schema: Schema
  readonly rows: ColumnBatch
  /** The key group of each row. */
  readonly keyGroups: Uint16Array
}

export interface OperatorSnapshot {
  readonly keyed?: readonly KeyedTableSnapshot[]
  readonly list?: Readonly<Record<string, readonly Uint8Array[]>>
  readonly union?: Readonly<Record<string, readonly Uint8Array[]>>
}

/** The restored state of one operator in one subtask. */
export interface RestoredOperatorState {
  readonly checkpointId: number
  /**
   * The rows of a keyed state that belong to this subtask's key groups, batch after batch (`keyGroup` constant
   * within one).
   * Empty when the checkpoint has no state of that name. Fails with STATE_SCHEMA_MISMATCH when the stored schema
   * differs.
   */
  readKeyed(
    name: string,
    schema: Schema,
  ): AsyncIterable<{ readonly keyGroup: number; readonly rows: ColumnBatch }>
  readList(name: string): readonly Uint8Array[]
  readUnion(name: string): readonly Uint8Array[]
}
