/**
 * FrozenPartition: the entries of one partition of a frozen disk table, merged as far as somebody
 * has asked for them.
 *
 * Between runs and the segment writer. Rows that have been written are forgotten, so that memory is
 * a window of the writer, however large the partition is.
 */
import { mergeOf } from './merge-ordered.ts'
import type { Merge, MergeSettings, MergeSource } from './merge-runs.ts'
import { MergedRecords } from './merged-records.ts'

export class FrozenPartition {
  readonly records: MergedRecords
  readonly #merge: Merge
  #ended = false

  /** `sources` are newest first, with up to `rowsMax` rows. */
  constructor(sources: readonly MergeSource[], settings: MergeSettings, rowsMax: number) {
    this.records = new MergedRecords(settings.shape, rowsMax)
    this.#merge = mergeOf(sources, settings)
  }

  /** Of the first row that is still in `records`. */
  firstRow = 0

  /** Rows that are merged. */
  get endRow(): number {
    return this.firstRow + this.records.rowCount
  }

  /** Looks at `rowsMax` records at most; gives whether all rows before `row` are there. */
  mergeTo(row: number, rowsMax: number): boolean {
    const wanted = row - this.endRow
    if (wanted > 0 && !this.#ended) {
      this.#ended = !this.#merge.step(this.records, Math.min(wanted, rowsMax))
    }
    return this.#ended || this.endRow >= row
  }

  forgetBefore(row: number): void {
    const count = Math.min(row - this.firstRow, this.records.rowCount)
    if (count <= 0) return
    this.records.dropFirst(count)
    this.firstRow += count
  }
}
