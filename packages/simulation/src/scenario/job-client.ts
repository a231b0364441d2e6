/**
 * JobClient: what a user's client does — submits a job until it is acknowledged, asks how it
 * is, cancels it.
 *
 * It reaches JobManagers over a route with latency that a killed or paused one does not answer on.
 * Once a submission is acknowledged, the job must never be forgotten.
 */
import { isMillraceError } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import type { JobManager } from '@millrace/jobmanager'
import type { RunningJobManager, SimulatedCluster } from '../cluster/simulated-cluster.ts'
import { delay } from '../world/scheduler.ts'
import type { SimulatedWorld } from '../world/simulated-world.ts'

const LATENCY_MS = 0.5
const ANSWER_TIMEOUT_MS = 3000
const RETRY_MS = 100

type Answer<T> = { readonly value: T } | { readonly error: unknown } | null

export class JobClient {
  readonly #world: SimulatedWorld
  readonly #cluster: SimulatedCluster

  constructor(world: SimulatedWorld, cluster: SimulatedCluster) {
    this.#world = world
    this.#cluster = cluster
  }

  /** Resolves once some leader has acknowledged it. Rejects when it is refused for good. */
  async submit(jobGraph: JobGraph): Promise<void> {
    for (;;) {
      const answer = await this.#askLeader(async (jobManager) => {
        await jobManager.dispatcher.submit(jobGraph)
      })
      if (answer !== null) {
        if ('value' in answer) return
        // An earlier try had arrived.
        if (isMillraceError(answer.error, 'JOB_ALREADY_SUBMITTED')) return
        if (isMillraceError(answer.error) && answer.error.retry === 'never') throw answer.error
      }
      await delay(this.#world, RETRY_MS)
    }
  }

  /**
   * Of the job as the leader knows it; null when no leader answers, `unknown` when it does
   * not know the job.
   */
  async ask<T>(
    jobId: string,
    question: (job: NonNullable<ReturnType<JobManager['dispatcher']['find']>>) => T | Promise<T>,
  ): Promise<T | 'unknown' | null> {
    const answer = await this.#askLeader(({ dispatcher }) => {
      const job = dispatcher.find(jobId)
      return job === undefined ? ('unknown' as const) : question(job)
    })
    return answer !== null && 'value' in answer ? answer.value : null
  }

  async #askLeader<T>(question: (jobManager: JobManager) => T | Promise<T>): Promise<Answer<T>> {
    const leader = this.#cluster.leader()
    return leader === null ? null : this.askOne(leader, question)
  }

  /** That JobManager, whether it leads or not; null: it does not answer. */
  askOne<T>(
    { process, jobManager }: RunningJobManager,
    question: (jobManager: JobManager) => T | Promise<T>,
  ): Promise<Answer<T>> {
    const world = this.#world
    return new Promise((resolve) => {
      const cancelTimeout = world.after(ANSWER_TIMEOUT_MS, () => resolve(null))
      const answered = (answer: Answer<T>): void => {
        world.after(LATENCY_MS, () => {
          cancelTimeout()
          resolve(answer)
        })
      }
      world.after(LATENCY_MS, () =>
        process.deliver(() => {
          Promise.resolve()
            .then(() => question(jobManager))
            .then(
              (value) => answered({ value }),
              (error) => answered({ error }),
            )
        }),
      )
    })
  }
}
