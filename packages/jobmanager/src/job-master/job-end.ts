/**
 * JobEnd: what a job leaves — the result that outlives it, the checkpoints that its retention
 * keeps, the rest removed.
 *
 * Owner of what is said about an ended job's checkpoints; also of a job that ended under a former
 * leader and was never started here.
 */
import { keepsCheckpointsAfter } from '@millrace/state'
import { cleanUpEnded, keptAfterEnd } from '../checkpoint/shared-checkpoints.ts'
import type { TerminalJobStatus } from '../execution-graph/execution-state.ts'
import type { JobResult } from '../high-availability/job-record.ts'
import type { JobState } from './job-state.ts'

export class JobEnd {
  readonly #job: JobState
  #keptCheckpoints: readonly string[] | null = null

  constructor(job: JobState) {
    this.#job = job
  }

  /** Directories of the checkpoints that the ended job keeps; null before its end. */
  get keptCheckpoints(): readonly string[] | null {
    return this.#keptCheckpoints
  }

  /** Makes the end durable. Null: there is nothing to wait for. */
  record(state: TerminalJobStatus): Promise<void> | null {
    return this.#job.record.end(this.#result(state))
  }

  #result(state: TerminalJobStatus): JobResult {
    const { jobGraph, lifecycle, platform } = this.#job
    const checkpoints = this.#kept(state)
    this.#keptCheckpoints = checkpoints
    return {
      checkpoints,
      name: jobGraph.name,
      jobType: jobGraph.jobType,
      state,
      startMs: lifecycle.timestampsMs.get('INITIALIZING') ?? -1,
      endMs: platform.clock.nowMs(),
      failureCause: lifecycle.failureCause,
    }
  }

  #kept(state: TerminalJobStatus): readonly string[] {
    const { jobId, checkpoints, configuration, platform, record, stoppedBy } = this.#job
    if (checkpoints === null) {
      return keptAfterEnd(configuration, jobId, platform.filesystem, state, record.retained)
    }
    const keeps = keepsCheckpointsAfter(state, checkpoints.settings.retention)
    const kept = keeps ? checkpoints.completed.paths() : []
    return stoppedBy === null ? kept : [...kept, stoppedBy]
  }

  /** Resolves when its checkpoints are as its retention wants them. */
  async cleanUp(state: TerminalJobStatus): Promise<void> {
    const { jobId, checkpoints, record, configuration, platform } = this.#job
    if (checkpoints !== null) await checkpoints.jobEnded(state)
    else if (record.isDurable) {
      await cleanUpEnded(configuration, jobId, platform, state, record.retained)
    }
  }

  /** How the job ended under a former leader. */
  show({ state, startMs, endMs, failureCause, checkpoints }: JobResult): void {
    this.#keptCheckpoints = checkpoints
    const { lifecycle } = this.#job
    lifecycle.become('INITIALIZING', startMs)
    lifecycle.become(state, endMs)
    lifecycle.failureCause = failureCause
  }
}
