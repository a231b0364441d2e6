/**
 * SplitWatermarks: from what each split has delivered to one watermark of the source. Pure: time
 * comes in as an argument.
 *
 * A split holds the watermark while it is active: not finished, not idle, and (unless
 * `emptySplitHolds`) not empty for `EMPTY_SPLIT_HOLD_MS`: when several splits are filled at one
 * moment, the rows that come first must not make the first rows of the others late. That time
 * begins when the split has been read to its end without a record, and anew when rows come from a
 * split beside it for the first time. Invariant: the combined watermark never goes back.
 */
import type { SourceSplit } from '@millrace/connector'
import { WATERMARK_MAX, WATERMARK_MIN } from '@millrace/core'

/** On the idle clock: so long an empty split holds the watermark. */
export const EMPTY_SPLIT_HOLD_MS = 1000

export interface SplitWatermark {
  readonly id: string
  readonly description: string
  /** Why it is there though it brings no rows; null: nobody can say. */
  readonly silence: string | null
  watermark: number
  lastEventTimeMs: number
  /** On the idle clock, see `TableSource`. */
  lastActivityMs: number
  /** Wall time at which it became the one that holds, or joined. */
  sinceMs: number
  delivered: boolean
  /** On the idle clock: when it was found read to its end, without a record; Infinity: never. */
  emptySinceMs: number
  /** Empty for so long that it does not hold the watermark. */
  letGo: boolean
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
  /** On the idle clock: when the first event time came; Infinity: none has come. */
  #firstRowsMs = Number.POSITIVE_INFINITY

  constructor(emptySplitHolds: boolean) {
    this.#emptySplitHolds = emptySplitHolds
  }

  add(
    { id, description, silence }: Omit<SourceSplit, 'position'>,
    clockMs: number,
    nowMs: number,
  ): SplitWatermark {
    const known = this.#splits.get(id)
    if (known !== undefined) return known
    const split: SplitWatermark = {
      id,
      description,
      silence: silence ?? null,
      watermark: WATERMARK_MIN,
      lastEventTimeMs: Number.NEGATIVE_INFINITY,
      lastActivityMs: clockMs,
      sinceMs: nowMs,
      delivered: false,
      emptySinceMs: Number.POSITIVE_INFINITY,
      letGo: false,
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
    this.#rowsCame(split.lastActivityMs)
  }

  get(id: string): SplitWatermark | undefined {
    return this.#splits.get(id)
  }

  all(): IterableIterator<SplitWatermark> {
    return this.#splits.values()
  }

  /**
   * What the other splits allow: the smallest watermark of those that hold, Infinity
   * when none does.
   */
  leastBeside(split: SplitWatermark): number {
    let least = WATERMARK_MAX
    for (const other of this.#splits.values()) {
      if (other === split || other.watermark >= least || !this.#holds(other)) continue
      least = other.watermark
    }
    return least
  }

  /**
   * Rows of `split` arrived; `watermark` and `eventTimeMs` are the largest among them
   * (-Infinity: all NULL).
   */
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
    split.emptySinceMs = Number.POSITIVE_INFINITY
    split.letGo = false
    split.idle = false
    if (split.watermark > WATERMARK_MIN) this.#rowsCame(clockMs)
  }

  #rowsCame(clockMs: number): void {
    if (this.#firstRowsMs !== Number.POSITIVE_INFINITY) return
    this.#firstRowsMs = clockMs
    for (const split of this.#splits.values()) split.letGo = false
  }

  caughtUpEmpty(id: string, clockMs: number): void {
    const split = this.#splits.get(id)
    if (split !== undefined && !split.delivered) split.emptySinceMs = clockMs
  }

  /** Whether a split that has never delivered a record holds now and may be let go. */
  get awaitsEmpty(): boolean {
    if (this.#emptySplitHolds) return false
    for (const { delivered, letGo, idle } of this.#splits.values()) {
      if (!delivered && !letGo && !idle) return true
    }
    return false
  }

  /** Lets splits go that have been empty for long enough. Returns whether one was. */
  letEmptyGo(clockMs: number): boolean {
    if (this.#emptySplitHolds) return false
    const limitMs = clockMs - EMPTY_SPLIT_HOLD_MS
    const rowsSinceMs =
      this.#firstRowsMs === Number.POSITIVE_INFINITY ? WATERMARK_MIN : this.#firstRowsMs
    let found = false
    for (const split of this.#splits.values()) {
      if (split.letGo || Math.max(split.emptySinceMs, rowsSinceMs) > limitMs) continue
      split.letGo = true
      found = true
    }
    return found
  }

  finish(id: string): void {
    this.#splits.delete(id)
  }

  /** No first assignment is under way any more. */
  settle(): void {
    this.#settled = true
  }

  /**
   * Marks splits idle that have been silent for `timeoutMs` of `clockMs`; 0: never. Returns whether
   * one became so.
   */
  detectIdle(clockMs: number, timeoutMs: number): boolean {
    if (timeoutMs <= 0) return false
    let found = false
    for (const split of this.#splits.values()) {
      if (split.idle || clockMs - split.lastActivityMs < timeoutMs) continue
      split.idle = true
      found = true
    }
    return found
  }

  #holds(split: SplitWatermark): boolean {
    return !split.idle && !split.letGo
  }

  combine(): CombinedWatermark {
    let holder: SplitWatermark | null = null
    let largest = WATERMARK_MIN
    let furthest = WATERMARK_MIN
    for (const split of this.#splits.values()) {
      if (split.watermark > furthest) furthest = split.watermark
      if (!this.#holds(split)) continue
      if (holder === null || split.watermark < holder.watermark) holder = split
      if (split.watermark > largest) largest = split.watermark
    }
    // When nobody holds it any more, it does not matter who fell silent last: the one furthest
    // ahead would have let it go on. As between channels.
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
