/**
 * Several runs of one partition of a table with sub columns as one, in the order of `RecordOrder`.
 *
 * As `RunMerge`, which goes by hashes alone. Invariant: no source has an entry twice.
 */
import {
  Cursor,
  isKept,
  type Merge,
  type MergeSettings,
  type MergeSource,
  type MergeTarget,
  RunMerge,
} from './merge-runs.ts'
import type { RecordOrder } from './record-order.ts'

/** `sources` are newest first. */
export function mergeOf(sources: readonly MergeSource[], settings: MergeSettings): Merge {
  const { order } = settings.shape
  return order === null
    ? new RunMerge(sources, settings)
    : new OrderedMerge(sources, settings, order)
}

class OrderedMerge implements Merge {
  readonly #settings: MergeSettings
  readonly #order: RecordOrder
  readonly #cursors: readonly Cursor[]

  constructor(sources: readonly MergeSource[], settings: MergeSettings, order: RecordOrder) {
    this.#settings = settings
    this.#order = order
    this.#cursors = sources.map(({ blocks, wanted }) => new Cursor(settings.shape, blocks, wanted))
  }

  step(target: MergeTarget, rowsMax: number): boolean {
    const cursors = this.#cursors
    for (let n = 0; n < rowsMax; n++) {
      let first = cursors[0] as Cursor
      for (let c = 1; c < cursors.length; c++) {
        const cursor = cursors[c] as Cursor
        if (cursor.hash > first.hash || cursor.hash === Number.POSITIVE_INFINITY) continue
        if (cursor.hash < first.hash) first = cursor
        else {
          const order = this.#order.compareFields(cursor.block, cursor.at, first.block, first.at)
          if (order < 0) first = cursor
          // Older than what was found.
          else if (order === 0) cursor.advance()
        }
      }
      if (first.hash === Number.POSITIVE_INFINITY) return false
      if (isKept(this.#settings, first.block, first.at)) target.addRecord(first.block, first.at)
      first.advance()
    }
    return true
  }
}
