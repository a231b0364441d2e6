/**
 * ExecutionGraph: the JobGraph of one round of deployment expanded into subtasks, each with its
 * attempt.
 *
 * Pure bookkeeping: the job master decides and acts. A further round is another graph; vertices
 * that go on running are taken into it as they are. Invariant: each subtask has exactly one
 * attempt; only its id is accepted from TaskManagers, those of earlier rounds are stale.
 */
import type { JobEdge, JobGraph, JobVertex } from '@millrace/graph'
import type { AttemptNumbers } from './attempt-numbers.ts'
import { ExecutionAttempt } from './execution-attempt.ts'
import { EXECUTION_STATES, type ExecutionState } from './execution-state.ts'
import { pipelinedRegions } from './pipelined-regions.ts'

export interface ExecutionSubtask {
  readonly index: number
  readonly current: ExecutionAttempt
}

export class ExecutionVertex {
  /** With the parallelism of its round. */
  readonly vertex: JobVertex
  readonly subtasks: readonly ExecutionSubtask[]
  readonly inputs: readonly JobEdge[]
  readonly outputs: readonly JobEdge[]

  constructor(
    vertex: JobVertex,
    subtasks: readonly ExecutionSubtask[],
    inputs: readonly JobEdge[],
    outputs: readonly JobEdge[],
  ) {
    this.vertex = vertex
    this.subtasks = subtasks
    this.inputs = inputs
    this.outputs = outputs
  }

  get isSource(): boolean {
    return this.inputs.length === 0
  }
}

/** What new attempts are made with. */
export interface AttemptOrigin {
  readonly numbers: AttemptNumbers
  /** Part of every attempt id. */
  readonly lineage: string
  readonly nowMs: number
}

export class ExecutionGraph {
  /** As its round runs it. */
  readonly jobGraph: JobGraph
  readonly vertices: ReadonlyMap<string, ExecutionVertex>
  readonly regions: ReadonlyMap<string, readonly string[]>
  readonly #attempts = new Map<string, ExecutionAttempt>()

  /** `goingOn`: vertices of the round before, of equal parallelism, whose attempts are kept. */
  constructor(
    jobGraph: JobGraph,
    origin: AttemptOrigin,
    goingOn: ReadonlyMap<string, ExecutionVertex> = new Map(),
  ) {
    this.jobGraph = jobGraph
    this.regions = pipelinedRegions(jobGraph)
    this.vertices = new Map(
      jobGraph.vertices.map((vertex) => {
        const subtasks = goingOn.get(vertex.id)?.subtasks ?? this.#expand(vertex, origin)
        for (const { current } of subtasks) this.#attempts.set(current.id, current)
        return [vertex.id, this.#place(vertex, subtasks)]
      }),
    )
  }

  #expand(vertex: JobVertex, { numbers, lineage, nowMs }: AttemptOrigin): ExecutionSubtask[] {
    const { jobId } = this.jobGraph
    return Array.from({ length: vertex.parallelism }, (_, index) => {
      const number = numbers.next(vertex.id, index)
      return { index, current: new ExecutionAttempt(jobId, vertex, index, number, nowMs, lineage) }
    })
  }

  #place(vertex: JobVertex, subtasks: readonly ExecutionSubtask[]): ExecutionVertex {
    const { edges } = this.jobGraph
    return new ExecutionVertex(
      vertex,
      subtasks,
      edges.filter((edge) => edge.targetVertexId === vertex.id),
      edges.filter((edge) => edge.sourceVertexId === vertex.id),
    )
  }

  /** The current attempt of that id; undefined for stale and unknown ones. */
  attempt(attemptId: string): ExecutionAttempt | undefined {
    return this.#attempts.get(attemptId)
  }

  /** Current attempts, of the given vertices or of all. */
  *attempts(vertexIds: Iterable<string> = this.vertices.keys()): Iterable<ExecutionAttempt> {
    for (const id of vertexIds) {
      for (const subtask of (this.vertices.get(id) as ExecutionVertex).subtasks) {
        yield subtask.current
      }
    }
  }

  every(condition: (attempt: ExecutionAttempt) => boolean, vertexIds?: Iterable<string>): boolean {
    for (const attempt of this.attempts(vertexIds)) if (!condition(attempt)) return false
    return true
  }

  /** How many current attempts are in each state. */
  stateCounts(vertexIds?: Iterable<string>): Record<ExecutionState, number> {
    const counts = Object.fromEntries(EXECUTION_STATES.map((state) => [state, 0])) as Record<
      ExecutionState,
      number
    >
    for (const attempt of this.attempts(vertexIds)) counts[attempt.state]++
    return counts
  }
}
