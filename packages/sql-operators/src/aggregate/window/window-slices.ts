/**
 * Slices: the pieces of time that windows are made of.
 *
 * TUMBLE: a slice is a window. HOP: a slice is gcd(size, slide) long, so that each row is
 * aggregated once and a window merges its slices when it fires. Slices and windows are named by
 * their end, exclusive, epoch milliseconds. Pure arithmetic; under the local and the global window
 * aggregate alike.
 *
 *     HOP(size 3, slide 2), slice 1:   |s1|s2|s3|s4|s5|
 *                                      window ends: 3 (s1 s2 s3), 5 (s3 s4 s5)
 */
import type { WindowSpec } from '../../operator-config.ts'

export class WindowSlices {
  readonly sizeMs: number
  readonly slideMs: number
  readonly sliceMs: number
  readonly offsetMs: number

  constructor(window: WindowSpec) {
    this.sizeMs = window.sizeMs
    this.slideMs = window.kind === 'hop' ? window.slideMs : window.sizeMs
    this.sliceMs = greatestCommonDivisor(this.sizeMs, this.slideMs)
    this.offsetMs = window.offsetMs
  }

  /** End of the slice that holds time `t`. */
  sliceEndOf(t: number): number {
    const { sliceMs, offsetMs } = this
    return Math.floor((t - offsetMs) / sliceMs) * sliceMs + offsetMs + sliceMs
  }

  /**
   * End of the first window that holds the slice (beyond `lastWindowEnd` when none does: slide >
   * size leaves gaps).
   */
  firstWindowEnd(sliceEnd: number): number {
    const { slideMs, sizeMs, offsetMs } = this
    return Math.ceil((sliceEnd - sizeMs - offsetMs) / slideMs) * slideMs + offsetMs + sizeMs
  }

  /** End of the last window that holds the slice. */
  lastWindowEnd(sliceEnd: number): number {
    const { slideMs, sizeMs, sliceMs, offsetMs } = this
    return Math.floor((sliceEnd - sliceMs - offsetMs) / slideMs) * slideMs + offsetMs + sizeMs
  }

  /**
   * End of the first window that ends after `time + 1`, i.e. that a watermark of `time`
   * has not fired.
   */
  firstWindowEndAfter(time: number): number {
    const { slideMs, sizeMs, offsetMs } = this
    if (time === Number.NEGATIVE_INFINITY) return time
    return (Math.floor((time + 1 - sizeMs - offsetMs) / slideMs) + 1) * slideMs + offsetMs + sizeMs
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
