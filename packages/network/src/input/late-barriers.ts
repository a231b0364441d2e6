/**
 * LateBarriers: barriers that lie in a subtask's channels behind rows, and when waiting for them
 * has taken too long.
 *
 * Beside the alignment: what is read in order it never hears of. The producer says of a barrier in
 * band when it has sent it, so that its place is known before it is read. Invariant: one timer, for
 * the newest checkpoint.
 */
import type { CheckpointBarrier } from '@millrace/core'

/** Instead of a channel: the time for the checkpoint's barriers is over. */
export const LATE = -1

/** A barrier that was heard of outside of its channel's elements. */
export interface ArrivedBarrier {
  /** The channel, or LATE. */
  readonly index: number
  readonly barrier: CheckpointBarrier
  /** It is in the channel as well, behind what has come. */
  readonly isInBand: boolean
}

export interface LateBarriersSettings {
  readonly nowMs: () => number
  /** Returns how to cancel it. */
  readonly setTimer: (delayMs: number, action: () => void) => () => void
}

/** How long barriers may still be waited for, by the order and the time since its trigger. */
export function patienceMs({ order }: CheckpointBarrier, nowMs: number): number {
  const { align, timestampMs } = order
  if (typeof align !== 'object') return Number.POSITIVE_INFINITY
  const { unalignedAfterMs } = align
  return Math.max(0, Math.min(unalignedAfterMs, timestampMs + unalignedAfterMs - nowMs))
}

export class LateBarriers {
  readonly #settings: LateBarriersSettings
  readonly #late: (barrier: CheckpointBarrier) => void
  /** By channel: the checkpoint whose barrier came last and lies in it, or did. */
  readonly #lastIn: Float64Array
  #newest = -1
  #cancelTimer: () => void = () => {}

  /** `late`: the time for the checkpoint's barriers is over. */
  constructor(
    channelCount: number,
    settings: LateBarriersSettings,
    late: (barrier: CheckpointBarrier) => void,
  ) {
    this.#settings = settings
    this.#late = late
    this.#lastIn = new Float64Array(channelCount).fill(-1)
  }

  /** The barrier has come and stands behind what the channel holds. */
  came(channel: number, barrier: CheckpointBarrier): void {
    const { id } = barrier.order
    this.#lastIn[channel] = id
    if (id <= this.#newest) return
    this.cancel()
    this.#newest = id
    const { nowMs, setTimer } = this.#settings
    this.#cancelTimer = setTimer(patienceMs(barrier, nowMs()), () => this.#late(barrier))
  }

  /** Channels that hold the checkpoint's barrier, or did. */
  holding(checkpointId: number): number[] {
    return [...this.#lastIn.keys()].filter((channel) => this.#lastIn[channel] === checkpointId)
  }

  /** Nothing is waited for any more. */
  cancel(): void {
    this.#cancelTimer()
    this.#cancelTimer = () => {}
  }
}
