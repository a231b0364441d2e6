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

/** The restored state of one operator in one subtask. */
export interface RestoredOperatorState {
  readonly checkpointId: number
  /**
   * The rows of a keyed state that belong to this subtask's key groups, batch after batch
   * (`keyGroup` constant within one), as `StateTable.put` takes them: of a key the later one
   * counts, and batches whose rows are of kind DELETE have key and sub columns alone.
   * Empty when the checkpoint has no state of that name. Fails with STATE_SCHEMA_MISMATCH when the
   * stored schema differs.
   */
  readKeyed(
    name: string,
    schema: Schema,
  ): AsyncIterable<{ readonly keyGroup: number; readonly rows: ColumnBatch }>
  readList(name: string): readonly Uint8Array[]
  readUnion(name: string): readonly Uint8Array[]
}
