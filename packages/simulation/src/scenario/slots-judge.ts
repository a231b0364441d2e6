/**
 * SlotsJudge: sees in the end whether a job that follows the slots that there are has come to what
 * all TaskManagers together give it.
 */
import type { JobMaster } from '@millrace/jobmanager'
import { type Violation, violation } from '../checkers/violation.ts'
import type { EnvironmentShape } from '../environment/simulated-environment.ts'
import { delay } from '../world/scheduler.ts'
import type { SimulatedWorld } from '../world/simulated-world.ts'
import type { JobClient } from './job-client.ts'

/** Registration, cooldown, settling, a checkpoint and a deployment. */
const REACHED_MS = 40_000
const RETRY_MS = 250

export class SlotsJudge {
  /** Jobs that were to follow their slots. */
  judged = 0
  readonly #world: SimulatedWorld
  readonly #client: JobClient
  readonly #shape: EnvironmentShape

  constructor(world: SimulatedWorld, client: JobClient, shape: EnvironmentShape) {
    this.#world = world
    this.#client = client
    this.#shape = shape
  }

  async judge(jobId: string): Promise<readonly Violation[]> {
    const world = this.#world
    let found: string | null = null
    for (const deadlineMs = world.nowMs + REACHED_MS; world.nowMs < deadlineMs; ) {
      const answer = await this.#client.ask(jobId, (job) => this.#compare(job))
      if (answer === 'none' || answer === 'reached') {
        if (answer === 'reached') this.judged++
        return []
      }
      found = answer
      await delay(world, RETRY_MS)
    }
    const message = 'A job does not come to the slots that there are.'
    return [violation('slots-followed', message, [found ?? 'no JobManager answers'])]
  }

  /** There are slots for the widest that the run asks for. */
  #compare(job: JobMaster): string {
    const { adaptive, state, graph, requirements } = job
    // Whether it may fail is another checker's question.
    if (adaptive === null || state === 'FAILED') return 'none'
    const slots = this.#shape.taskManagers * this.#shape.slotsPerTaskManager
    const differing = [...graph.vertices.values()].flatMap(({ vertex }) => {
      const { id, name, parallelism, maxParallelism, single } = vertex
      const most = single === true ? 1 : Math.min(slots, maxParallelism)
      const wanted = adaptive.isReactive ? most : requirements[id]?.upperBound
      return parallelism === wanted ? [] : [`${name}: ${parallelism} instead of ${wanted}`]
    })
    if (state === 'RUNNING' && differing.length === 0) return 'reached'
    return [state, job.statusReason() ?? '', ...differing].join('; ')
  }
}
