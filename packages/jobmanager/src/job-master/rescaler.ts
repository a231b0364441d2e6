/**
 * Rescaler: brings a job that runs to the parallelism that is asked for, or to that for which there
 * are slots now, in place.
 *
 * Requirements are durable before anything follows from them. The job waits for a checkpoint, or
 * goes back to its latest complete one where none can be had; then its tasks go down and the next
 * round is planned from the requirements. Whatever fails on the way is a failure like any other:
 * the round after it is planned from them too.
 */
import { hexId } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import type { CheckpointCoordinator } from '../checkpoint/checkpoint-coordinator.ts'
import { jobManagerError } from '../error-codes.ts'
import type { JobStatus } from '../execution-graph/execution-state.ts'
import { CheckpointingOptions, SchedulerOptions } from '../jobmanager-options.ts'
import {
  leastParallelism,
  type ResourceRequirements,
  requireFitting,
} from '../scheduler/resource-requirements.ts'
import { slotCount } from '../scheduler/slot-requirements.ts'
import type { SlotPool } from '../slot-pool/slot-pool.ts'
import type { Failover } from './failover.ts'
import { Growth } from './growth.ts'
import type { JobState } from './job-state.ts'
import type {
  RescaleCause,
  RescaleHistory,
  RescaleOutcome,
  RescaleRecord,
} from './rescale-history.ts'
import { describeGround, RescaleTrigger } from './rescale-trigger.ts'
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
  /** What it waits for while its tasks run yet; null: nothing. */
  trigger: RescaleTrigger | null
}

/** A stop that was begun may be given up: then a rescale is due after all. */
const RECONSIDER_MS = 1000

