/**
 * Partition: the entries of one part of all hashes that are on disk, as runs, newest first.
 *
 * Small enough that all its runs are merged into one in little time. Invariant: `runs` changes only
 * between two calls of the table; who reads on afterwards retains the runs.
 */
import { type ColumnBatch, RowKind, type Schema, sameKey } from '@millrace/core'
import type { MergeSettings, SortedRows } from './merge-runs.ts'
import { mergeRuns } from './merge-runs.ts'
import { type BlockReader, hashesOf, type Run, type RunWriter } from './run.ts'

/** What a look-up found. */
export interface FoundRow {
  readonly rows: ColumnBatch
  readonly row: number
}

export class Partition {
  runs: Run[] = []
  /** A merge of this partition is under way. */
  merging = false

  add(run: Run): void {
    this.runs.unshift(run)
  }

  mayHave(hash: number): boolean {
    for (let r = 0; r < this.runs.length; r++) if ((this.runs[r] as Run).mayHave(hash)) return true
    return false
  }

  /** The row of a key, good until the next call; null when there is none, or it is gone. */
  find(key: ColumnBatch, row: number, hash: number, reader: BlockReader): FoundRow | null {
    for (let r = 0; r < this.runs.length; r++) {
      const run = this.runs[r] as Run
      if (!run.mayHave(hash)) continue
      const rows = reader.rows(run, hash)
      const hashes = hashesOf(rows)
      for (let at = firstOf(hashes, hash); hashes[at] === hash; at++) {
        if (!sameKey(key.columns, row, rows.columns, at)) continue
        return rows.rowKinds?.[at] === RowKind.DELETE ? null : { rows, row: at }
      }
    }
    return null
  }

  /** Puts `merged` in the place of the oldest runs, `runs`. */
  replace(runs: readonly Run[], merged: Run | null): void {
    this.runs = this.runs.slice(0, this.runs.length - runs.length)
    if (merged !== null) this.runs.push(merged)
    for (const run of runs) run.retire()
  }

  clear(): void {
    for (const run of this.runs) run.retire()
    this.runs = []
  }
}

/** The first place of a hash, in ascending order of unsigned values; where it would be if not. */
function firstOf(hashes: Int32Array, hash: number): number {
  const wanted = hash >>> 0
  let low = 0
  let high = hashes.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((hashes[middle] as number) >>> 0 < wanted) low = middle + 1
    else high = middle
  }
  return low
}

export function rowsOfRun(run: Run): SortedRows {
  let next = 0
  return () => (next < run.blockCount ? run.block(next++) : null)
}

/** Writes the rows of runs, newest first, as one, a block a step; null when nothing is left. */
export function* writeMerged(
  runs: readonly Run[],
  schema: Schema,
  settings: MergeSettings,
  writer: RunWriter,
): Generator<void, Run | null> {
  for (const block of mergeRuns(runs.map(rowsOfRun), schema, settings)) {
    writer.block(block)
    yield
  }
  if (writer.rowCount > 0) return writer.finish()
  writer.abandon()
  return null
}
