/**
 * JobStart: from a submitted graph to the first round of deployment — checks the checkpoint
 * directory, reads the checkpoint to start from, and tries again for as long as that has a
 * prospect.
 */
import { fromErrorData, toErrorData } from '@millrace/core'
import { aboutForced } from '../checkpoint/about-forced.ts'
import type { CheckpointCoordinator } from '../checkpoint/checkpoint-coordinator.ts'
import type { JobRecord } from '../high-availability/job-record.ts'
import type { Failover } from './failover.ts'
import type { JobCoordinators } from './job-coordinators.ts'
import type { JobState } from './job-state.ts'
import type { Rounds } from './rounds.ts'

/** No later try reads these checkpoints. */
const LOST_FOR_EVER = new Set(['CHECKPOINT_METADATA_CORRUPTED', 'CHECKPOINT_VERSION_UNSUPPORTED'])
/**
 * A disk may stumble for so long before a new job is given up; one that ran before is tried for
 * ever.
 */
const FIRST_START_MS_MAX = 60_000
const RECOVERY_PAUSE_MS_MIN = 100
const RECOVERY_PAUSE_MS_MAX = 10_000

export class JobStart {
  readonly #job: JobState
  readonly #failover: Failover
  readonly #coordinators: JobCoordinators
  readonly #rounds: Rounds
  readonly #openCheckpoints: (record: JobRecord) => Promise<CheckpointCoordinator>

  constructor(
    job: JobState,
    parts: {
      readonly failover: Failover
      readonly coordinators: JobCoordinators
      readonly rounds: Rounds
      openCheckpoints(record: JobRecord): Promise<CheckpointCoordinator>
    },
  ) {
    this.#job = job
    this.#failover = parts.failover
    this.#coordinators = parts.coordinators
    this.#rounds = parts.rounds
    this.#openCheckpoints = parts.openCheckpoints
  }

  /**
   * `recovered`: a former leader ran the job, so it does not fail because something cannot be read
   * at once.
   */
  async start(record: JobRecord, recovered: boolean): Promise<void> {
    const job = this.#job
    job.record = record
    job.requirements = record.requirements
    if (record.isCancelled) {
      this.#failover.cancel()
      return
    }
    if (!(await this.#open(record, recovered))) return
    job.lifecycle.become('CREATED')
    const forced = aboutForced(job.configuration, job.jobGraph)
    if (forced !== null) job.logger.warn(forced)
    this.#coordinators.start(job.restoredCoordinators())
    try {
      this.#rounds.begin(new Set(job.round.graph.vertices.keys()))
    } catch (error) {
      this.#failover.fail(error)
    }
  }

  /** False: the job ends, or is another JobManager's by now. */
  async #open(record: JobRecord, recovered: boolean): Promise<boolean> {
    const job = this.#job
    const { clock } = job.platform
    // It may be cancelled, or another JobManager may lead, meanwhile.
    const isStarting = () => job.lifecycle.state === 'INITIALIZING'
    const startedMs = clock.monotonicMs()
    for (let attempt = 0; ; attempt++) {
      try {
        const checkpoints = await this.#openCheckpoints(record)
        if (!isStarting()) return false
        job.checkpoints = checkpoints
        return true
      } catch (error) {
        if (!isStarting()) return false
        const { code, retry } = toErrorData(error)
        const waitedMs = clock.monotonicMs() - startedMs
        const isGone = record.stop?.isDecided === true && code === 'CHECKPOINT_NOT_FOUND'
        const isLost = recovered
          ? LOST_FOR_EVER.has(code) || isGone
          : retry === 'never' || waitedMs > FIRST_START_MS_MAX
        if (isLost) {
          this.#failover.fail(error)
          return false
        }
        if (attempt === 0) job.note(fromErrorData(toErrorData(error)), null, 'root')
        job.logger.warn('A job cannot be started yet', { error })
        await this.#pause(Math.min(RECOVERY_PAUSE_MS_MAX, RECOVERY_PAUSE_MS_MIN * 2 ** attempt))
        if (!isStarting()) return false
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#job.platform.clock.setTimer(ms, resolve, { unref: true })
    })
  }
}
