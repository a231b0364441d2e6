/**
 * The jobs of the cluster: submits, finds and cancels them, and remembers a bounded number that have ended.
 *
 * An ended job keeps its operator coordinators for a while, so that a client can still fetch the last rows of its
 * SELECT.
 */
import type { CoordinatorRegistry } from '@millrace/connector'
import type { Configuration } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import type { Fence } from '@millrace/protocol'
import { jobManagerError } from '../error-codes.ts'
import type { TerminalJobStatus } from '../execution-graph/execution-state.ts'
import { JobMaster } from '../job-master/job-master.ts'
import { RestOptions } from '../jobmanager-options.ts'
import type { SlotPool } from '../slot-pool/slot-pool.ts'
import { validateJobGraph } from './validate-job-graph.ts'

export interface DispatcherOptions {
  readonly platform: Platform
  readonly configuration: Configuration
  readonly fence: Fence
  readonly slotPool: SlotPool
  readonly coordinators: CoordinatorRegistry
}

export class Dispatcher {
  readonly #options: DispatcherOptions
  /** In order of submission. */
  readonly #jobs = new Map<string, JobMaster>()
  readonly #endedMax: number
  readonly #endWaiters = new Map<string, (() => void)[]>()

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#endedMax = Math.max(1, options.configuration.get(RestOptions.jobStoreMaxCapacity))
  }

  /**
   * Starts the job; its state says how it goes on. Throws JOB_GRAPH_INVALID, JOB_ALREADY_SUBMITTED, and what
   * its options say.
   */
  submit(value: unknown): JobMaster {
    const { platform, configuration, fence, slotPool, coordinators } = this.#options
    const jobGraph = validateJobGraph(value)
    if (this.#jobs.has(jobGraph.jobId)) {
      throw jobManagerError(
        'JOB_ALREADY_SUBMITTED',
        `Job ${jobGraph.jobId} was submitted before; it is ${this.#jobs.get(jobGraph.jobId)?.graph.state}.`,
        { hint: 'Choose a new job id for each submission.' },
      )
    }
    const job = new JobMaster({
      platform,
      jobGraph,
      configuration: configuration.withOverrides(jobGraph.configuration),
      fence,
      slotPool,
      coordinators,
      onEnded: (ended) => this.#ended(ended),
    })
    this.#jobs.set(job.jobId, job)
    platform.logger.info('Job submitted', { job: jobGraph.name, jobId: jobGraph.jobId })
    void job.start()
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

  /** Resolves with the final state. */
  whenEnded(jobId: string): Promise<TerminalJobStatus> {
    const job = this.get(jobId)
    const state = () => job.graph.state as TerminalJobStatus
    if (job.hasEnded) return Promise.resolve(state())
    return new Promise((resolve) => {
      const waiters = this.#endWaiters.get(jobId) ?? []
      waiters.push(() => resolve(state()))
      this.#endWaiters.set(jobId, waiters)
    })
  }

  #ended(job: JobMaster): void {
    const { platform, configuration } = this.#options
    platform.clock.setTimer(
      configuration.get(RestOptions.asyncStoreDuration),
      () => void job.close(),
      { unref: true },
    )
    const ended = this.all().filter(({ hasEnded }) => hasEnded)
    for (const old of ended.slice(0, Math.max(0, ended.length - this.#endedMax))) {
      this.#jobs.delete(old.jobId)
      void old.close()
    }
    for (const wake of this.#endWaiters.get(job.jobId) ?? []) wake()
    this.#endWaiters.delete(job.jobId)
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.all().map((job) => job.shutDown()))
  }
}
