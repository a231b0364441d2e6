/**
 * WatermarkMerge: the combined watermark of a gate's channels — the minimum over those that are
 * active.
 *
 * An idle channel holds nothing back; one that comes back with a smaller watermark than the gate
 * has already announced is left out until it has caught up. A channel at its end counts as at the
 * end of time. When all are idle the gate is idle, at the largest watermark seen. Invariant:
 * announced watermarks only grow.
 */
export class WatermarkMerge {
  readonly #watermarks: Float64Array
  readonly #idle: Uint8Array
  readonly #behind: Uint8Array
  #announced = Number.NEGATIVE_INFINITY
  #announcedIdle = false

  constructor(channelCount: number) {
    this.#watermarks = new Float64Array(channelCount).fill(Number.NEGATIVE_INFINITY)
    this.#idle = new Uint8Array(channelCount)
    this.#behind = new Uint8Array(channelCount)
  }

  /** The watermark announced last; -Infinity at first. */
  get current(): number {
    return this.#announced
  }

  get isIdle(): boolean {
    return this.#announcedIdle
  }

  /** The channel that holds the minimum, or -1 when none does. */
  get holdingChannel(): number {
    let channel = -1
    let least = Number.POSITIVE_INFINITY
    for (let i = 0; i < this.#watermarks.length; i++) {
      if (this.#idle[i] === 1 || this.#behind[i] === 1) continue
      if ((this.#watermarks[i] as number) < least) {
        least = this.#watermarks[i] as number
        channel = i
      }
    }
    return channel
  }

  /** Returns whether `current` has grown. */
  advance(channel: number, timestampMs: number): boolean {
    if (timestampMs <= (this.#watermarks[channel] as number)) return false
    this.#watermarks[channel] = timestampMs
    if (this.#behind[channel] === 1 && timestampMs >= this.#announced) this.#behind[channel] = 0
    return this.#recompute()
  }

  /** Returns whether `isIdle` changed; `current` may have grown too (compare before and after). */
  setIdle(channel: number, idle: boolean): boolean {
    if ((this.#idle[channel] === 1) === idle) return false
    this.#idle[channel] = idle ? 1 : 0
    if (idle) this.#behind[channel] = 0
    else if ((this.#watermarks[channel] as number) < this.#announced) this.#behind[channel] = 1
    const allIdle = this.#allIdle()
    if (allIdle) this.#raiseTo(this.#largest())
    else this.#recompute()
    const changed = allIdle !== this.#announcedIdle
    this.#announcedIdle = allIdle
    return changed
  }

  /** The channel has sent end-of-data. */
  end(channel: number): boolean {
    this.#idle[channel] = 0
    this.#behind[channel] = 0
    this.#watermarks[channel] = Number.POSITIVE_INFINITY
    return this.#recompute()
  }

  #recompute(): boolean {
    let least = Number.POSITIVE_INFINITY
    let counted = 0
    for (let i = 0; i < this.#watermarks.length; i++) {
      if (this.#idle[i] === 1 || this.#behind[i] === 1) continue
      counted++
      const watermark = this.#watermarks[i] as number
      if (watermark < least) least = watermark
    }
    return counted > 0 && this.#raiseTo(least)
  }

  #raiseTo(timestampMs: number): boolean {
    if (timestampMs <= this.#announced) return false
    this.#announced = timestampMs
    return true
  }

  #allIdle(): boolean {
    for (let i = 0; i < this.#idle.length; i++) if (this.#idle[i] === 0) return false
    return true
  }

  #largest(): number {
    let largest = Number.NEGATIVE_INFINITY
    for (const watermark of this.#watermarks) if (watermark > largest) largest = watermark
    return largest
  }
}
