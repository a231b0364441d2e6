/**
 * FrozenTable: what a table held at a barrier, written in the background while the table goes on.
 *
 * Stands between the freeze and the segment writer, which sorts positions by key group and gathers
 * rows a block at a time. Invariant: what it gives does not change, however the table does; copies
 * are made only of what is written to before it is released.
 */
import type { ColumnBatch } from '../batch/column-batch.ts'
import type { Schema } from '../types/logical-type.ts'

/** At a position without an entry. */
export const NO_KEY_GROUP = 0xffff

/** By what was forgotten of a table when it was frozen. */
export interface StoredExpiry {
  readonly ttlMs: number
  /** Of the freeze, processing time. */
  readonly atMs: number
}

export interface FrozenTable {
  readonly name: string
  readonly schema: Schema
  /** Positions are 0 … positionCount; not each holds an entry. */
  readonly positionCount: number
  /**
   * The checkpoint whose segments this one builds upon: it holds only entries that were written
   * since. Null: all entries.
   */
  readonly since: number | null
  /** Of a table whose entries are forgotten; absent: they are not. */
  readonly expiry?: StoredExpiry
  /**
   * Its rows are keys (key and sub columns, row kind DELETE) whose entries went since; they count
   * before those of the table of the same name that follows.
   */
  readonly removed?: boolean
  /**
   * Works ahead for a millisecond or two towards positions before `to`, which else is done when
   * they are asked for; gives whether that is done. 0: towards `positionCount`. Absent: there is
   * nothing to be done.
   */
  prepare?(to: number): boolean
  /** The key group of positions from … to in `into[0 …]`; NO_KEY_GROUP where there is no entry. */
  keyGroups(from: number, to: number, into: Uint16Array): void
  /** The entries at `positions[0 … count)` as stored rows that own their arrays. */
  gather(positions: Int32Array, count: number): ColumnBatch
  /** Positions before `position` are not asked for any more: their copies may go. */
  releaseBefore(position: number): void
  /** The checkpoint is written, or given up: copies may go. */
  release(): void
}
