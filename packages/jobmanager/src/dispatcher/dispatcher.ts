/**
 * The jobs of the cluster: submits, finds and cancels them, and remembers a bounded number
 * that have ended.
 *
 * A submission resolves when the job store has it, so that a later leader goes on with the job;
 * `recover` is that. An ended job keeps its operator coordinators for a while, so that a client can
 * still fetch the last rows of its SELECT.
 */
import type { CoordinatorRegistry } from '@millrace/connector'
import { type Configuration, fromErrorData } from '@millrace/core'
import { JOB_GRAPH_VERSION, type JobGraph } from '@millrace/graph'
import type { Platform } from '@millrace/platform'
import type { Fence } from '@millrace/protocol'
import type { RestorePlanAnswer } from '@millrace/rest-api'
import { type FitToStored, fittedToStored, planRecovery } from '../checkpoint/plan-recovery.ts'
import { cleanUpEnded, requireSharedCheckpoints } from '../checkpoint/shared-checkpoints.ts'
import { jobManagerError } from '../error-codes.ts'
import type { TerminalJobStatus } from '../execution-graph/execution-state.ts'
import type { JobRecord, JobResult } from '../high-availability/job-record.ts'
import type { JobStore } from '../high-availability/job-store.ts'
import { JobMaster } from '../job-master/job-master.ts'
import type { SavepointRequest } from '../job-master/take-savepoint.ts'
import { RestOptions, SchedulerOptions } from '../jobmanager-options.ts'
import type { DecideParallelism } from '../scheduler/decide-parallelism.ts'
import type { SlotPool } from '../slot-pool/slot-pool.ts'
import { validateJobGraph } from './validate-job-graph.ts'

export interface DispatcherOptions {
  readonly platform: Platform
  readonly configuration: Configuration
  readonly fence: Fence
  readonly slotPool: SlotPool
  readonly coordinators: CoordinatorRegistry
  readonly decideParallelism: DecideParallelism
  readonly store: JobStore
  /** Absent: jobs are as they were submitted. */
  readonly fitToStored?: FitToStored
}

