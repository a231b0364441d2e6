/** One try to run one subtask: its state with timestamps, its slot, its end. */
import { attemptIdOf, type ErrorData } from '@millrace/core'
import type { JobVertex } from '@millrace/graph'
import type { TaskMetricsReport } from '@millrace/protocol'
import type { AllocatedSlot } from '../slot-pool/allocated-slot.ts'
import { type ExecutionState, isTerminal, mayFollow } from './execution-state.ts'

export class ExecutionAttempt {
  readonly id: string
  /** `Name (2/3) - execution #0`. */
  readonly taskName: string
  readonly vertexId: string
  readonly subtaskIndex: number
  readonly number: number
  readonly timestampsMs = new Map<ExecutionState, number>()
  state: ExecutionState = 'CREATED'
  /** Every input was processed to its end; the task lives on for the final checkpoint. */
  ended = false
  slot: AllocatedSlot | null = null
  error: ErrorData | null = null
  /** The last report; null before the first. */
  metrics: TaskMetricsReport | null = null
  /** Summed up from the reported shares of time, ms. */
  readonly accumulatedMs = { busy: 0, idle: 0, backPressured: 0 }
  #reportedMs: number

  constructor(
    jobId: string,
    vertex: JobVertex,
    subtaskIndex: number,
    number: number,
    nowMs: number,
    lineage: string,
  ) {
    const id = attemptIdOf(jobId, vertex.id, subtaskIndex, number)
    this.id = lineage === '' ? id : `${id}_${lineage}`
    const place = `${subtaskIndex + 1}/${vertex.parallelism}`
    this.taskName = `${vertex.name} (${place}) - execution #${number}`
    this.vertexId = vertex.id
    this.subtaskIndex = subtaskIndex
    this.number = number
    this.timestampsMs.set('CREATED', nowMs)
    this.#reportedMs = nowMs
  }

  /** Takes a report of the task's metrics. */
  report(metrics: TaskMetricsReport, nowMs: number): void {
    const seconds = Math.max(0, nowMs - this.#reportedMs) / 1000
    this.#reportedMs = nowMs
    this.metrics = metrics
    this.accumulatedMs.busy += metrics.busyTimeMsPerSecond * seconds
    this.accumulatedMs.idle += metrics.idleTimeMsPerSecond * seconds
    this.accumulatedMs.backPressured += metrics.backPressuredTimeMsPerSecond * seconds
  }

  get isTerminal(): boolean {
    return isTerminal(this.state)
  }

  /** Moves on; false when `state` does not follow the present one (a late or repeated report). */
  transition(state: ExecutionState, nowMs: number): boolean {
    if (!mayFollow(this.state, state)) return false
    this.state = state
    this.timestampsMs.set(state, nowMs)
    return true
  }

  startMs(): number {
    return this.timestampsMs.get('DEPLOYING') ?? -1
  }

  endMs(): number {
    return this.isTerminal ? (this.timestampsMs.get(this.state) ?? -1) : -1
  }
}
