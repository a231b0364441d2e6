/**
 * ExecutionGraph: the JobGraph expanded into subtasks and their attempts, with every state and its timestamp.
 *
 * Pure bookkeeping: the job master decides and acts. Invariant: each subtask has exactly one current attempt; only
 * its id is accepted
 * from TaskManagers, older ones are stale.
 */
import type { JobEdge, JobGraph, JobVertex } from '@millrace/graph'
import { ExecutionAttempt } from './execution-attempt.ts'
import { EXECUTION_STATES, type ExecutionState, type JobStatus } from './execution-state.ts'
import { pipelinedRegions } from './pipelined-regions.ts'

/** Earlier attempts kept for each subtask. */
const ATTEMPT_HISTORY_MAX = 16

export class ExecutionSubtask {
  readonly index: number
  current: ExecutionAttempt
  /** Newest last. */
  readonly earlier: ExecutionAttempt[] = []

  constructor(index: number, first: ExecutionAttempt) {
    this.index = index
    this.current = first
  }
}

export class ExecutionVertex {
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

export class ExecutionGraph {
  readonly jobGraph: JobGraph
  readonly vertices: ReadonlyMap<string, ExecutionVertex>
  readonly regions: ReadonlyMap<string, readonly string[]>
  readonly timestampsMs = new Map<JobStatus, number>()
  readonly #attempts = new Map<string, ExecutionAttempt>()
  readonly #lineage: string
  state: JobStatus = 'INITIALIZING'
  lastModificationMs: number

  /** `lineage`: part of every attempt id, so that attempts of several leaders are never taken for each other. */
  constructor(jobGraph: JobGraph, nowMs: number, lineage = '') {
    this.jobGraph = jobGraph
    this.#lineage = lineage
    this.lastModificationMs = nowMs
    this.timestampsMs.set('INITIALIZING', nowMs)
    this.regions = pipelinedRegions(jobGraph)
    this.vertices = new Map(
      jobGraph.vertices.map((vertex) => [vertex.id, this.#expand(vertex, nowMs)]),
    )
  }

  #expand(vertex: JobVertex, nowMs: number): ExecutionVertex {
    const subtasks: ExecutionSubtask[] = []
    for (let index = 0; index < vertex.parallelism; index++) {
      const attempt = this.#newAttempt(vertex.id, index, 0, nowMs)
      this.#attempts.set(attempt.id, attempt)
      subtasks.push(new ExecutionSubtask(index, attempt))
    }
    return new ExecutionVertex(
      vertex,
      subtasks,
      this.jobGraph.edges.filter((edge) => edge.targetVertexId === vertex.id),
      this.jobGraph.edges.filter((edge) => edge.sourceVertexId === vertex.id),
    )
  }

  #newAttempt(vertexId: string, index: number, number: number, nowMs: number): ExecutionAttempt {
    const { jobId } = this.jobGraph
    return new ExecutionAttempt(jobId, vertexId, index, number, nowMs, this.#lineage)
  }

  setState(state: JobStatus, nowMs: number): void {
    this.state = state
    this.lastModificationMs = nowMs
    this.timestampsMs.set(state, nowMs)
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

  /** Gives every subtask of the vertices a new attempt; the old ones become stale. */
  newAttempts(vertexIds: Iterable<string>, nowMs: number): void {
    for (const id of vertexIds) {
      for (const subtask of (this.vertices.get(id) as ExecutionVertex).subtasks) {
        const old = subtask.current
        this.#attempts.delete(old.id)
        subtask.earlier.push(old)
        if (subtask.earlier.length > ATTEMPT_HISTORY_MAX) subtask.earlier.shift()
        subtask.current = this.#newAttempt(id, subtask.index, old.number + 1, nowMs)
        this.#attempts.set(subtask.current.id, subtask.current)
      }
    }
    this.lastModificationMs = nowMs
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
