/**
 * SlotWait: before each round of a job that adapts itself to its slots, waits until there are those
 * that it may use, or long enough for fewer.
 *
 * Owner of the time that is waited, and of nothing else: what is there is the slot pool's, the
 * decision `decideStart`'s, the round `Rounds`'.
 */
import { jobManagerError } from '../error-codes.ts'
import { SchedulerOptions } from '../jobmanager-options.ts'
import type { AdaptiveSettings } from '../scheduler/adaptive-settings.ts'
import { decideStart } from '../scheduler/decide-start.ts'
import type { JobSlots } from '../scheduler/job-slots.ts'
import { describeSettling } from '../slot-pool/describe-settling.ts'
import type { SlotPool } from '../slot-pool/slot-pool.ts'
import type { JobState } from './job-state.ts'

/** What the job may use, and what it needs at least, in slots. */
export interface SlotBounds {
  readonly desired: number
  readonly least: number
}

interface Wait {
  readonly startedMs: number
  readonly atOnce: boolean
  /** Since when there are enough for the lower bounds; null: there are not. */
  sufficientSinceMs: number | null
  /** Monotonic; null: nothing is due. */
  dueMs: number | null
}

export interface SlotWaitListener {
  bounds(): SlotBounds
  ready(slots: number): void
  /** NOT_ENOUGH_SLOTS. */
  fail(error: unknown): void
}

export class SlotWait {
  readonly #job: JobState
  readonly #pool: SlotPool
  readonly #held: JobSlots
  readonly #settings: AdaptiveSettings
  readonly #listener: SlotWaitListener
  #wait: Wait | null = null
  #cancelTimer: () => void = () => {}

  constructor(
    job: JobState,
    pool: SlotPool,
    held: JobSlots,
    settings: AdaptiveSettings,
    listener: SlotWaitListener,
  ) {
    this.#job = job
    this.#pool = pool
    this.#held = held
    this.#settings = settings
    this.#listener = listener
  }

  /** Slots that the job holds or may take. */
  available(): number {
    const held = this.#held.held().filter(({ taskManager }) => !taskManager.lost)
    return held.length + this.#pool.counts().free
  }

  /** `atOnce`: with whatever is enough. */
  begin(atOnce: boolean): void {
    this.abandon()
    const startedMs = this.#job.platform.clock.monotonicMs()
    this.#wait = { startedMs, atOnce, sufficientSinceMs: null, dueMs: null }
    this.reconsider()
  }

  abandon(): void {
    this.#cancelTimer()
    this.#wait = null
  }

  /** Slots have come or gone, the bounds are others, or something is due. */
  reconsider(): void {
    const wait = this.#wait
    if (wait === null) return
    this.#cancelTimer()
    const { clock } = this.#job.platform
    const nowMs = clock.monotonicMs()
    const available = this.available()
    const bounds = this.#listener.bounds()
    if (available < bounds.least) wait.sufficientSinceMs = null
    else wait.sufficientSinceMs ??= nowMs
    const decision = decideStart({
      ...bounds,
      available,
      freeing: this.#pool.freeing,
      waitedMs: nowMs - wait.startedMs,
      sufficientForMs: nowMs - (wait.sufficientSinceMs ?? nowMs),
      stabilizationMs: this.#settings.startStabilizationMs,
      waitMs: this.#settings.waitMs,
      atOnce: wait.atOnce,
    })
    if (decision.kind === 'wait') {
      const { forMs } = decision
      wait.dueMs = forMs === null ? null : nowMs + forMs
      if (forMs !== null) this.#cancelTimer = clock.setTimer(forMs, () => this.reconsider())
      return
    }
    this.abandon()
    if (decision.kind === 'begin') this.#listener.ready(available)
    else this.#listener.fail(this.#tooFew(available, bounds))
  }

  #tooFew(available: number, { desired, least }: SlotBounds): unknown {
    const { key } = SchedulerOptions.waitTimeout
    const seconds = ((this.#settings.waitMs ?? 0) / 1000).toFixed(1)
    return jobManagerError(
      'NOT_ENOUGH_SLOTS',
      `Provide at least ${least} slots for job '${this.#job.jobGraph.name}': ${available} of the ${desired} that it may use are its own or free, after ${seconds} s.`,
      {
        hint: 'Start another TaskManager (npx millrace taskmanager), lower the lower bounds of its vertices, or cancel another job.',
        location: { optionKey: key },
      },
    )
  }

  /** What is waited for, for people; null: nothing. */
  describe(): string | null {
    const wait = this.#wait
    if (wait === null) return null
    const { dueMs } = wait
    const leftMs = dueMs === null ? null : dueMs - this.#job.platform.clock.monotonicMs()
    return describeSettling({ ...this.#listener.bounds(), available: this.available(), leftMs })
  }
}
