/**
 * A checkpoint from its trigger to its end: who has acknowledged, with what state and figures.
 *
 * It is complete when every task has acknowledged and the operator coordinators' state is there.
 */
import type { MillraceError } from '@millrace/core'
import type { CheckpointTaskMetrics } from '@millrace/protocol'
import type { SubtaskStateHandles } from '@millrace/state'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'

export interface Acknowledgement {
  readonly vertexId: string
  readonly subtaskIndex: number
  readonly timestampMs: number
  readonly state: SubtaskStateHandles
  readonly metrics: CheckpointTaskMetrics | null
}

/** `recording`: its manifest is written, and the job's record is being moved to it; it cannot be given up. */
export type CheckpointPhase = 'pending' | 'completing' | 'recording' | 'completed' | 'failed'

export class PendingCheckpoint {
  readonly id: number
  readonly timestampMs: number
  readonly isFinal: boolean
  readonly acknowledgements = new Map<string, Acknowledgement>()
  readonly #expected: Set<string>
  /** Subtasks by vertex. */
  readonly subtaskCounts: ReadonlyMap<string, number>
  phase: CheckpointPhase = 'pending'
  coordinators: Readonly<Record<string, unknown>> | null = null
  externalPath: string | null = null
  endMs = -1
  error: MillraceError | null = null
  discarded = false
  cancelTimeout: () => void = () => {}

  constructor(
    id: number,
    timestampMs: number,
    attempts: Iterable<ExecutionAttempt>,
    isFinal: boolean,
  ) {
    this.id = id
    this.timestampMs = timestampMs
    this.isFinal = isFinal
    this.#expected = new Set()
    const counts = new Map<string, number>()
    for (const attempt of attempts) {
      this.#expected.add(attempt.id)
      counts.set(attempt.vertexId, (counts.get(attempt.vertexId) ?? 0) + 1)
    }
    this.subtaskCounts = counts
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