export class Rescaler {
  readonly #job: JobState
  readonly #slotPool: SlotPool
  readonly #rounds: Rounds
  readonly #deployer: TaskDeployer
  readonly #failover: Failover
  readonly #history: RescaleHistory
  /** Null: the job does not adapt itself to its slots. */
  readonly #growth: Growth | null
  #rescale: Rescale | null = null
  #cancelTimer: () => void = () => {}
  #unwatch: () => void = () => {}

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
    const { adaptive } = parts.rounds
    const { clock } = job.platform
    this.#growth = adaptive === null ? null : new Growth(clock, adaptive, () => this.#consider())
  }

  /** From now on slots that come and go are answered to, by a job that adapts itself to them. */
  start(): void {
    if (this.#growth === null) return
    this.#unwatch = this.#slotPool.watch(() => {
      this.#rounds.reconsider()
      this.#consider()
    })
  }

  /** The job has ended, or is another JobManager's. */
  stop(): void {
    this.#unwatch()
    this.#cancelTimer()
    this.#growth?.stop()
    if (this.#rescale !== null) this.#over(this.#rescale.record, endOf(this.#job.lifecycle.state))
  }

  /** What a job that is down comes back to, for people; null: it did not go down for that. */
  describe(): string | null {
    const rescale = this.#rescale
    if (rescale === null || rescale.downMs === null) return null
    if (rescale.cause === 'INITIAL_SCHEDULE' || rescale.cause === 'RECOVERABLE_FAILOVER')
      return null
    return rescale.restarts === this.#job.lifecycle.restarts ? rescale.to : null
  }

  /** Why a job that runs has fewer subtasks than it may have; null: it has not. */
  describeShortage(): string | null {
    if (this.#growth === null || this.#job.lifecycle.state !== 'RUNNING') return null
    const leftMs = this.#rescale?.trigger?.leftMs() ?? null
    if (leftMs !== null) {
      return `is to be rescaled to ${this.#rescale?.to} when a checkpoint is complete, at the latest in ${(leftMs / 1000).toFixed(1)} s`
    }
    const { desired } = this.#rounds.bounds()
    const runs = slotCount(this.#job.round.graph.jobGraph)
    if (runs >= desired || this.#rounds.adaptive?.isReactive === true) return null
    return `runs with ${runs} of the ${desired} slots that it may use`
  }

  /**
   * Resolves when the requirements are durable; the job comes to them by itself. Rejects with
   * RESOURCE_REQUIREMENTS_INVALID, RESCALE_NOT_POSSIBLE, LEADERSHIP_LOST; nothing has changed then.
   */
  async require(requirements: ResourceRequirements): Promise<void> {
    try {
      await this.#require(requirements)
    } catch (error) {
      this.#job.logger.warn('A rescale that was asked for was refused.', { error })
      throw error
    }
  }

  async #require(requirements: ResourceRequirements): Promise<void> {
    const job = this.#job
    const { adaptive } = this.#rounds
    if (adaptive?.isReactive === true) {
      refuse(`Start or stop TaskManagers to rescale job ${job.jobId}: it runs in reactive mode.`, {
        hint: 'npx millrace taskmanager starts one more; the job takes its slots by itself.',
        location: { optionKey: SchedulerOptions.mode.key },
      })
    }
    requireFitting(requirements, job.jobGraph)
    this.#requirePossible()
    if (adaptive === null) this.#requireSlots(requirements)
    await job.record.require(requirements)
    job.requirements = requirements
    this.#rounds.reconsider()
    this.#consider()
  }

  #requirePossible(): void {
    const { lifecycle, checkpoints } = this.#job
    const { state } = lifecycle
    // Lower bounds may be just what keeps it from running.
    const waits = this.#growth !== null && (state === 'CREATED' || state === 'RESTARTING')
    if (waits) return
    if (state !== 'RUNNING') {
      refuse(`Rescale jobs that run; job ${this.#job.jobId} is ${state}.`, {
        hint: 'npx millrace list shows the jobs that run, and what others wait for.',
      })
    }
    if (checkpoints?.isPeriodic !== true) {
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
    const { round, stoppedBy } = this.#job
    return round.finishing || stoppedBy !== null || round.graph.every(({ ended }) => ended)
  }

  /** By a savepoint that may yet be given up: it is asked again then. */
  #isStopping(): boolean {
    if (this.#job.checkpoints?.isStopping !== true) return false
    this.#cancelTimer()
    const { clock } = this.#job.platform
    this.#cancelTimer = clock.setTimer(RECONSIDER_MS, () => this.#consider())
    return true
  }

  /** A job is not taken down for slots that are not there. */
  #requireSlots(requirements: ResourceRequirements): void {
    const { total, free } = this.#slotPool.counts()
    const count = slotCount(this.#rounds.planned(requirements))
    const available = this.#deployer.slots.held().length + free
    if (count <= available) return
    refuse(
      `Provide ${count} slots for what is asked of job ${this.#job.jobId}; ${available} of ${total} are its own or free.`,
      {
        hint: 'Start another TaskManager (npx millrace taskmanager), or cancel another job.',
      },
    )
  }

  /**
   * A round of a job that adapts itself begins for another reason than a rescale: what comes of it
   * is told as one.
   */
  scheduled(): void {
    if (this.#growth === null) return
    this.#growth.stop()
    const { lifecycle, round, platform } = this.#job
    const { restarts } = lifecycle
    const isInitial = lifecycle.state === 'CREATED'
    const rescale = this.#rescale
    if (rescale !== null) {
      if (rescale.downMs !== null && rescale.restarts === restarts) return
      this.#over(rescale.record, 'JOB_FAILOVER_RESTARTING')
    }
    const cause = isInitial ? 'INITIAL_SCHEDULE' : 'RECOVERABLE_FAILOVER'
    const record = this.#begun(cause, this.#rounds.planned(this.#rounds.requirements), isInitial)
    record.downMs = record.startMs
    const startMs = platform.clock.monotonicMs()
    const from = isInitial ? 'nothing' : describeParallelism(round.graph.jobGraph)
    this.#rescale = {
      cause,
      from,
      to: '',
      startMs,
      downMs: startMs,
      restarts,
      record,
      trigger: null,
    }
  }

  /** Every task has come to run: what it was taken down for is done, something else may be due. */
  running(): void {
    const rescale = this.#rescale
    if (rescale !== null && rescale.downMs !== null) this.#completed(rescale, rescale.downMs)
    this.#growth?.running()
    this.#consider()
  }

  #completed({ cause, from, startMs, record }: Rescale, downMs: number): void {
    const { logger, platform, round } = this.#job
    for (const rescaled of record.vertices) {
      rescaled.after = this.#parallelismOf(rescaled.id)
    }
    const isNothing =
      cause === 'RECOVERABLE_FAILOVER' &&
      record.vertices.every(({ before, after }) => before === after)
    this.#over(record, isNothing ? 'NO_RESOURCES_OR_PARALLELISMS_CHANGE' : 'SUCCEEDED')
    if (isNothing) return
    const nowMs = platform.clock.monotonicMs()
    logger.info('Job rescaled', {
      cause,
      from,
      to: describeParallelism(round.graph.jobGraph),
      durationMs: Math.round(nowMs - startMs),
      downMs: Math.round(nowMs - downMs),
    })
  }

  #over(record: RescaleRecord, outcome: RescaleOutcome): void {
    this.#rescale?.trigger?.cancel()
    this.#rescale = null
    this.#history.end(record, this.#job.platform.clock.nowMs(), outcome)
  }

  #parallelismOf(vertexId: string): number {
    return this.#job.round.graph.vertices.get(vertexId)?.vertex.parallelism as number
  }

  /** `isFirst`: nothing ran before. */
  #begun(cause: RescaleCause, planned: JobGraph, isFirst = false): RescaleRecord {
    const { platform } = this.#job
    const least = leastParallelism(this.#job.jobGraph, this.#rounds.requirements)
    const vertices = planned.vertices.map(({ id, name, slotSharingGroup, parallelism }) => {
      const sufficient = least.get(id) as number
      const before = isFirst ? null : this.#parallelismOf(id)
      return { id, name, slotSharingGroup, desired: parallelism, sufficient, before, after: null }
    })
    const id = hexId(platform.random.bytes(16))
    return this.#history.begin({ id, cause, startMs: platform.clock.nowMs(), vertices })
  }

  #consider(): void {
    const { lifecycle, round, checkpoints, requirements, platform, logger } = this.#job
    if (this.#rescale !== null || lifecycle.state !== 'RUNNING') return
    if (checkpoints?.isPeriodic !== true || this.#isEnding() || this.#isStopping()) return
    if (this.#growth === null && requirements === null) return
    const { jobGraph } = round.graph
    const possible = this.#rounds.possible()
    if (possible === null || isSame(jobGraph, possible.graph)) {
      this.#growth?.stop()
      if (possible !== null) this.#rounds.upToDate()
      return
    }
    const isAsked = this.#growth === null || this.#rounds.isOutdated
    if (!isAsked && this.#growth?.isDue(possible.isDesired) !== true) return
    const cause = isAsked ? 'UPDATE_REQUIREMENT' : 'NEW_RESOURCE_AVAILABLE'
    const [from, to] = [describeParallelism(jobGraph), describeParallelism(possible.graph)]
    const startMs = platform.clock.monotonicMs()
    const record = this.#begun(cause, this.#rounds.planned(this.#rounds.requirements))
    this.#rescale = { cause, from, to, startMs, downMs: null, restarts: 0, record, trigger: null }
    logger.info('Job is to be rescaled', { cause, from, to })
    void this.#carryOut(this.#rescale, checkpoints)
  }

  /** Resolves when it is not to wait any longer for a checkpoint. */
  async #checkpointed(rescale: Rescale, checkpoints: CheckpointCoordinator): Promise<void> {
    const { logger, platform } = this.#job
    const { adaptive } = this.#rounds
    if (adaptive !== null) {
      rescale.trigger = new RescaleTrigger(checkpoints, adaptive.trigger, platform.clock)
      const because = describeGround(await rescale.trigger.ground)
      if (because !== null) logger.warn('No checkpoint before a rescale', { because })
      return
    }
    try {
      await checkpoints.takeNow(false)
    } catch (error) {
      logger.warn('No checkpoint before a rescale', { error })
    }
  }

  async #carryOut(rescale: Rescale, checkpoints: CheckpointCoordinator): Promise<void> {
    const { round, logger, platform } = this.#job
    await this.#checkpointed(rescale, checkpoints)
    // A failure has ended it, or the job is another JobManager's by now.
    if (this.#rescale !== rescale) return
    if (this.#job.round !== round || this.#job.lifecycle.state !== 'RUNNING') {
      // The round that it comes back in is planned from the same requirements.
      this.#over(rescale.record, 'JOB_FAILOVER_RESTARTING')
      logger.info('A failure came before a rescale')
      this.#consider()
      return
    }
    if (this.#isEnding() || this.#isStopping()) {
      this.#over(rescale.record, 'JOB_FINISHED')
      logger.info('Job is not rescaled: it is ending, or being stopped')
      return
    }
    rescale.downMs = platform.clock.monotonicMs()
    rescale.record.downMs = platform.clock.nowMs()
    rescale.restarts = this.#job.lifecycle.restarts
    this.#failover.rescale()
  }
}

function endOf(state: JobStatus): RescaleOutcome {
  if (state === 'FINISHED') return 'JOB_FINISHED'
  return state === 'CANCELED' ? 'JOB_CANCELING' : 'JOB_FAILING'
}

/** `present` may have further vertices at its end: of chains that it runs in two. */
function isSame(present: JobGraph, possible: JobGraph): boolean {
  const before = present.vertices
  return possible.vertices.every(({ parallelism }, i) => parallelism === before[i]?.parallelism)
}

/** `4` where all vertices have as many, `4, 4, 1` in the graph's order otherwise. */
function describeParallelism({ vertices }: JobGraph): string {
  const all = vertices.map(({ parallelism }) => parallelism)
  return new Set(all).size === 1 ? String(all[0]) : all.join(', ')
}

function refuse(expected: string, more: Parameters<typeof jobManagerError>[2]): never {
  throw jobManagerError('RESCALE_NOT_POSSIBLE', expected, more)
}