export class Dispatcher {
  readonly #options: DispatcherOptions
  /** In order of submission. */
  readonly #jobs = new Map<string, JobMaster>()
  readonly #endedMax: number
  /** Job id → settles with the submission that is under way. */
  readonly #submitting = new Map<string, Promise<void>>()
  #suspended = false
  readonly #endWaiters = new Map<string, (() => void)[]>()

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#endedMax = Math.max(1, options.configuration.get(RestOptions.jobStoreMaxCapacity))
  }

  /**
   * Starts the job; its state says how it goes on. Rejects with JOB_GRAPH_INVALID,
   * JOB_ALREADY_SUBMITTED, CLUSTER_REACTIVE, LEADERSHIP_LOST, what its options say, and where its
   * aggregates cannot join the state that it names.
   */
  async submit(value: unknown): Promise<JobMaster> {
    const { platform, configuration, store } = this.#options
    const jobGraph = await this.#fitted(validateJobGraph(value))
    const { jobId } = jobGraph
    // Whether the job is there, a try that is under way is yet to tell.
    for (let other = this.#submitting.get(jobId); other !== undefined; ) {
      await other
      other = this.#submitting.get(jobId)
    }
    this.#refuseKnown(jobId)
    const merged = configuration.withOverrides(jobGraph.configuration)
    const job = this.#jobMaster(jobGraph, merged)
    this.#requireAlone(job)
    let record: JobRecord
    const settled = Promise.withResolvers<void>()
    this.#submitting.set(jobId, settled.promise)
    try {
      if (store.isDurable) requireSharedCheckpoints(merged, jobId, platform.filesystem)
      const submittedMs = platform.clock.nowMs()
      record = await store.add({ jobGraph, configuration: merged.toObject(), submittedMs })
    } catch (error) {
      void job.close()
      throw error
    } finally {
      this.#submitting.delete(jobId)
      settled.resolve()
    }
    platform.logger.info('Job submitted', { job: jobGraph.name, jobId })
    // Should another one lead by now, it runs the job.
    if (this.#suspended) return job
    this.#jobs.set(jobId, job)
    void job.start(record)
    return job
  }

  /**
   * What the job would start from, were it submitted; null: from nothing. Rejects with
   * JOB_GRAPH_INVALID and what would keep the job from restoring.
   */
  async planRestore(value: unknown): Promise<RestorePlanAnswer | null> {
    const { platform, configuration } = this.#options
    const jobGraph = validateJobGraph(value)
    const merged = configuration.withOverrides(jobGraph.configuration)
    try {
      return await planRecovery(jobGraph, merged, platform.filesystem)
    } catch (error) {
      platform.logger.warn('A job cannot be restored.', { job: jobGraph.name, error })
      throw error
    }
  }

  async #fitted(jobGraph: JobGraph): Promise<JobGraph> {
    const { platform, configuration, fitToStored } = this.#options
    if (fitToStored === undefined) return jobGraph
    const merged = configuration.withOverrides(jobGraph.configuration)
    try {
      return await fittedToStored(jobGraph, merged, platform.filesystem, fitToStored)
    } catch (error) {
      platform.logger.warn('A job cannot be restored.', { job: jobGraph.name, error })
      throw error
    }
  }

  /** A job in reactive mode takes every slot. Throws CLUSTER_REACTIVE. */
  #requireAlone(job: JobMaster): void {
    const other = this.all().find(({ hasEnded }) => !hasEnded)
    const isReactive = [job, other].some((each) => each?.adaptive?.isReactive === true)
    if (other === undefined || !isReactive) return
    void job.close()
    const { name } = job.jobGraph
    const { key } = SchedulerOptions.mode
    const error = jobManagerError(
      'CLUSTER_REACTIVE',
      `Wait for the end of job ${other.jobId} ('${other.jobGraph.name}'), or cancel it, to run '${name}': in reactive mode there is one job.`,
      {
        hint: `npx millrace cancel ${other.jobId}, or a cluster without '${key}', in which jobs share the slots.`,
        location: { optionKey: key },
      },
    )
    this.#options.platform.logger.warn('A job was refused.', { job: name, error })
    throw error
  }

  #refuseKnown(jobId: string): void {
    const known = this.#jobs.get(jobId)
    if (known === undefined) return
    throw jobManagerError(
      'JOB_ALREADY_SUBMITTED',
      `Job ${jobId} was submitted before; it is ${known.state}.`,
      { hint: 'Choose a new job id for each submission.' },
    )
  }

  #jobMaster(jobGraph: JobGraph, configuration: Configuration): JobMaster {
    const { platform, fence, slotPool, coordinators, decideParallelism, store } = this.#options
    return new JobMaster({
      decideParallelism,
      platform,
      jobGraph,
      configuration,
      fence,
      slotPool,
      coordinators,
      attemptLineage: store.attemptLineage,
      onEnded: (ended, cleaned) => this.#ended(ended, cleaned),
    })
  }

  /** Goes on with what former leaders left. Rejects with LEADERSHIP_LOST. */
  async recover(): Promise<void> {
    const { platform, configuration, store } = this.#options
    const { logger } = platform
    const { running, ended, damaged } = await store.recover()
    if (this.#suspended) return
    for (const { jobId, error } of damaged) {
      logger.error('A stored job cannot be recovered; it stays stored', { jobId, error })
    }
    for (const { jobId, result, stored } of ended) {
      this.#jobs.set(jobId, this.#recorded(jobId, result))
      if (stored === null) continue
      const merged = configuration.withOverrides(stored.configuration)
      const cleaned = cleanUpEnded(merged, jobId, platform, result.state, stored.retained)
      void this.#removeGraph(jobId, cleaned)
    }
    for (const { jobGraph, configuration: own, record } of running) {
      const { jobId, name } = jobGraph
      try {
        const job = this.#jobMaster(jobGraph, configuration.withOverrides(own))
        this.#jobs.set(jobId, job)
        logger.info('Job recovered', { job: name, jobId, checkpoint: record.retained.at(-1) ?? 0 })
        void job.start(record, true)
      } catch (error) {
        logger.error('A stored job cannot be run by this JobManager; it stays stored', {
          jobId,
          error,
        })
      }
    }
    this.#forgetOldest()
  }

  /** A job that ended under a former leader: its state is known, its graph is gone. */
  #recorded(jobId: string, result: JobResult): JobMaster {
    const { name, jobType } = result
    const jobGraph: JobGraph = {
      formatVersion: JOB_GRAPH_VERSION,
      jobId,
      name,
      jobType,
      vertices: [],
      edges: [],
      configuration: {},
    }
    const job = this.#jobMaster(jobGraph, this.#options.configuration)
    job.showResult(result)
    return job
  }

  /** Running and remembered ones, in order of submission. */
  all(): JobMaster[] {
    return [...this.#jobs.values()]
  }

  find(jobId: string): JobMaster | undefined {
    return this.#jobs.get(jobId)
  }

  /** Throws JOB_NOT_FOUND. */
  get(jobId: string): JobMaster {
    const job = this.#jobs.get(jobId)
    if (job !== undefined) return job
    throw jobManagerError('JOB_NOT_FOUND', `There is no job ${jobId}.`, {
      hint: 'List the jobs with: npx millrace list.',
    })
  }

  /**
   * Stops the job by a savepoint; resolves with its directory once the job is FINISHED. Rejects as
   * a savepoint does, and then the job goes on; and with STOP_NOT_FINISHED.
   */
  async stopWithSavepoint(jobId: string, request: SavepointRequest): Promise<string> {
    const job = this.get(jobId)
    const path = await job.savepoint(request)
    const state = await this.whenEnded(jobId)
    if (state === 'FINISHED') return path
    const cause = job.failureCause
    throw jobManagerError(
      'STOP_NOT_FINISHED',
      `Start from the savepoint ${path}, which is complete: job ${jobId} was stopped by it, but is ${state}.`,
      { location: { file: path }, ...(cause === null ? {} : { cause: fromErrorData(cause) }) },
    )
  }

  /** Resolves with the final state. */
  whenEnded(jobId: string): Promise<TerminalJobStatus> {
    const job = this.get(jobId)
    const state = () => job.state as TerminalJobStatus
    if (job.hasEnded) return Promise.resolve(state())
    return new Promise((resolve) => {
      const waiters = this.#endWaiters.get(jobId) ?? []
      waiters.push(() => resolve(state()))
      this.#endWaiters.set(jobId, waiters)
    })
  }

  #ended(job: JobMaster, cleaned: Promise<void>): void {
    const { platform, configuration } = this.#options
    void this.#removeGraph(job.jobId, cleaned)
    platform.clock.setTimer(
      configuration.get(RestOptions.asyncStoreDuration),
      () => void job.close(),
      { unref: true },
    )
    this.#forgetOldest()
    for (const wake of this.#endWaiters.get(job.jobId) ?? []) wake()
    this.#endWaiters.delete(job.jobId)
  }

  /** Last of all, so that a later leader does what is left to do. */
  async #removeGraph(jobId: string, cleaned: Promise<void>): Promise<void> {
    try {
      await cleaned
      await this.#options.store.removeGraph(jobId)
    } catch (error) {
      this.#options.platform.logger.warn('What an ended job left is removed by the next leader', {
        jobId,
        error,
      })
    }
  }

  #forgetOldest(): void {
    const { store, platform } = this.#options
    const ended = this.all().filter(({ hasEnded }) => hasEnded)
    for (const old of ended.slice(0, Math.max(0, ended.length - this.#endedMax))) {
      this.#jobs.delete(old.jobId)
      void old.close()
      store.forget(old.jobId).catch((error) => {
        platform.logger.warn('An ended job could not be forgotten', { jobId: old.jobId, error })
      })
    }
  }

  /**
   * Another JobManager leads, or may: stops everything without touching anything
   * durable, or any task.
   */
  suspend(): void {
    this.#suspended = true
    for (const job of this.all()) job.suspend()
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.all().map((job) => job.shutDown()))
  }
}
