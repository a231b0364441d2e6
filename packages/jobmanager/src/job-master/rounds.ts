/**
 * Rounds: begins a round of deployment — asks at which parallelism it runs, makes its execution
 * graph, fits the operator coordinators to it and has the tasks deployed.
 *
 * Vertices outside of it go on with their attempts. State finds its subtasks again because tasks
 * are dealt what the latest checkpoint has at whatever parallelism the round has (`reassignState`),
 * and split enumerators are made anew. A job that adapts itself to its slots waits for them first;
 * its rounds are of all vertices.
 */
import type { JobGraph } from '@millrace/graph'
import { ExecutionGraph, type ExecutionVertex } from '../execution-graph/execution-graph.ts'
import type { AdaptiveSettings } from '../scheduler/adaptive-settings.ts'
import type { DecideParallelism } from '../scheduler/decide-parallelism.ts'
import { planRound } from '../scheduler/plan-round.ts'
import {
  graphAt,
  leastParallelism,
  type ResourceRequirements,
  reactiveRequirements,
  requiredGraph,
} from '../scheduler/resource-requirements.ts'
import { slotCount } from '../scheduler/slot-requirements.ts'
import { type ChainCut, chainCuts, unchained } from '../scheduler/unchain.ts'
import type { SlotPool } from '../slot-pool/slot-pool.ts'
import { DeploymentRound } from './deployment-round.ts'
import type { JobCoordinators } from './job-coordinators.ts'
import type { JobState } from './job-state.ts'
import { type SlotBounds, SlotWait } from './slot-wait.ts'
import type { TaskDeployer } from './task-deployer.ts'

const NONE: ReadonlyMap<string, number> = new Map()

export class Rounds {
  /** Null: each round has the parallelism that is required. */
  readonly adaptive: AdaptiveSettings | null
  readonly #job: JobState
  readonly #decide: DecideParallelism
  readonly #coordinators: JobCoordinators
  readonly #deployer: TaskDeployer
  readonly #wait: SlotWait | null
  readonly #fail: (error: unknown) => void
  readonly #begins: () => void
  /** Chains that the present round runs in two. */
  #cuts: readonly ChainCut[] = []
  /** What the present round was planned from. */
  #plannedFrom: ResourceRequirements | null = null

  constructor(
    job: JobState,
    decide: DecideParallelism,
    parts: {
      readonly coordinators: JobCoordinators
      readonly deployer: TaskDeployer
      readonly slotPool: SlotPool
      readonly adaptive: AdaptiveSettings | null
      /** NOT_ENOUGH_SLOTS, PARALLELISM_INVALID: the job cannot begin a round. */
      fail(error: unknown): void
      /** It waits for the slots of a round, by itself or after a failure. */
      begins(): void
    },
  ) {
    this.#job = job
    this.#decide = decide
    this.#coordinators = parts.coordinators
    this.#deployer = parts.deployer
    this.adaptive = parts.adaptive
    this.#fail = parts.fail
    this.#begins = parts.begins
    this.#wait = parts.adaptive === null ? null : this.#createWait(parts.adaptive, parts.slotPool)
  }

