/**
 * JobLifecycle: what a job has come to — its state with the time of each, how often it began anew,
 * why it ended.
 *
 * Lives for the job, through all rounds of deployment. `Failover` moves it, and `JobStart` at the
 * beginning; everybody else reads it.
 */
import type { ErrorData } from '@millrace/core'
import type { Clock } from '@millrace/platform'
import { isTerminalJobStatus, type JobStatus } from '../execution-graph/execution-state.ts'

export class JobLifecycle {
  readonly #clock: Clock
  readonly #timestampsMs = new Map<JobStatus, number>()
  #state: JobStatus = 'INITIALIZING'
  #lastModificationMs: number
  /** After failures. */
  restarts = 0
  /** Without one: tasks went down to come back at another parallelism. */
  rescales = 0
  /** Why the job ended. */
  failureCause: ErrorData | null = null
  /** The job's end is being made durable: nothing changes it any more. */
  ending = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#lastModificationMs = clock.nowMs()
    this.#timestampsMs.set('INITIALIZING', this.#lastModificationMs)
  }

  get state(): JobStatus {
    return this.#state
  }

  get hasEnded(): boolean {
    return isTerminalJobStatus(this.#state)
  }

  /** Its cancellation is done, or is being made durable: there is nothing to cancel any more. */
  get endsCancelled(): boolean {
    return this.#state === 'CANCELED' || (this.#state === 'CANCELLING' && this.ending)
  }

  /** When it came to each state last. */
  get timestampsMs(): ReadonlyMap<JobStatus, number> {
    return this.#timestampsMs
  }

  /** Of the job or one of its tasks. */
  get lastModificationMs(): number {
    return this.#lastModificationMs
  }

  become(state: JobStatus, atMs: number = this.#clock.nowMs()): void {
    this.#state = state
    this.#timestampsMs.set(state, atMs)
    this.#lastModificationMs = atMs
  }

  /** One of its tasks has moved. */
  touched(atMs: number): void {
    this.#lastModificationMs = atMs
  }
}
