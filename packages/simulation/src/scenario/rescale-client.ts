/**
 * RescaleClient: asks for another parallelism of a running job, as a user would, and sees in the
 * end whether the job has come to what was accepted last, through whatever happened since.
 */
import { toErrorData } from '@millrace/core'
import { type Violation, violation } from '../checkers/violation.ts'
import { delay } from '../world/scheduler.ts'
import type { SimulatedWorld } from '../world/simulated-world.ts'
import type { JobClient } from './job-client.ts'

/** A job that is down is asked again for so long. */
const PATIENCE_MS = 5000
const RETRY_MS = 250
/** So long after all came right, the last rescale may still be under way. */
const REACHED_MS = 30_000

export class RescaleClient {
  /** How many the job agreed to. */
  accepted = 0
  /** How often what a job came to was compared with what it had agreed to. */
  judged = 0
  readonly #world: SimulatedWorld
  readonly #client: JobClient
  /** What was accepted last, by job. */
  readonly #wanted = new Map<string, string>()

  constructor(world: SimulatedWorld, client: JobClient) {
    this.#world = world
    this.#client = client
  }

  /** All vertices that can have as many; not after `endMs`. */
  async ask(jobId: string, parallelism: number, endMs: number): Promise<void> {
    const world = this.#world
    const deadlineMs = Math.min(world.nowMs + PATIENCE_MS, endMs)
    do {
      // Whether one that was not answered is accepted, nobody knows.
      this.#wanted.delete(jobId)
      const answer = await this.#client.ask(jobId, async (job) => {
        const required = job.jobGraph.vertices.map(({ id, single, maxParallelism }) => {
          const upperBound = single === true ? 1 : Math.min(parallelism, maxParallelism)
          return [id, { lowerBound: 1, upperBound }] as const
        })
        try {
          await job.require(Object.fromEntries(required))
          return { bounds: JSON.stringify(job.requirements), refused: null }
        } catch (error) {
          return { bounds: null, refused: toErrorData(error).message }
        }
      })
      if (answer !== null && answer !== 'unknown') {
        world.log.add(
          world.nowMs,
          'client',
          'rescale',
          `${parallelism} ${answer.refused ?? 'accepted'}`,
        )
        if (answer.bounds !== null) {
          this.#wanted.set(jobId, answer.bounds)
          this.accepted++
          return
        }
      }
      await delay(world, RETRY_MS)
    } while (world.nowMs < deadlineMs)
  }

  /** Waits until the job runs at what it agreed to last. */
  async judge(jobId: string): Promise<readonly Violation[]> {
    const wanted = this.#wanted.get(jobId)
    if (wanted === undefined) return []
    const world = this.#world
    this.judged++
    let found: string | null = null
    for (const deadlineMs = world.nowMs + REACHED_MS; world.nowMs < deadlineMs; ) {
      const answer = await this.#client.ask(jobId, (job) => {
        const bounds = [...job.graph.vertices.values()].map(({ vertex: { id, parallelism } }) => {
          return [id, { lowerBound: 1, upperBound: parallelism }] as const
        })
        return `${job.state} ${JSON.stringify(Object.fromEntries(bounds))}`
      })
      // Whether it may fail is another checker's question.
      if (answer === `RUNNING ${wanted}` || answer?.startsWith('FAILED ') === true) return []
      found = answer
      await delay(world, RETRY_MS)
    }
    return [
      violation('rescale-reached', 'A job does not come to the parallelism that it agreed to.', [
        `agreed: ${wanted}`,
        `found: ${found}`,
      ]),
    ]
  }
}
