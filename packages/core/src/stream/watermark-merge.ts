/**
 * WatermarkMerge: one watermark of several — the minimum over those that are active: the channels
 * of a gate, the inputs of an operator.
 *
 * An idle input holds nothing back; one that comes back with a smaller watermark than what has been
 * announced is left out until it has caught up. One at the end of time (it says so, or has ended)
 * holds nothing back either, and alone it decides nothing: the end of time is reached when all
 * inputs are there, not while another is idle and may still bring rows. When all that have not
 * ended are idle, the whole is idle, at the largest watermark seen in them. Invariant: announced
 * watermarks only grow.
 */
import { WATERMARK_MAX, WATERMARK_MIN } from './stream-element.ts'

export class WatermarkMerge {
  readonly #watermarks: Float64Array
  readonly #idle: Uint8Array
  readonly #behind: Uint8Array
  #announced = WATERMARK_MIN
  #announcedIdle = false

  constructor(inputCount: number) {
    this.#watermarks = new Float64Array(inputCount).fill(WATERMARK_MIN)
    this.#idle = new Uint8Array(inputCount)
    this.#behind = new Uint8Array(inputCount)
  }

  /** The watermark announced last; -Infinity at first. */
  get current(): number {
    return this.#announced
  }

  /** Every input that has not ended is idle, and there is one. */
  get isIdle(): boolean {
    return this.#announcedIdle
  }

  /** The last watermark of one input. */
  watermarkOf(input: number): number {
    return this.#watermarks[input] as number
  }

  isInputIdle(input: number): boolean {
    return this.#idle[input] === 1
  }

  /** The input that holds the minimum, or -1 when none does. */
  get holder(): number {
    let holder = -1
    let least = WATERMARK_MAX
    for (let i = 0; i < this.#watermarks.length; i++) {
      if (this.#idle[i] === 1 || this.#behind[i] === 1) continue
      if ((this.#watermarks[i] as number) < least) {
        least = this.#watermarks[i] as number
        holder = i
      }
    }
    return holder
  }

  /** Returns whether `current` has grown. */
  advance(input: number, timestampMs: number): boolean {
    if (timestampMs <= (this.#watermarks[input] as number)) return false
    this.#watermarks[input] = timestampMs
    if (this.#behind[input] === 1 && timestampMs >= this.#announced) this.#behind[input] = 0
    const before = this.#announced
    this.#recompute()
    return this.#announced > before
  }

  /** Returns whether `current` or `isIdle` changed. */
  setIdle(input: number, idle: boolean): boolean {
    if ((this.#idle[input] === 1) === idle) return false
    this.#idle[input] = idle ? 1 : 0
    if (idle) this.#behind[input] = 0
    else if ((this.#watermarks[input] as number) < this.#announced) this.#behind[input] = 1
    return this.#recompute()
  }

  /** The input has no more rows. Returns whether `current` or `isIdle` changed. */
  end(input: number): boolean {
    this.#idle[input] = 0
    this.#behind[input] = 0
    this.#watermarks[input] = WATERMARK_MAX
    return this.#recompute()
  }

  #recompute(): boolean {
    const { length } = this.#watermarks
    let least = WATERMARK_MAX
    let largest = WATERMARK_MIN
    let counted = 0
    let open = 0
    let idle = 0
    for (let i = 0; i < length; i++) {
      const watermark = this.#watermarks[i] as number
      if (watermark === WATERMARK_MAX) continue
      open++
      if (watermark > largest) largest = watermark
      if (this.#idle[i] === 1) idle++
      else if (this.#behind[i] === 0) {
        counted++
        if (watermark < least) least = watermark
      }
    }
    const isIdle = open > 0 && idle === open
    let reached = WATERMARK_MIN
    if (open === 0 || counted > 0) reached = least
    else if (isIdle) reached = largest
    const changed = reached > this.#announced || isIdle !== this.#announcedIdle
    if (reached > this.#announced) this.#announced = reached
    this.#announcedIdle = isIdle
    return changed
  }
}
