/**
 * Failures of a job, newest last, bounded: what `/jobs/:id/exceptions` shows.
 *
 * Failures that come while the job is already on its way down or to a restart belong to the one
 * that started it. A cause is the root even when others noticed its consequences first.
 */
import type { ErrorData } from '@millrace/core'
import type { FailureRank } from './failure-rank.ts'

export interface Failure {
  readonly error: ErrorData
  readonly rank: FailureRank
  readonly timestampMs: number
  /** `Name (2/3) - execution #0`; null for failures of the whole job. */
  readonly taskName: string | null
  readonly taskManagerId: string | null
  /** Host and port of the TaskManager. */
  readonly endpoint: string | null
}

export interface RootFailure {
  root: Failure
  readonly concurrent: Failure[]
}

const CONCURRENT_MAX = 64

export class FailureHistory {
  readonly #sizeMax: number
  readonly #entries: RootFailure[] = []
  truncated = false

  constructor(sizeMax: number) {
    this.#sizeMax = Math.max(1, sizeMax)
  }

  get entries(): readonly RootFailure[] {
    return this.#entries
  }

  addRoot(failure: Failure): void {
    this.#entries.push({ root: failure, concurrent: [] })
    if (this.#entries.length <= this.#sizeMax) return
    this.#entries.shift()
    this.truncated = true
  }

  addConcurrent(failure: Failure): void {
    const last = this.#entries.at(-1)
    if (last === undefined) this.addRoot(failure)
    else if (failure.rank === 'cause' && last.root.rank === 'consequence') {
      last.concurrent.unshift(last.root)
      last.root = failure
    } else if (last.concurrent.length < CONCURRENT_MAX) {
      last.concurrent.push(failure)
    }
  }
}
