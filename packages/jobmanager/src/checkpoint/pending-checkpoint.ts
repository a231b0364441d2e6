/**
 * A checkpoint or savepoint from its trigger to its end: who has acknowledged, with what state and
 * figures.
 *
 * It is complete when every task has acknowledged and the operator coordinators' state is there.
 */
import type {
  ChannelStateHandle,
  CheckpointOrder,
  MillraceError,
  SubtaskStateHandles,
} from '@millrace/core'
import type { CheckpointTaskMetrics } from '@millrace/protocol'
import type { ExecutionGraph } from '../execution-graph/execution-graph.ts'
import type { PendingSavepoint } from './pending-savepoint.ts'

export interface AcknowledgedState {
  readonly state: SubtaskStateHandles
  /** Elements under way; null: none were, or every barrier was waited for. */
  readonly channels: ChannelStateHandle | null
  readonly metrics: CheckpointTaskMetrics | null
}

export interface Acknowledgement extends AcknowledgedState {
  readonly vertexId: string
  readonly subtaskIndex: number
  readonly timestampMs: number
}

/**
 * `recording`: its manifest is written, and the job's record is being moved to it; it
 * cannot be given up.
 */
export type CheckpointPhase = 'pending' | 'completing' | 'recording' | 'completed' | 'failed'

export class PendingCheckpoint {
  readonly order: CheckpointOrder
  /** Of the round in which it was triggered: whose tasks have to acknowledge it. */
  readonly graph: ExecutionGraph
  readonly isFinal: boolean
  /** Null: a checkpoint. */
  readonly savepoint: PendingSavepoint | null
  readonly acknowledgements = new Map<string, Acknowledgement>()
  readonly #expected: Set<string>
  /** Subtasks by vertex. */
  readonly subtaskCounts: ReadonlyMap<string, number>
  phase: CheckpointPhase = 'pending'
  coordinators: Readonly<Record<string, unknown>> | null = null
  externalPath: string | null = null
  /** Of its manifest. */
  metadataBytes = 0
  endMs = -1
  error: MillraceError | null = null
  discarded = false
  cancelTimeout: () => void = () => {}

  constructor(
    order: CheckpointOrder,
    graph: ExecutionGraph,
    purpose: { readonly isFinal: boolean; readonly savepoint: PendingSavepoint | null },
  ) {
    this.order = order
    this.graph = graph
    this.isFinal = purpose.isFinal
    this.savepoint = purpose.savepoint
    this.#expected = new Set()
    const counts = new Map<string, number>()
    for (const attempt of graph.attempts()) {
      this.#expected.add(attempt.id)
      counts.set(attempt.vertexId, (counts.get(attempt.vertexId) ?? 0) + 1)
    }
    this.subtaskCounts = counts
  }

  get id(): number {
    return this.order.id
  }

  /** For messages. */
  get title(): string {
    return this.savepoint === null ? `Checkpoint ${this.id}` : `Savepoint ${this.id}`
  }

  get timestampMs(): number {
    return this.order.timestampMs
  }

  get subtaskCount(): number {
    return this.#expected.size
  }

  /** False: not expected, or acknowledged before. */
  acknowledge(attemptId: string, acknowledgement: Acknowledgement): boolean {
    if (!this.#expected.has(attemptId) || this.acknowledgements.has(attemptId)) return false
    this.acknowledgements.set(attemptId, acknowledgement)
    return true
  }

  get isFullyAcknowledged(): boolean {
    return this.coordinators !== null && this.acknowledgements.size === this.#expected.size
  }
}
