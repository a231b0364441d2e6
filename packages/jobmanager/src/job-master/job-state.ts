/**
 * What the parts of a job master share: the graph and how it is moved, the job's settings, its failures.
 * Decides nothing.
 */
import { type Configuration, type ErrorData, type MillraceError, toErrorData } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import type { Logger, Platform } from '@millrace/platform'
import type { CheckpointCoordinator } from '../checkpoint/checkpoint-coordinator.ts'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import { ExecutionGraph } from '../execution-graph/execution-graph.ts'
import {
  type ExecutionState,
  isDeployed,
  isTerminalJobStatus,
  type JobStatus,
} from '../execution-graph/execution-state.ts'
import { type JobRecord, VOLATILE_JOB_RECORD } from '../high-availability/job-record.ts'
import { RestOptions } from '../jobmanager-options.ts'
import type { AllocatedSlot } from '../slot-pool/allocated-slot.ts'
import { FailureHistory } from './failure-history.ts'

export class JobState {
  readonly graph: ExecutionGraph
  readonly configuration: Configuration
  readonly platform: Platform
  readonly logger: Logger
  readonly failures: FailureHistory
  /** Null while the job starts, and without checkpoints. */
  checkpoints: CheckpointCoordinator | null = null
  /** All input is processed and durable: tasks were told to finish. */
  finishing = false
  /** The job's end is being made durable: nothing changes it any more. */
  ending = false
  record: JobRecord = VOLATILE_JOB_RECORD
  restarts = 0
  /** Why the job ended. */
  failureCause: ErrorData | null = null

  constructor(
    platform: Platform,
    jobGraph: JobGraph,
    configuration: Configuration,
    attemptLineage: string,
  ) {
    this.platform = platform
    this.configuration = configuration
    this.logger = platform.logger.with({ job: jobGraph.name, jobId: jobGraph.jobId })
    this.graph = new ExecutionGraph(jobGraph, platform.clock.nowMs(), attemptLineage)
    this.failures = new FailureHistory(configuration.get(RestOptions.exceptionHistorySize))
  }

  get jobId(): string {
    return this.graph.jobGraph.jobId
  }

  get hasEnded(): boolean {
    return isTerminalJobStatus(this.graph.state)
  }

  setState(state: JobStatus): void {
    this.graph.setState(state, this.platform.clock.nowMs())
  }

  /** False when the attempt is further already. */
  move(attempt: ExecutionAttempt, state: ExecutionState): boolean {
    const nowMs = this.platform.clock.nowMs()
    const moved = attempt.transition(state, nowMs)
    if (moved) this.graph.lastModificationMs = nowMs
    return moved
  }

  /** `Name (2/3) - execution #0`. */
  taskName(attempt: ExecutionAttempt): string {
    const vertex = this.graph.vertices.get(attempt.vertexId)?.vertex
    return `${vertex?.name} (${attempt.subtaskIndex + 1}/${vertex?.parallelism}) - execution #${attempt.number}`
  }

  /** Current attempts in such slots; those that a TaskManager has something of, when no condition is given. */
  attemptsIn(
    slotCondition: (slot: AllocatedSlot) => boolean,
    condition: (attempt: ExecutionAttempt) => boolean = ({ state }) => isDeployed(state),
  ): ExecutionAttempt[] {
    return [...this.graph.attempts()].filter(
      (attempt) => attempt.slot !== null && slotCondition(attempt.slot) && condition(attempt),
    )
  }

  /** Keeps the failure in the history. */
  note(error: MillraceError, attempt: ExecutionAttempt | null, kind: 'root' | 'concurrent'): void {
    const taskManager = attempt?.slot?.taskManager
    const failure = {
      error: toErrorData(error),
      timestampMs: this.platform.clock.nowMs(),
      taskName: attempt === null ? null : this.taskName(attempt),
      taskManagerId: taskManager?.id ?? null,
      endpoint: taskManager?.rpcAddress ?? null,
    }
    if (kind === 'root') this.failures.addRoot(failure)
    else this.failures.addConcurrent(failure)
  }

  /** What operators start from. */
  restoredCoordinators(): Readonly<Record<string, unknown>> {
    return this.checkpoints?.latest?.coordinators ?? {}
  }
}
