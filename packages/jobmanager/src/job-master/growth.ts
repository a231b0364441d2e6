/**
 * Growth: since when a job that adapts itself to its slots runs, and since when it could run with
 * more of them; calls back when it is to.
 *
 * Owner of these two times; `decideGrowthMs` says what follows from them.
 */
import type { Clock } from '@millrace/platform'
import type { AdaptiveSettings } from '../scheduler/adaptive-settings.ts'
import { decideGrowthMs } from '../scheduler/decide-growth.ts'

export class Growth {
  readonly #clock: Clock
  readonly #settings: AdaptiveSettings
  readonly #due: () => void
  #runningSinceMs: number
  #possibleSinceMs: number | null = null
  #cancelTimer: () => void = () => {}

  constructor(clock: Clock, settings: AdaptiveSettings, due: () => void) {
    this.#clock = clock
    this.#settings = settings
    this.#due = due
    this.#runningSinceMs = clock.monotonicMs()
  }

  /** Every task has come to run. */
  running(): void {
    this.stop()
    this.#runningSinceMs = this.#clock.monotonicMs()
  }

  /** More slots are there than it runs with. True: it takes them now; else it is asked again. */
  isDue(isDesired: boolean): boolean {
    this.#cancelTimer()
    const nowMs = this.#clock.monotonicMs()
    this.#possibleSinceMs ??= nowMs
    const inMs = decideGrowthMs({
      runningForMs: nowMs - this.#runningSinceMs,
      possibleForMs: nowMs - this.#possibleSinceMs,
      isDesired,
      cooldownMs: this.#settings.cooldownMs,
      stabilizationMs: this.#settings.growthStabilizationMs,
    })
    if (inMs > 0) this.#cancelTimer = this.#clock.setTimer(inMs, this.#due)
    return inMs === 0
  }

  /** There is nothing to grow into, or the job does not run. */
  stop(): void {
    this.#cancelTimer()
    this.#possibleSinceMs = null
  }
}
