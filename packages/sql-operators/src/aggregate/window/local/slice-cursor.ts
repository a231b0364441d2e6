/**
 * SliceCursor: which slice (or window) a row's time falls into, remembered from row to row.
 *
 * The slot-resolving loop asks it only when the time leaves `[startMs, endMs)`. Invariant: between
 * two moves, every time in the interval belongs to `group`, and is late or not alike.
 */
import { hashFloat64, WATERMARK_MIN } from '@millrace/core'
import type { WindowSlices } from '../window-slices.ts'

export class SliceCursor {
  startMs = Number.NaN
  endMs = Number.NaN
  /** The slice end or window end under which the row is kept; NaN when it is to be left out. */
  group = Number.NaN
  /** Mixed into the slot hash. */
  groupHash = 0
  /** Every window of the row has fired. */
  late = false
  readonly #slices: WindowSlices
  /**
   * Slice-wise, or the n-th of the windows that hold the row (aggregates that cannot be merged).
   */
  readonly #windowNumber: number | null

  constructor(slices: WindowSlices, windowNumber: number | null) {
    this.#slices = slices
    this.#windowNumber = windowNumber
  }

  /** Forgets the interval: the watermark has moved. */
  reset(): void {
    this.startMs = Number.NaN
    this.endMs = Number.NaN
  }

  move(time: number, watermarkMs: number): void {
    const slices = this.#slices
    const sliceEnd = slices.sliceEndOf(time)
    this.endMs = sliceEnd
    this.startMs = sliceEnd - slices.sliceMs
    const last = slices.lastWindowEnd(sliceEnd)
    const first = slices.firstWindowEnd(sliceEnd)
    const inNoWindow = first > last
    this.late = !inNoWindow && watermarkMs !== WATERMARK_MIN && last - 1 <= watermarkMs
    let group = sliceEnd
    if (this.#windowNumber !== null) {
      group = first + this.#windowNumber * slices.slideMs
      if (group > last || group - 1 <= watermarkMs) group = Number.NaN
    }
    this.group = this.late || inNoWindow ? Number.NaN : group
    this.groupHash = hashFloat64(this.group)
  }
}
