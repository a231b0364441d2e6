/**
 * Partition: the entries of one part of all hashes that are on disk, as runs, newest first.
 *
 * Small enough that all its runs are merged into one in little time. Invariant: `runs` changes only
 * between two calls of the table; who reads on afterwards retains the runs.
 */
import type { Column } from '@millrace/core'
import { GONE_FLAG } from './record-block.ts'
import type { RecordOrder, RecordSource } from './record-order.ts'
import type { KeyReader, Run } from './run.ts'

export class Partition {
  runs: Run[] = []

  add(run: Run): void {
    this.runs.unshift(run)
  }

  /** The newest run from `from` on that may have the hash; -1: none. */
  runThatMayHave(hash: number, from: number): number {
    const { runs } = this
    for (let r = from; r < runs.length; r++) if ((runs[r] as Run).mayHave(hash)) return r
    return -1
  }

  /**
   * Where the record of a key begins in the reader's block, good until the next call; -1 when there
   * is none, or it is gone. `from`: the newest run that may have the hash.
   */
  find(
    columns: readonly Column[],
    row: number,
    hash: number,
    from: number,
    reader: KeyReader,
  ): number {
    const { block } = reader
    for (let r = from; r >= 0; r = this.runThatMayHave(hash, r + 1)) {
      reader.open(this.runs[r] as Run, hash)
      for (let at = block.find(hash); at >= 0; at = block.findNext(at)) {
        if (!block.hasKey(at, columns, row)) continue
        return ((block.ints[at + 1] as number) & GONE_FLAG) === 0 ? at : -1
      }
    }
    return -1
  }

  /** As `find`, of a table with sub columns; `record`: what is looked for. */
  findRecord(
    order: RecordOrder,
    record: RecordSource,
    hash: number,
    from: number,
    reader: KeyReader,
  ): number {
    const { block } = reader
    for (let r = from; r >= 0; r = this.runThatMayHave(hash, r + 1)) {
      const run = this.runs[r] as Run
      reader.openBlock(run, run.blockIndexOfRecord(order, record))
      const at = block.findRecord(order, record)
      if (at >= 0) return ((block.ints[at + 1] as number) & GONE_FLAG) === 0 ? at : -1
    }
    return -1
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
