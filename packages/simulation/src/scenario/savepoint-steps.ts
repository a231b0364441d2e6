/**
 * SavepointSteps: the planned savepoints of a run, carried out. A job that one has stopped is
 * followed by another that starts from it, also when nobody heard of the stop.
 */
import { checkRestorable } from '../checkers/checkpoint-checker.ts'
import { committablesAt } from '../checkers/committables.ts'
import { type Violation, violation } from '../checkers/violation.ts'
import {
  CHECKPOINT_DIRECTORY,
  type SimulatedEnvironment,
} from '../environment/simulated-environment.ts'
import type { PlannedFault } from '../faults/fault.ts'
import { delay } from '../world/scheduler.ts'
import type { PlannedSavepoint, PlannedSuccessor } from './draw-savepoints.ts'
import { InstantFilesystem } from './instant-filesystem.ts'
import type { JobClient } from './job-client.ts'
import type { JobUnderTest } from './job-under-test.ts'
import { SavepointClient } from './savepoint-client.ts'

const LIVENESS_MS = 180_000
const POLL_MS = 250
const CHECKER = 'savepoints'
const DRAIN: PlannedSavepoint = {
  ...{ atMs: 0, after: 'drain', format: 'canonical', faults: [] },
  successor: { parallelism: 1, claims: false, backend: null },
}

/** The run as its savepoints see it. */
export interface SteppedRun {
  readonly environment: SimulatedEnvironment
  readonly client: JobClient
  readonly job: JobUnderTest
  /** Of the job that was submitted last. */
  jobId(): string
  hasFailed(): Promise<boolean>
  strike(faults: readonly PlannedFault[]): void
  startFrom(
    path: string,
    parallelism: number,
    settings: Readonly<Record<string, string>>,
  ): Promise<void>
  violate(found: readonly Violation[]): void
  /** What the job says about itself. */
  reason(): Promise<string>
  /** A job that was acknowledged is not known any more. */
  forgotten(): never
}

export class SavepointSteps {
  readonly #run: SteppedRun
  readonly #client: SavepointClient
  /** What starts when the job has ended by a savepoint; null: nobody meant to stop it. */
  #successor: PlannedSuccessor | null = null

  constructor(run: SteppedRun) {
    this.#run = run
    const { world, cluster } = run.environment
    this.#client = new SavepointClient(world, cluster, run.client)
  }

  get checks(): Record<string, number> {
    const { judged, stops } = this.#client.ledger
    return { savepoints: judged, stops }
  }

  get stops(): number {
    return this.#client.ledger.stops
  }

  async carryOut(planned: PlannedSavepoint, endMs: number): Promise<void> {
    const run = this.#run
    if (await run.hasFailed()) return
    await this.#client.take(run.jobId(), planned, endMs, () => run.strike(planned.faults))
    if (planned.after === 'go-on') return
    this.#successor = planned.successor
    await this.#follow(this.#successor)
  }

  /** Null: the job is FINISHED, with all committed that the savepoint holds. */
  async drain(endMs: number): Promise<readonly Violation[] | null> {
    const { world } = this.#run.environment
    const jobId = this.#run.jobId()
    while (world.nowMs < endMs && !(await this.#run.hasFailed())) {
      await this.#client.take(jobId, DRAIN, endMs, () => {})
      for (let seen = await this.#client.see(jobId); seen.kind !== 'goes-on'; ) {
        if (seen.kind === 'stopped') {
          const found = await this.#judgeStop(seen.path)
          return found.length === 0 ? null : found
        }
        if (world.nowMs >= endMs) break
        await delay(world, POLL_MS)
        seen = await this.#client.see(jobId)
      }
    }
    return [violation('liveness', 'The job could not be drained.', [await this.#run.reason()])]
  }

  /** The job has ended. True: by a stop of which nobody heard, and another has been started. */
  async followUnheard(): Promise<boolean> {
    if (this.#successor === null) return false
    const before = this.#run.jobId()
    await this.#follow(this.#successor)
    return this.#run.jobId() !== before
  }

  /** What is wrong with what there is of all of them, after the end of every job. */
  judge(checkpointsRetained: number): Promise<readonly Violation[]> {
    const { disk } = this.#run.environment
    return this.#client.ledger.judge(disk, new InstantFilesystem(disk), checkpointsRetained)
  }

  /** Once the job has ended by a savepoint, another starts from it; unless it goes on. */
  async #follow(successor: PlannedSuccessor): Promise<void> {
    const run = this.#run
    const { world } = run.environment
    for (const deadlineMs = world.nowMs + LIVENESS_MS; world.nowMs < deadlineMs; ) {
      if (await run.hasFailed()) return
      const seen = await this.#client.see(run.jobId())
      if (seen.kind === 'unknown') run.forgotten()
      if (seen.kind === 'goes-on') return
      if (seen.kind === 'stopped') {
        run.violate(await this.#judgeStop(seen.path))
        return this.#startFrom(seen.path, successor)
      }
      if (seen.kind === 'ended') {
        // By itself, before the savepoint came to it.
        if (run.job.bounded) return
        const text = 'The job was to be stopped, and has ended without a savepoint.'
        run.violate([violation(CHECKER, text, [await run.reason()])])
        throw new Error('The job is gone.')
      }
      await delay(world, POLL_MS)
    }
    run.violate([violation('liveness', 'The job is being stopped for ever.', [await run.reason()])])
  }

  /** What its savepoint holds is committed when the job has ended. */
  async #judgeStop(path: string): Promise<readonly Violation[]> {
    const { environment, job, jobId } = this.#run
    this.#client.ledger.stopped(jobId(), path)
    const disk = new InstantFilesystem(environment.disk)
    const damage = await checkRestorable(path, disk)
    if (damage !== null) return [damage]
    const open = job.uncommitted?.(environment, await committablesAt(path, disk)) ?? []
    if (open.length === 0) return []
    const text = 'A job has ended by a savepoint without committing what that holds.'
    return [violation(CHECKER, text, [path, ...open])]
  }

  async #startFrom(path: string, successor: PlannedSuccessor): Promise<void> {
    const run = this.#run
    const { parallelism, claims, backend } = successor
    await run.startFrom(path, parallelism, {
      ...(claims ? { 'execution.state-recovery.claim-mode': 'CLAIM' } : {}),
      ...(backend === null ? {} : { 'state.backend.type': backend }),
    })
    if (!claims) return
    const jobId = run.jobId()
    this.#client.ledger.claimed(path, { jobId, kept: () => this.#checkpointsKeptBy(jobId) })
  }

  #checkpointsKeptBy(jobId: string): number | null {
    const leader = this.#run.environment.cluster.leader()
    const kept = leader?.jobManager.dispatcher.find(jobId)?.retainedCheckpoints
    return kept?.filter((path) => path.startsWith(`${CHECKPOINT_DIRECTORY}/`)).length ?? null
  }
}
