/**
 * Whatever waits names its reason and has an end: a job that does not run says what it waits for,
 * and no checkpoint stays under way beyond its timeout. (That a job comes right in bounded time is
 * seen by the run itself.)
 */
import { type Violation, violation } from './violation.ts'

export interface ObservedJob {
  readonly jobId: string
  readonly state: string
  /** `status-reason`, as REST shows it. */
  readonly reason: string | null
  /** Its checkpoints that are neither complete nor failed, over all attempts. */
  readonly underWay: readonly UnderWay[]
}

export interface UnderWay {
  readonly id: number
  /** By every task: what is left is to write it down. */
  readonly acknowledged: boolean
}

/** States in which nothing is waited for. */
const AT_REST: readonly string[] = ['RUNNING', 'FINISHED', 'CANCELED']
/** The JobManager may be slow itself, and what ends a checkpoint takes its turn. */
const SLACK_MS = 5000
/**
 * Whether a checkpoint counts is decided by its record in the store of high availability. A leader
 * that cannot reach the store waits for that as long as its lease lasts, and again when it could
 * renew it in between.
 */
const RECORD_MS = 30_000

export class WaitsChecker {
  readonly #timeoutMs: number
  /** For how long each checkpoint was seen under way while its JobManager was not paused. */
  readonly #underWayMs = new Map<string, number>()
  readonly #told = new Set<string>()
  readonly violations: Violation[] = []
  /** Waits looked at. */
  observed = 0

  /** `timeoutMs`: execution.checkpointing.timeout. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  /**
   * What the leader of that epoch knows of a job, `elapsedMs` after the last look, in
   * which it could act.
   */
  observe(epoch: number, job: ObservedJob, elapsedMs: number): void {
    const { jobId, state, reason } = job
    if (!AT_REST.includes(state)) {
      this.observed++
      if (reason === null || reason.trim() === '') this.#found(`${jobId} is ${state}`, 'no reason')
    }
    for (const { id, acknowledged } of job.underWay) {
      this.observed++
      const key = `${epoch} ${jobId} ${id}`
      const beforeMs = this.#underWayMs.get(key)
      const ms = beforeMs === undefined ? 0 : beforeMs + elapsedMs
      this.#underWayMs.set(key, ms)
      const limitMs = this.#timeoutMs + SLACK_MS + (acknowledged ? RECORD_MS : 0)
      if (ms <= limitMs || this.#told.has(key)) continue
      this.#told.add(key)
      this.#found(`Checkpoint ${id} of ${jobId} is under way for ${ms} ms`, `at most ${limitMs}`)
    }
  }

  #found(message: string, detail: string): void {
    this.violations.push(violation('named-waits', `${message}.`, [detail]))
  }
}