  #createWait(adaptive: AdaptiveSettings, slotPool: SlotPool): SlotWait {
    return new SlotWait(this.#job, slotPool, this.#deployer.slots, adaptive, {
      bounds: () => this.bounds(),
      ready: (slots) => this.#beginWith(slots),
      fail: (error) => this.#fail(error),
    })
  }

  /** Between which bounds the parallelism of each vertex may be; null: as submitted. */
  get requirements(): ResourceRequirements | null {
    const { jobGraph, requirements } = this.#job
    return this.adaptive?.isReactive === true ? reactiveRequirements(jobGraph) : requirements
  }

  /** The present round was planned from what was required before. */
  get isOutdated(): boolean {
    return this.#plannedFrom !== this.#job.requirements
  }

  /** It is as it would be from what is required now. */
  upToDate(): void {
    this.#plannedFrom = this.#job.requirements
  }

  /** In slots. */
  bounds(): SlotBounds {
    const { jobGraph } = this.#job
    const { requirements } = this
    const least = leastParallelism(jobGraph, requirements)
    return {
      desired: slotCount(requiredGraph(jobGraph, requirements)),
      least: slotCount(graphAt(jobGraph, (id) => least.get(id))),
    }
  }

  /** What is waited for, for people; null: no slots that have to settle. */
  describeWait(): string | null {
    return this.#wait?.describe() ?? null
  }

  abandon(): void {
    this.#wait?.abandon()
  }

  /** Slots have come or gone, or the bounds are others: for a job that adapts itself. */
  reconsider(): void {
    if (this.#wait === null) return
    if (!this.#deployer.isStarving) {
      this.#wait.reconsider()
      return
    }
    // What it was about to run in is not there any more: none of its tasks was deployed.
    this.#deployer.abandon()
    this.#wait.begin(false)
  }

  /**
   * New attempts of these vertices, all of whose earlier ones have ended. `atOnce`: slots need not
   * settle. Throws PARALLELISM_INVALID.
   */
  begin(vertexIds: ReadonlySet<string>, atOnce = false): void {
    if (this.#wait === null) {
      this.#begin(vertexIds, null)
      return
    }
    this.#begins()
    this.#wait.begin(atOnce)
  }

  #beginWith(slots: number): void {
    try {
      this.#begin(new Set(this.#job.round.graph.vertices.keys()), slots)
    } catch (error) {
      this.#fail(error)
    }
  }

  #begin(vertexIds: ReadonlySet<string>, slots: number | null): void {
    const job = this.#job
    const { round, attemptNumbers, attemptLineage: lineage } = job
    const before = [...round.graph.vertices]
    const goingOn = new Map(before.filter(([id]) => !vertexIds.has(id)))
    this.#cuts = this.#cutsOf(goingOn)
    const planned = unchained(
      this.#plan(this.requirements, slots, parallelismOf(goingOn)),
      this.#cuts,
    )
    this.#plannedFrom = job.requirements
    for (const attempt of round.graph.attempts(vertexIds)) {
      attemptNumbers.retire(attempt)
      job.attemptHistory.add(attempt)
    }
    const nowMs = job.platform.clock.nowMs()
    const graph = new ExecutionGraph(planned, { numbers: attemptNumbers, lineage, nowMs }, goingOn)
    job.round = new DeploymentRound(graph)
    job.lifecycle.touched(nowMs)
    this.#coordinators.fit(parallelismOf(graph.vertices), job.restoredCoordinators())
    this.#deployer.deploy(new Set([...graph.vertices.keys()].filter((id) => !goingOn.has(id))))
  }

  /** What goes on is as it was. */
  #cutsOf(goingOn: ReadonlyMap<string, ExecutionVertex>): ChainCut[] {
    const { jobGraph, checkpoints } = this.#job
    const latest = checkpoints?.completed.latest ?? null
    const needed = latest === null ? [] : chainCuts(jobGraph, latest)
    return [
      ...this.#cuts.filter(({ vertexId }) => goingOn.has(vertexId)),
      ...needed.filter(({ vertexId }) => !goingOn.has(vertexId)),
    ]
  }

  /** As a round of the whole job would be that requires this. Throws PARALLELISM_INVALID. */
  planned(requirements: ResourceRequirements | null): JobGraph {
    return this.#plan(requirements, null, NONE)
  }

  /**
   * As a round would be that began now, and whether it had all that it may use; null: it could not
   * begin.
   */
  possible(): { readonly graph: JobGraph; readonly isDesired: boolean } | null {
    const { requirements } = this
    if (this.#wait === null) return { graph: this.planned(requirements), isDesired: true }
    const available = this.#wait.available()
    const { desired, least } = this.bounds()
    if (available < least) return null
    return { graph: this.#plan(requirements, available, NONE), isDesired: available >= desired }
  }

  #plan(
    requirements: ResourceRequirements | null,
    slots: number | null,
    running: ReadonlyMap<string, number>,
  ): JobGraph {
    const required = requiredGraph(this.#job.jobGraph, requirements)
    const least = leastParallelism(this.#job.jobGraph, requirements)
    // Slots without a limit: the round waits for as many as it needs.
    return planRound(required, this.#decide(required, slots, { running, least }), { running })
  }
}

function parallelismOf(vertices: ReadonlyMap<string, ExecutionVertex>): Map<string, number> {
  return new Map([...vertices].map(([id, { vertex }]) => [id, vertex.parallelism]))
}
