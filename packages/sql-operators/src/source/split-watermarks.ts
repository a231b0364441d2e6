/**
 * SplitWatermarks: from what each split has delivered to one watermark of the source. Pure: time comes in as an
 * argument.
 *
 * A split holds the watermark while it is active: not finished, not idle, and (unless `emptySplitHolds`) not read up
 * to its present end
 * without a single record. Invariant: the combined watermark never goes back.
 */
import { WATERMARK_MIN } from '@millrace/core'

export interface SplitWatermark {
  readonly id: string
  readonly description: string
  watermark: number
  lastEventTimeMs: number
  /** On the idle clock, see `TableSource`. */
  lastActivityMs: number
  /** Wall time at which it became the one that holds, or joined. */
  sinceMs: number
  delivered: boolean
  caughtUpEmpty: boolean
  idle: boolean
}

/** What a checkpoint keeps of a split that has delivered rows. */
export interface SplitEventTime {
  readonly watermarkMs: number
  readonly lastEventTimeMs: number
}

export interface CombinedWatermark {
  readonly watermark: number
  /** No split holds the watermark, and the first dealing of splits is over. */
  readonly idle: boolean
  /** The split with the smallest watermark among the active ones. */
  readonly holder: SplitWatermark | null
  /** Another active split is further ahead than the holder. */
  readonly uneven: boolean
}

export class SplitWatermarks {
  readonly #emptySplitHolds: boolean
  readonly #splits = new Map<string, SplitWatermark>()
  #settled = false
  #watermark = WATERMARK_MIN

  constructor(emptySplitHolds: boolean) {
    this.#emptySplitHolds = emptySplitHolds
  }

  add(id: string, description: string, clockMs: number, nowMs: number): SplitWatermark {
    const known = this.#splits.get(id)
    if (known !== undefined) return known
    const split: SplitWatermark = {
      id,
      description,
      watermark: WATERMARK_MIN,
      lastEventTimeMs: Number.NEGATIVE_INFINITY,
      lastActivityMs: clockMs,
      sinceMs: nowMs,
      delivered: false,
      caughtUpEmpty: false,
      idle: false,
    }
    this.#splits.set(id, split)
    return split
  }

  /** Null when it has delivered no event time. */
  eventTimeOf(id: string): SplitEventTime | null {
    const split = this.#splits.get(id)
    if (split === undefined || split.watermark === WATERMARK_MIN) return null
    return { watermarkMs: split.watermark, lastEventTimeMs: split.lastEventTimeMs }
  }

  /** A split that was added goes on from a checkpoint: it has delivered rows before. */
  restore(id: string, eventTime: SplitEventTime): void {
    const split = this.#splits.get(id)
    if (split === undefined) return
    split.watermark = eventTime.watermarkMs
    split.lastEventTimeMs = eventTime.lastEventTimeMs
    split.delivered = true
  }

  get(id: string): SplitWatermark | undefined {
    return this.#splits.get(id)
  }

  all(): IterableIterator<SplitWatermark> {
    return this.#splits.values()
  }

  /** Rows of `split` arrived; `watermark` and `eventTimeMs` are the largest among them (-Infinity: all NULL). */
  advance(
    split: SplitWatermark,
    watermark: number,
    eventTimeMs: number,
    clockMs: number,
    nowMs: number,
  ): void {
    if (watermark > split.watermark) {
      split.watermark = watermark
      split.sinceMs = nowMs
    }
    if (eventTimeMs > split.lastEventTimeMs) split.lastEventTimeMs = eventTimeMs
    split.lastActivityMs = clockMs
    split.delivered = true
    split.caughtUpEmpty = false
    split.idle = false
  }

  caughtUpEmpty(id: string): void {
    const split = this.#splits.get(id)
    if (split !== undefined && !split.delivered) split.caughtUpEmpty = true
  }

  finish(id: string): void {
    this.#splits.delete(id)
  }

  /** No first assignment is under way any more. */
  settle(): void {
    this.#settled = true
  }

  /** Marks splits idle that have been silent for `timeoutMs` of `clockMs`; 0: never. */
  detectIdle(clockMs: number, timeoutMs: number): void {
    if (timeoutMs <= 0) return
    for (const split of this.#splits.values()) {
      if (clockMs - split.lastActivityMs >= timeoutMs) split.idle = true
    }
  }

  combine(): CombinedWatermark {
    let holder: SplitWatermark | null = null
    let largest = WATERMARK_MIN
    let furthest = WATERMARK_MIN
    for (const split of this.#splits.values()) {
      if (split.watermark > furthest) furthest = split.watermark
      if (split.idle || (split.caughtUpEmpty && !this.#emptySplitHolds)) continue
      if (holder === null || split.watermark < holder.watermark) holder = split
      if (split.watermark > largest) largest = split.watermark
    }
    // When nobody holds it any more, it does not matter who fell silent last: the one furthest ahead would have let
    // it go on. As between channels.
    const reached = holder === null ? furthest : holder.watermark
    if (reached > this.#watermark) this.#watermark = reached
    return {
      watermark: this.#watermark,
      idle: holder === null && (this.#settled || this.#splits.size > 0),
      holder,
      uneven: holder !== null && largest > holder.watermark,
    }
  }
}
