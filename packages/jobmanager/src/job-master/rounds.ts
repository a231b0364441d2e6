/**
 * Rounds: begins a round of deployment — asks at which parallelism it runs, makes its execution
 * graph, fits the operator coordinators to it and has the tasks deployed.
 *
 * Vertices outside of it go on with their attempts. State finds its subtasks again because tasks
 * are dealt what the latest checkpoint has at whatever parallelism the round has (`reassignState`),
 * and split enumerators are made anew.
 */
import type { JobGraph } from '@millrace/graph'
import { ExecutionGraph, type ExecutionVertex } from '../execution-graph/execution-graph.ts'
import type { DecideParallelism } from '../scheduler/decide-parallelism.ts'
import { planRound } from '../scheduler/plan-round.ts'
import { type ResourceRequirements, requiredGraph } from '../scheduler/resource-requirements.ts'
import { DeploymentRound } from './deployment-round.ts'
import type { JobCoordinators } from './job-coordinators.ts'
import type { JobState } from './job-state.ts'
import type { TaskDeployer } from './task-deployer.ts'

export class Rounds {
  readonly #job: JobState
  readonly #decide: DecideParallelism
  readonly #coordinators: JobCoordinators
  readonly #deployer: TaskDeployer

  constructor(
    job: JobState,
    decide: DecideParallelism,
    coordinators: JobCoordinators,
    deployer: TaskDeployer,
  ) {
    this.#job = job
    this.#decide = decide
    this.#coordinators = coordinators
    this.#deployer = deployer
  }

  /**
   * New attempts of these vertices, all of whose earlier ones have ended. Throws
   * PARALLELISM_INVALID.
   */
  begin(vertexIds: ReadonlySet<string>): void {
    const job = this.#job
    const { round, attemptNumbers, attemptLineage: lineage } = job
    const before = [...round.graph.vertices]
    const goingOn = new Map(before.filter(([id]) => !vertexIds.has(id)))
    const planned = this.#plan(job.requirements, parallelismOf(goingOn))
    for (const attempt of round.graph.attempts(vertexIds)) attemptNumbers.retire(attempt)
    const nowMs = job.platform.clock.nowMs()
    const graph = new ExecutionGraph(planned, { numbers: attemptNumbers, lineage, nowMs }, goingOn)
    job.round = new DeploymentRound(graph)
    job.lifecycle.touched(nowMs)
    this.#coordinators.fit(parallelismOf(graph.vertices), job.restoredCoordinators())
    this.#deployer.deploy(vertexIds)
  }

  /** As a round of the whole job would be that requires this. Throws PARALLELISM_INVALID. */
  planned(requirements: ResourceRequirements | null): JobGraph {
    return this.#plan(requirements, new Map())
  }

  #plan(requirements: ResourceRequirements | null, running: ReadonlyMap<string, number>): JobGraph {
    const required = requiredGraph(this.#job.jobGraph, requirements)
    // Slots without a limit: the round waits for as many as it needs.
    return planRound(required, this.#decide(required, null, { running }), { running })
  }
}

function parallelismOf(vertices: ReadonlyMap<string, ExecutionVertex>): Map<string, number> {
  return new Map([...vertices].map(([id, { vertex }]) => [id, vertex.parallelism]))
}
