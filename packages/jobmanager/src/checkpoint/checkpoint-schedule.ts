/**
 * CheckpointSchedule: when the next checkpoint is due, and the timer that says so.
 *
 * Owner of all times that `decideTrigger` looks at. It never triggers by itself: `due` is called,
 * by `arm` or by the timer, and answers by triggering or by nothing.
 */
import type { Clock } from '@millrace/platform'
import type { CheckpointSettings } from './checkpoint-settings.ts'
import { decideFirstTrigger, decideTrigger } from './decide-trigger.ts'

export interface ScheduleListener {
  /** A checkpoint is to be triggered now. */
  due(): void
  /** How many are under way. */
  pending(): number
  /** Somebody waits for one. */
  demanded(): boolean
}

export class CheckpointSchedule {
  readonly #clock: Clock
  readonly #settings: CheckpointSettings
  readonly #listener: ScheduleListener
  #running = false
  #finalWanted = false
  #closed = false
  #soon = false
  #firstDueMs = 0
  #lastTriggerMs: number | null = null
  #lastEndMs: number | null = null
  #notStartedMs: number | null = null
  #cancelTimer: () => void = () => {}

  constructor(clock: Clock, settings: CheckpointSettings, listener: ScheduleListener) {
    this.#clock = clock
    this.#settings = settings
    this.#listener = listener
  }

  /** All input is read: the next checkpoint is the last. */
  get finalWanted(): boolean {
    return this.#finalWanted
  }

  get running(): boolean {
    return this.#running
  }

  /** None is taken any more until all tasks run anew; those under way go on. */
  get isClosed(): boolean {
    return this.#closed
  }

  close(): void {
    this.#closed = true
    this.#cancelTimer()
  }

  get #intervalMs(): number {
    return this.#settings.intervalMs ?? Number.POSITIVE_INFINITY
  }

  /** All tasks run; `resumed`: from a checkpoint. */
  start(resumed: boolean): void {
    this.#running = true
    this.#closed = false
    this.#soon = false
    this.#firstDueMs = decideFirstTrigger({
      nowMs: this.#clock.monotonicMs(),
      intervalMs: this.#intervalMs,
      resumed,
      lastTriggerMs: this.#lastTriggerMs,
    })
    this.#lastTriggerMs = null
    this.#notStartedMs = null
    this.arm()
  }

  /** Until the next `start` nothing is due. */
  stop(): void {
    this.#running = false
    this.#finalWanted = false
    this.#cancelTimer()
  }

  wantFinal(): void {
    this.#finalWanted = true
    this.arm()
  }

  /** The next one is wanted as soon as none is under way and the pause allows it. */
  wantSoon(): void {
    this.#soon = true
    this.arm()
  }

  triggered(): void {
    this.#soon = false
    this.#lastTriggerMs = this.#clock.monotonicMs()
  }

  /** One has ended, completed or not. */
  ended(): void {
    this.#lastEndMs = this.#clock.monotonicMs()
  }

  /** The one that was triggered last did not reach all its sources. */
  notStarted(): void {
    this.#notStartedMs = this.#clock.monotonicMs()
  }

  /** Something has changed: triggers, or sets the timer for when to look again. */
  arm(): void {
    this.#cancelTimer()
    const decision = decideTrigger({
      nowMs: this.#clock.monotonicMs(),
      running: this.#running && !this.#closed,
      pending: this.#listener.pending(),
      maxConcurrent: this.#settings.maxConcurrent,
      firstDueMs: this.#firstDueMs,
      lastTriggerMs: this.#lastTriggerMs,
      lastEndMs: this.#lastEndMs,
      intervalMs: this.#intervalMs,
      minPauseMs: this.#settings.minPauseMs,
      finalWanted: this.#finalWanted,
      demanded: this.#listener.demanded(),
      soon: this.#soon,
      notStartedMs: this.#notStartedMs,
    })
    if (decision.kind === 'trigger') this.#listener.due()
    if (decision.kind !== 'postpone' || decision.untilMs === Number.POSITIVE_INFINITY) return
    const delayMs = Math.max(0, decision.untilMs - this.#clock.monotonicMs())
    this.#cancelTimer = this.#clock.setTimer(delayMs, () => this.arm(), { unref: true })
  }
}
