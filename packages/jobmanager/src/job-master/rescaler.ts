/**
 * Rescaler: brings a job that runs to the parallelism that is asked for, in place.
 *
 * Requirements are durable before anything follows from them. The job takes a checkpoint, or goes
 * back to its latest complete one where none can be had; then its tasks go down and the next round
 * is planned from the requirements. Whatever fails on the way is a failure like any other: the
 * round after it is planned from them too.
 */
import { hexId } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import { jobManagerError } from '../error-codes.ts'
import { CheckpointingOptions } from '../jobmanager-options.ts'
import { type ResourceRequirements, requireFitting } from '../scheduler/resource-requirements.ts'
import { slotRequirements } from '../scheduler/slot-requirements.ts'
import type { SlotPool } from '../slot-pool/slot-pool.ts'
import type { Failover } from './failover.ts'
import type { JobState } from './job-state.ts'
import type {
  RescaleCause,
  RescaleHistory,
  RescaleOutcome,
  RescaleRecord,
} from './rescale-history.ts'
import type { Rounds } from './rounds.ts'
import type { TaskDeployer } from './task-deployer.ts'

/** One under way. */
interface Rescale {
  readonly cause: RescaleCause
  readonly from: string
  readonly to: string
  /** Monotonic: when it was decided, and when its tasks went down (null: they run yet). */
  readonly startMs: number
  downMs: number | null
  /** Of the job when it went down: more of them, and it is down for a failure. */
  restarts: number
  readonly record: RescaleRecord
}

export class Rescaler {
  readonly #job: JobState
  readonly #slotPool: SlotPool
  readonly #rounds: Rounds
  readonly #deployer: TaskDeployer
  readonly #failover: Failover
  readonly #history: RescaleHistory
  #rescale: Rescale | null = null

  constructor(
    job: JobState,
    slotPool: SlotPool,
    parts: {
      readonly rounds: Rounds
      readonly deployer: TaskDeployer
      readonly failover: Failover
      readonly history: RescaleHistory
    },
  ) {
    this.#job = job
    this.#slotPool = slotPool
    this.#rounds = parts.rounds
    this.#deployer = parts.deployer
    this.#failover = parts.failover
    this.#history = parts.history
  }

  /** What a job that is down comes back to, for people; null: it did not go down for that. */
  describe(): string | null {
    const rescale = this.#rescale
    if (rescale === null || rescale.downMs === null) return null
    return rescale.restarts === this.#job.lifecycle.restarts ? rescale.to : null
  }

  /**
   * Resolves when the requirements are durable; the job comes to them by itself. Rejects with
   * RESOURCE_REQUIREMENTS_INVALID, RESCALE_NOT_POSSIBLE, LEADERSHIP_LOST; nothing has changed then.
   */
  async require(requirements: ResourceRequirements): Promise<void> {
    const job = this.#job
    requireFitting(requirements, job.jobGraph)
    this.#requirePossible()
    this.#requireSlots(requirements)
    await job.record.require(requirements)
    job.requirements = requirements
    this.#consider('UPDATE_REQUIREMENT')
  }

  #requirePossible(): void {
    const { lifecycle, checkpoints } = this.#job
    if (lifecycle.state !== 'RUNNING') {
      refuse(`Rescale jobs that run; job ${this.#job.jobId} is ${lifecycle.state}.`, {
        hint: 'npx millrace list shows the jobs that run, and what others wait for.',
      })
    }
    if (checkpoints === null) {
      const { key } = CheckpointingOptions.interval
      refuse(
        `Run job ${this.#job.jobId} with checkpoints to rescale it: '${key}' is not set, so it would begin anew.`,
        { location: { optionKey: key } },
      )
    }
    if (!this.#isEnding()) return
    refuse(`Job ${this.#job.jobId} is not rescaled any more: all its input is read.`, {})
  }

