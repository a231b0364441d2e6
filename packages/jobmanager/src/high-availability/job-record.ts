/**
 * What must outlive the JobManager about a running job: which checkpoints are complete, which ids were given out, how
 * it ended.
 *
 * Each method resolves only when that is durable (without high availability: at once). Rejections mean that this
 * JobManager leads no more: then nothing is known, and nothing may be touched.
 */
import type { ErrorData } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import type { TerminalJobStatus } from '../execution-graph/execution-state.ts'

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

export interface JobRecord {
  /** False: it ends with this process. */
  readonly isDurable: boolean
  /** Complete checkpoints that former leaders left, ascending; the newest is what the job starts from. */
  readonly retained: readonly number[]
  /** No former leader has given out this id or a later one. */
  readonly firstCheckpointId: number
  /** A former leader was asked to cancel the job. */
  readonly isCancelled: boolean
  /** Before a checkpoint of that id is triggered: no later leader will give out the same. */
  reserve(checkpointId: number): Promise<void>
  /** `retained`, its newest included, are from now on what counts as complete. Null: done already. */
  advance(retained: readonly number[]): Promise<void> | null
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
  reserve: () => DONE,
  advance: () => null,
  requestCancel: () => DONE,
  end: () => null,
}
