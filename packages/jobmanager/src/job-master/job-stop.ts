/**
 * JobStop: what becomes of tasks that a savepoint was to stop, when it was not completed.
 *
 * Tasks that only wait go on where they stand. Those whose sources were ended have fired windows
 * that nobody may see, so the job starts anew from its latest checkpoint; so it does when one of
 * them did not hear that it is to go on. That is no failure, and no restart strategy is asked.
 */
import type { CheckpointOrder } from '@millrace/core'
import { jobManagerError } from '../error-codes.ts'
import type { Failover } from './failover.ts'
import type { JobState } from './job-state.ts'
import type { TaskCalls } from './task-calls.ts'

export class JobStop {
  readonly #job: JobState
  readonly #calls: TaskCalls
  readonly #failover: Failover

  constructor(job: JobState, calls: TaskCalls, failover: Failover) {
    this.#job = job
    this.#calls = calls
    this.#failover = failover
  }

  /** A checkpoint or savepoint was given up. */
  async aborted({ id, after }: CheckpointOrder): Promise<void> {
    const { round } = this.#job
    const reached = await this.#calls.notifyCheckpoint(round.graph.attempts(), id, 'aborted')
    if (after === 'go-on' || (after === 'suspend' && reached)) return
    // It may have failed, or be cancelled, by now: that takes care of its tasks.
    if (this.#job.round !== round || this.#job.lifecycle.state !== 'RUNNING') return
    this.#failover.startAnew(
      jobManagerError(
        'STOP_GIVEN_UP',
        'The job starts anew from its latest checkpoint: the savepoint that was to stop it was not completed.',
      ),
    )
  }
}