  #isEnding(): boolean {
    const { round } = this.#job
    return round.finishing || round.graph.every(({ ended }) => ended)
  }

  /** A job is not taken down for slots that are not there. */
  #requireSlots(requirements: ResourceRequirements): void {
    const { total, free } = this.#slotPool.counts()
    const needed = [...slotRequirements(this.#rounds.planned(requirements)).values()]
    const count = needed.reduce((sum, slots) => sum + slots, 0)
    const available = this.#deployer.slots.held().length + free
    if (count <= available) return
    refuse(
      `Provide ${count} slots for what is asked of job ${this.#job.jobId}; ${available} of ${total} are its own or free.`,
      {
        hint: 'Start another TaskManager (npx millrace taskmanager), or cancel another job.',
      },
    )
  }

  /** Every task has come to run: what it was taken down for is done, something else may be due. */
  running(): void {
    const { logger, platform, round } = this.#job
    const rescale = this.#rescale
    if (rescale !== null && rescale.downMs !== null) {
      this.#completed(rescale.record)
      const nowMs = platform.clock.monotonicMs()
      logger.info('Job rescaled', {
        cause: rescale.cause,
        from: rescale.from,
        to: describeParallelism(round.graph.jobGraph),
        durationMs: Math.round(nowMs - rescale.startMs),
        downMs: Math.round(nowMs - rescale.downMs),
      })
    }
    this.#consider('UPDATE_REQUIREMENT')
  }

  #completed(record: RescaleRecord): void {
    for (const rescaled of record.vertices) {
      rescaled.after = this.#parallelismOf(rescaled.id)
    }
    this.#over(record, 'SUCCEEDED')
  }

  #over(record: RescaleRecord, outcome: RescaleOutcome): void {
    this.#rescale = null
    this.#history.end(record, this.#job.platform.clock.nowMs(), outcome)
  }

  #parallelismOf(vertexId: string): number {
    return this.#job.round.graph.vertices.get(vertexId)?.vertex.parallelism as number
  }

  #begun(cause: RescaleCause, planned: JobGraph): RescaleRecord {
    const { platform, requirements } = this.#job
    const vertices = planned.vertices.map(({ id, name, slotSharingGroup, parallelism }) => {
      const sufficient = requirements?.[id]?.lowerBound ?? 1
      const before = this.#parallelismOf(id)
      return { id, name, slotSharingGroup, desired: parallelism, sufficient, before, after: null }
    })
    const id = hexId(platform.random.bytes(16))
    return this.#history.begin({ id, cause, startMs: platform.clock.nowMs(), vertices })
  }

  #consider(cause: RescaleCause): void {
    const { lifecycle, round, checkpoints, requirements, platform, logger } = this.#job
    if (this.#rescale !== null || lifecycle.state !== 'RUNNING') return
    if (requirements === null || checkpoints === null || this.#isEnding()) return
    const { jobGraph } = round.graph
    const planned = this.#rounds.planned(requirements)
    if (isSame(jobGraph, planned)) return
    const [from, to] = [describeParallelism(jobGraph), describeParallelism(planned)]
    const startMs = platform.clock.monotonicMs()
    const record = this.#begun(cause, planned)
    this.#rescale = { cause, from, to, startMs, downMs: null, restarts: 0, record }
    logger.info('Job is to be rescaled', { cause, from, to })
    void this.#carryOut(this.#rescale)
  }

  async #carryOut(rescale: Rescale): Promise<void> {
    const { round, logger } = this.#job
    try {
      await this.#job.checkpoints?.takeNow(false)
    } catch (error) {
      logger.warn('No checkpoint before a rescale; it begins from the latest there is', { error })
    }
    if (this.#job.round !== round || this.#job.lifecycle.state !== 'RUNNING') {
      // The round that it comes back in is planned from the same requirements.
      this.#over(rescale.record, 'JOB_FAILOVER_RESTARTING')
      logger.info('A failure came before a rescale')
      this.#consider(rescale.cause)
      return
    }
    if (this.#isEnding()) {
      this.#over(rescale.record, 'JOB_FINISHED')
      logger.info('Job is not rescaled: all its input is read')
      return
    }
    rescale.downMs = this.#job.platform.clock.monotonicMs()
    rescale.record.downMs = this.#job.platform.clock.nowMs()
    rescale.restarts = this.#job.lifecycle.restarts
    this.#failover.rescale()
  }
}

function isSame(a: JobGraph, b: JobGraph): boolean {
  return a.vertices.every(({ parallelism }, i) => parallelism === b.vertices[i]?.parallelism)
}

/** `4` where all vertices have as many, `4, 4, 1` in the graph's order otherwise. */
function describeParallelism({ vertices }: JobGraph): string {
  const all = vertices.map(({ parallelism }) => parallelism)
  return new Set(all).size === 1 ? String(all[0]) : all.join(', ')
}

function refuse(expected: string, more: Parameters<typeof jobManagerError>[2]): never {
  throw jobManagerError('RESCALE_NOT_POSSIBLE', expected, more)
}
