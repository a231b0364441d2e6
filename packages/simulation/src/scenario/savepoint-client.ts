/**
 * SavepointClient: asks for savepoints as a client of REST does — a trigger that may be sent again,
 * then what became of it — and sees what the job comes to when it was to be stopped by one.
 */
import { isMillraceError } from '@millrace/core'
import type { JobManager } from '@millrace/jobmanager'
import { type AskedSavepoint, SavepointLedger } from '../checkers/savepoint-ledger.ts'
import type { SimulatedCluster } from '../cluster/simulated-cluster.ts'
import { delay } from '../world/scheduler.ts'
import type { SimulatedWorld } from '../world/simulated-world.ts'
import type { PlannedSavepoint } from './draw-savepoints.ts'
import type { JobClient } from './job-client.ts'

export const SAVEPOINT_DIRECTORY = '/savepoints'
const POLL_MS = 100
/** A job that does not run is asked again for so long. */
const PATIENCE_MS = 5000
const RETRY_MS = 250
/** Longer than every deadline that the cluster has. */
const OPERATION_MS_MAX = 150_000

/** `ends`: it is stopped for good, and ends in a while. `unclear`: nobody can say yet. */
export type StopSeen =
  | { readonly kind: 'goes-on' | 'ends' | 'unclear' | 'ended' | 'unknown' }
  | { readonly kind: 'stopped'; readonly path: string }

interface Operation {
  begun: boolean
  outcome: { readonly path: string } | { readonly error: unknown } | null
}

export class SavepointClient {
  readonly ledger = new SavepointLedger()
  readonly #world: SimulatedWorld
  readonly #cluster: SimulatedCluster
  readonly #client: JobClient
  #number = 0

  constructor(world: SimulatedWorld, cluster: SimulatedCluster, client: JobClient) {
    this.#world = world
    this.#cluster = cluster
    this.#client = client
  }

  /** Until it is known what became of it; a job that does not run is asked again until `endMs`. */
  async take(
    jobId: string,
    planned: PlannedSavepoint,
    endMs: number,
    asked: () => void,
  ): Promise<void> {
    const world = this.#world
    const deadlineMs = Math.min(world.nowMs + PATIENCE_MS, endMs)
    asked()
    do {
      const number = ++this.#number
      const { after } = planned
      const directory = `${SAVEPOINT_DIRECTORY}/${number}-${after}`
      const savepoint: AskedSavepoint = { jobId, after, directory, heard: 'lost' }
      this.ledger.asked(savepoint)
      world.log.add(world.nowMs, 'client', 'savepoint', `${number} ${after} of ${jobId}`)
      const code = await this.#operate(savepoint, planned)
      world.log.add(world.nowMs, 'client', savepoint.heard, `savepoint ${number} ${code ?? ''}`)
      if (code !== 'SAVEPOINT_NOT_POSSIBLE' && code !== 'JOB_NOT_FOUND') return
      const { kind } = await this.see(jobId)
      if (kind === 'ended' || kind === 'stopped') return
      await delay(world, RETRY_MS)
    } while (world.nowMs < deadlineMs)
  }

  /** What became of a job that somebody meant to stop. */
  async see(jobId: string): Promise<StopSeen> {
    const seen = await this.#client.ask(jobId, (job): StopSeen => {
      const isSavepoint = (path: string) => path.startsWith(`${SAVEPOINT_DIRECTORY}/`)
      if (!job.hasEnded) {
        if (job.stoppedBy !== null) return { kind: 'ends' }
        return { kind: job.state === 'INITIALIZING' ? 'unclear' : 'goes-on' }
      }
      const path = job.retainedCheckpoints.find(isSavepoint)
      if (job.state !== 'FINISHED' || path === undefined) return { kind: 'ended' }
      return { kind: 'stopped', path }
    })
    if (seen === null) return { kind: 'unclear' }
    return seen === 'unknown' ? { kind: 'unknown' } : seen
  }

  /** Code of what it failed with; null: it did not fail, or nobody knows. */
  async #operate(savepoint: AskedSavepoint, planned: PlannedSavepoint): Promise<string | null> {
    const asked = this.#cluster.leader()
    if (asked === null) {
      await delay(this.#world, RETRY_MS)
      savepoint.heard = 'refused'
      return 'SAVEPOINT_NOT_POSSIBLE'
    }
    const operation: Operation = { begun: false, outcome: null }
    const { epoch } = asked.jobManager
    const begin = (jobManager: JobManager) => this.#begin(operation, savepoint, planned, jobManager)
    for (const endMs = this.#world.nowMs + OPERATION_MS_MAX; this.#world.nowMs < endMs; ) {
      if (this.#cluster.leader() !== asked) return null
      const answer = await this.#client.askOne(asked, (jobManager) => {
        begin(jobManager)
        return operation.outcome
      })
      const outcome = answer !== null && 'value' in answer ? answer.value : null
      if (outcome !== null) {
        // Another leads by now, who may see it otherwise; this one has touched nothing since.
        const isLost = asked.jobManager.epoch !== epoch || this.#cluster.leader() !== asked
        savepoint.heard = 'path' in outcome ? 'complete' : isLost ? 'lost' : 'refused'
        if ('path' in outcome) return null
        return isMillraceError(outcome.error) ? outcome.error.code : String(outcome.error)
      }
      await delay(this.#world, POLL_MS)
    }
    return null
  }

  /** Sent again it is the same, as by the trigger's id. */
  #begin(
    operation: Operation,
    { jobId, after, directory }: AskedSavepoint,
    { format }: PlannedSavepoint,
    { dispatcher }: JobManager,
  ): void {
    if (operation.begun) return
    operation.begun = true
    const request = { targetDirectory: directory, format, after }
    const taking = async () =>
      after === 'go-on'
        ? dispatcher.get(jobId).savepoint(request)
        : dispatcher.stopWithSavepoint(jobId, request)
    taking().then(
      (path) => void (operation.outcome = { path }),
      (error) => void (operation.outcome = { error }),
    )
  }
}
