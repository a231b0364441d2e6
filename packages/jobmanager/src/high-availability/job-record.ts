/**
 * What must outlive the JobManager about a running job: which checkpoints are complete, which ids
 * were given out, how it ended.
 *
 * Each method resolves only when that is durable (without high availability: at once). Rejections
 * mean that this JobManager leads no more: then nothing is known, and nothing may be touched.
 */
import type { ErrorData } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import type { TerminalJobStatus } from '../execution-graph/execution-state.ts'
import type { ResourceRequirements } from '../scheduler/resource-requirements.ts'

/** How a job ended, kept after its graph is gone. */
export interface JobResult {
  readonly name: string
  readonly jobType: JobGraph['jobType']
  readonly state: TerminalJobStatus
  readonly startMs: number
  readonly endMs: number
  readonly failureCause: ErrorData | null
  /** Directories of the checkpoints that were kept for the user. */
  readonly checkpoints: readonly string[]
}

/** Of a savepoint that was to stop a job, and whether it has. */
export interface JobStop {
  readonly path: string
  readonly isDecided: boolean
}

export interface JobRecord {
  /** False: it ends with this process. */
  readonly isDurable: boolean
  /**
   * Complete checkpoints that former leaders left, ascending; the newest is what the
   * job starts from.
   */
  readonly retained: readonly number[]
  /** No former leader has given out this id or a later one. */
  readonly firstCheckpointId: number
  /** A former leader was asked to cancel the job. */
  readonly isCancelled: boolean
  /** The savepoint that stops the job, or has (`isDecided`); null: none was asked for. */
  readonly stop: JobStop | null
  /** Before a checkpoint of that id is triggered: no later leader will give out the same. */
  reserve(checkpointId: number): Promise<void>
  /** What was asked for last, by whichever leader; null: nothing. */
  readonly requirements: ResourceRequirements | null
  require(requirements: ResourceRequirements): Promise<void>
  /**
   * `retained`, its newest included, are from now on what counts as complete. Null: done already.
   */
  advance(retained: readonly number[]): Promise<void> | null
  /** A savepoint at `path` is to stop the job; before a task hears of it. */
  beginStop(path: string): Promise<void>
  /** The job is stopped by the savepoint at `path`, which is complete. Null: done already. */
  decideStop(path: string): Promise<void> | null
  requestCancel(): Promise<void>
  end(result: JobResult): Promise<void> | null
}

const DONE = Promise.resolve()

/** The record of a job that lives and dies with its JobManager. */
export const VOLATILE_JOB_RECORD: JobRecord = {
  isDurable: false,
  retained: [],
  firstCheckpointId: 1,
  isCancelled: false,
  stop: null,
  reserve: () => DONE,
  requirements: null,
  require: () => DONE,
  advance: () => null,
  beginStop: () => DONE,
  decideStop: () => null,
  requestCancel: () => DONE,
  end: () => null,
}
