/**
 * Neighbours: jobs that somebody else runs beside the one of a run, which have its name and write a
 * table of its sink's name, into topics of their own. They start and are cancelled at planned
 * times. Neither the job nor a neighbour may see anything of the other: none ends FAILED, and the
 * rows of each are right.
 */
import type { JobGraph } from '@millrace/graph'
import { exactlyOnceOutput } from '../checkers/exactly-once-output.ts'
import { type Violation, violation } from '../checkers/violation.ts'
import { FIRST_NEIGHBOUR, neighbourTopic } from '../environment/neighbour-names.ts'
import type { SimulatedEnvironment } from '../environment/simulated-environment.ts'
import { expectedOutput } from '../workload/expected-output.ts'
import { endsUncommitted, type Workload } from '../workload/workload.ts'
import { delay } from '../world/scheduler.ts'
import type { JobClient } from './job-client.ts'
import { planJob } from './plan-job.ts'

export interface PlannedNeighbour {
  readonly atMs: number
  /** From its submission until somebody cancels it. */
  readonly forMs: number
  readonly parallelism: number
}

const UNUSABLE = 'CHECKPOINT_DIRECTORY_UNUSABLE'
const POLL_MS = 250
const END_MS = 180_000
/** A broker may write the markers of a commit so long after it has agreed to it. */
const MARKERS_MS = 10_000
const OUTPUT_PARTITIONS = 2
const TERMINAL: readonly string[] = ['FINISHED', 'FAILED', 'CANCELED']

export class Neighbours {
  readonly #environment: SimulatedEnvironment
  readonly #client: JobClient
  readonly #workload: Workload
  readonly #running: Promise<void>[] = []
  readonly #violations: Violation[] = []
  readonly #ended: { readonly topic: string; readonly isWhole: boolean }[] = []

  constructor(environment: SimulatedEnvironment, client: JobClient, workload: Workload) {
    this.#environment = environment
    this.#client = client
    this.#workload = workload
  }

  /** One that lives its life while the run goes on. */
  begin(planned: PlannedNeighbour): void {
    this.#running.push(this.#live(planned, this.#running.length))
  }

  /** Once all have ended, and what they committed is there to read. */
  async judge(): Promise<readonly Violation[]> {
    await Promise.all(this.#running)
    if (this.#ended.length === 0) return this.#violations
    const { world, broker } = this.#environment
    await delay(world, MARKERS_MS)
    const expectation = expectedOutput(this.#workload)
    if (expectation.kind !== 'rows') throw new Error('A neighbour must give rows.')
    for (const { topic, isWhole } of this.#ended) {
      const lines = broker.inspect.committedValues(topic)
      const options = {
        checker: 'neighbour-output',
        brokenOff: !isWhole || endsUncommitted(this.#workload),
      }
      this.#violations.push(...exactlyOnceOutput(expectation, lines, options))
    }
    return this.#violations
  }

  /** How many had an output that was judged. */
  get judged(): number {
    return this.#ended.length
  }

  async #live({ forMs, parallelism }: PlannedNeighbour, n: number): Promise<void> {
    const { world, broker } = this.#environment
    const topic = neighbourTopic(n)
    broker.createTopic(topic, OUTPUT_PARTITIONS)
    const jobGraph = this.#plan(topic, parallelism, n)
    await this.#client.submit(jobGraph)
    world.log.add(world.nowMs, 'neighbour', 'submitted', jobGraph.jobId)
    await delay(world, forMs)
    world.log.add(world.nowMs, 'neighbour', 'cancel', jobGraph.jobId)
    const state = await this.#end(jobGraph.jobId)
    if (state !== null) this.#ended.push({ topic, isWhole: state === 'FINISHED' })
  }

  #plan(topic: string, parallelism: number, n: number): JobGraph {
    const start = { parallelism, restoreFrom: null, number: FIRST_NEIGHBOUR + n }
    return planJob(this.#environment, this.#workload, start, { sinkTopic: topic })
  }

  /** Cancels it until it has ended; null: that was not to be had, or it is forgotten. */
  async #end(jobId: string): Promise<string | null> {
    const { world } = this.#environment
    for (const deadlineMs = world.nowMs + END_MS; world.nowMs < deadlineMs; ) {
      const seen = await this.#client.ask(jobId, (job) => {
        if (!job.hasEnded) job.cancel()
        const cause = job.failureCause ?? { code: 'no code', message: 'no cause' }
        return { state: job.state, hasEnded: job.hasEnded, cause }
      })
      // It has ended by itself, long enough ago.
      if (seen === 'unknown') return null
      if (seen?.hasEnded && TERMINAL.includes(seen.state)) {
        if (seen.state !== 'FAILED') return seen.state
        const { code, message } = seen.cause
        // A disk failed just then: nobody tries again.
        if (code === UNUSABLE) return null
        this.#violate('A job beside it failed.', `${code}: ${message}`)
        return null
      }
      await delay(world, POLL_MS)
    }
    this.#violate('A job beside it could not be cancelled.', jobId)
    return null
  }

  #violate(message: string, detail: string): void {
    this.#violations.push(violation('neighbours', message, [detail]))
  }
}
