/**
 * The operator coordinators of one job: made from the graph, addressed by operator,
 * snapshotted together.
 */
import type { CoordinatorRegistry } from '@millrace/connector'
import { nearestName } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import { jobManagerError } from '../error-codes.ts'
import type { TerminalJobStatus } from '../execution-graph/execution-state.ts'
import { type CoordinatorHost, HostedCoordinator } from './hosted-coordinator.ts'

export class JobCoordinators {
  readonly #all: readonly HostedCoordinator[]

  /** Throws COORDINATOR_FACTORY_UNKNOWN. */
  constructor(host: CoordinatorHost, graph: JobGraph, registry: CoordinatorRegistry) {
    const all: HostedCoordinator[] = []
    for (const vertex of graph.vertices) {
      for (const operator of vertex.operators) {
        if (operator.coordinator === undefined) continue
        const factory = registry.get(operator.coordinator.factory)
        if (factory === undefined) throw unknownFactory(operator, registry)
        all.push(new HostedCoordinator(host, vertex.id, operator, vertex.parallelism, factory))
      }
    }
    this.#all = all
  }

  #of(vertexIds: ReadonlySet<string>): HostedCoordinator[] {
    return this.#all.filter(({ vertexId }) => vertexIds.has(vertexId))
  }

  find(vertexId: string, operatorId: string): HostedCoordinator | undefined {
    return this.#all.find(
      (coordinator) => coordinator.vertexId === vertexId && coordinator.operatorId === operatorId,
    )
  }

  start(restored: Readonly<Record<string, unknown>>): void {
    for (const coordinator of this.#all) coordinator.start(restored[coordinator.operatorId] ?? null)
  }

  /**
   * New instances, started from `restored`, where the round's parallelism is another than theirs.
   */
  fit(
    parallelismOf: ReadonlyMap<string, number>,
    restored: Readonly<Record<string, unknown>>,
  ): void {
    for (const coordinator of this.#all) {
      const parallelism = parallelismOf.get(coordinator.vertexId) as number
      coordinator.fit(parallelism, restored[coordinator.operatorId] ?? null)
    }
  }

  /** New instances for those vertices. */
  replace(vertexIds: ReadonlySet<string>, restored: Readonly<Record<string, unknown>>): void {
    for (const coordinator of this.#of(vertexIds)) {
      coordinator.replace(restored[coordinator.operatorId] ?? null)
    }
  }

  subtaskReady(vertexId: string, subtaskIndex: number): void {
    for (const coordinator of this.#of(new Set([vertexId]))) coordinator.subtaskReady(subtaskIndex)
  }

  subtaskFailed(vertexId: string, subtaskIndex: number): void {
    for (const coordinator of this.#of(new Set([vertexId]))) coordinator.subtaskFailed(subtaskIndex)
  }

  /**
   * States by operator id. What was sent before them has been delivered when this resolves; what is
   * sent later waits for `release`.
   */
  async snapshot(
    checkpointId: number,
  ): Promise<{ states: Record<string, unknown>; release(): void }> {
    const releases: (() => void)[] = []
    const release = () => {
      for (const action of releases.splice(0)) action()
    }
    try {
      const states: Record<string, unknown> = {}
      for (const coordinator of this.#all) {
        const held = (await coordinator.snapshotAndHold(checkpointId)) as {
          state: unknown
          release(): void
        }
        releases.push(held.release)
        states[coordinator.operatorId] = held.state
      }
      await Promise.all(this.#all.map((coordinator) => coordinator.drained()))
      return { states, release }
    } catch (error) {
      release()
      throw error
    }
  }

  notifyCheckpointComplete(checkpointId: number): void {
    for (const coordinator of this.#all) coordinator.notifyCheckpointComplete(checkpointId)
  }

  /** The first that waits for something outside says for what; null: none does. */
  waitsFor(): string | null {
    for (const coordinator of this.#all) {
      const outside = coordinator.waitsFor()
      if (outside !== null) return outside
    }
    return null
  }

  jobEnded(state: TerminalJobStatus): void {
    for (const coordinator of this.#all) {
      coordinator.jobEnded(state)
      if (!coordinator.takesRequests) void coordinator.close().catch(() => {})
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#all.map((coordinator) => coordinator.close()))
  }
}

function unknownFactory(
  operator: JobGraph['vertices'][number]['operators'][number],
  registry: CoordinatorRegistry,
) {
  const name = operator.coordinator?.factory as string
  const nearest = nearestName(name, registry.keys())
  return jobManagerError(
    'COORDINATOR_FACTORY_UNKNOWN',
    `Operator '${operator.name}' asks for coordinator '${name}', which this JobManager does not have.`,
    {
      hint:
        nearest === undefined
          ? `Known: ${[...registry.keys()].join(', ')}.`
          : `Did you mean '${nearest}'?`,
      location: { operator: operator.name },
    },
  )
}
