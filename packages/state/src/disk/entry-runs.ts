/**
 * EntryRuns: where the entries of a disk table lie on disk.
 *
 * Between a table with its cache and runs. By key alone (`DiskRuns`), or by the time at which
 * entries are due, then by key (`TimedRuns`). Invariant: an entry belongs to one partition for as
 * long as it is there.
 */
import type { Partition } from './partition.ts'
import type { Run, RunWriter } from './run.ts'

/** A run, and which of its rows are in the frozen table: a byte a row; null: all. */
export interface FrozenRun {
  readonly run: Run
  readonly changed: Uint8Array | null
}

/** Where entries are in a frozen table. */
export interface FrozenPlaces {
  /** Newest first, retained for it. */
  readonly partitions: readonly FrozenRun[][]
  /** The partition of an entry of the cache. */
  readonly indexOf: (keyHash: number, timeMs: number) => number
}

/** Entries of one partition that leave the cache together. */
export interface LeavingEntries {
  readonly partition: Partition
  readonly slots: Int32Array
}

export interface EntryRuns {
  readonly memoryBytes: number
  readonly diskBytes: number
  /** `keyHash`: of the key alone; `timeMs`: at which the entry is due, of a table of timers. */
  partitionOf(keyHash: number, timeMs: number): Partition
  /** A number by which entries that lie near each other come together. */
  nearness(keyHash: number, hash: number, timeMs: number): number
  /** For up to `rowsMax` rows. Throws STATE_LOCAL_WRITE_FAILED. */
  writer(rowsMax: number): RunWriter
  /** The newest run of a partition. */
  add(partition: Partition, run: Run): void
  /** Every partition with the runs that `runsOf` gives for it. */
  freeze(runsOf: (partition: Partition) => FrozenRun[]): FrozenPlaces
  clear(): void
  close(): void
}

/** All runs of a partition, newest first, retained. */
export function allRuns({ runs }: Partition): FrozenRun[] {
  return runs.map((run) => ({ run: run.retain(), changed: null }))
}
