/**
 * What the parts of a job master share. Decides nothing.
 *
 * Two lives are kept apart: everything here lives for the job, except `round`, which each
 * deployment replaces: its graph, its attempts, whether its tasks were told to finish. So a round
 * may run at another parallelism, and numbers of attempts, failures, checkpoints and the job's own
 * state go on.
 */
import { type Configuration, type MillraceError, toErrorData } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import type { Logger, Platform } from '@millrace/platform'
import { claimsOf } from '@millrace/state'
import type { CheckpointCoordinator } from '../checkpoint/checkpoint-coordinator.ts'
import { AttemptHistory } from '../execution-graph/attempt-history.ts'
import { AttemptNumbers } from '../execution-graph/attempt-numbers.ts'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import { ExecutionGraph } from '../execution-graph/execution-graph.ts'
import { type ExecutionState, isDeployed } from '../execution-graph/execution-state.ts'
import { type JobRecord, VOLATILE_JOB_RECORD } from '../high-availability/job-record.ts'
import { RestOptions } from '../jobmanager-options.ts'
import { operatorsOf } from '../scheduler/channel-edges.ts'
import type { ResourceRequirements } from '../scheduler/resource-requirements.ts'
import type { AllocatedSlot } from '../slot-pool/allocated-slot.ts'
import { DeploymentRound } from './deployment-round.ts'
import { FailureHistory } from './failure-history.ts'
import { type FailureRank, failureRank } from './failure-rank.ts'
import { JobLifecycle } from './job-lifecycle.ts'

export class JobState {
  /** As submitted; what a round makes of it is its graph's. */
  readonly jobGraph: JobGraph
  readonly configuration: Configuration
  readonly platform: Platform
  readonly logger: Logger
  readonly lifecycle: JobLifecycle
  readonly failures: FailureHistory
  readonly attemptNumbers = new AttemptNumbers()
  readonly attemptHistory: AttemptHistory
  /**
   * Part of every attempt id, so that attempts of several leaders are never taken for each other.
   */
  readonly attemptLineage: string
  /** Opened by `JobStart`; null until then. */
  checkpoints: CheckpointCoordinator | null = null
  record: JobRecord = VOLATILE_JOB_RECORD
  /** As asked for since the submission; null: as submitted. Written by `JobStart`, `Rescaler`. */
  requirements: ResourceRequirements | null = null
  /** Directory of the savepoint by which the job is, or was, stopped for good; null: by none. */
  stoppedBy: string | null = null
  /**
   * Replaced by `Rounds`; the one before the first deployment has the graph as submitted, and
   * nothing of it runs.
   */
  round: DeploymentRound

  constructor(
    platform: Platform,
    jobGraph: JobGraph,
    configuration: Configuration,
    attemptLineage: string,
  ) {
    this.platform = platform
    this.jobGraph = jobGraph
    this.configuration = configuration
    this.attemptLineage = attemptLineage
    this.logger = platform.logger.with({ job: jobGraph.name, jobId: jobGraph.jobId })
    this.lifecycle = new JobLifecycle(platform.clock)
    this.failures = new FailureHistory(configuration.get(RestOptions.exceptionHistorySize))
    this.attemptHistory = new AttemptHistory(configuration.get(RestOptions.attemptHistory))
    const origin = {
      numbers: this.attemptNumbers,
      lineage: attemptLineage,
      nowMs: platform.clock.nowMs(),
    }
    this.round = new DeploymentRound(new ExecutionGraph(jobGraph, origin))
  }

  get jobId(): string {
    return this.jobGraph.jobId
  }

  /** False when the attempt is further already. */
  move(attempt: ExecutionAttempt, state: ExecutionState): boolean {
    const nowMs = this.platform.clock.nowMs()
    const moved = attempt.transition(state, nowMs)
    if (moved) this.lifecycle.touched(nowMs)
    return moved
  }

  /**
   * Current attempts in such slots; those that a TaskManager has something of, when no condition is
   * given.
   */
  attemptsIn(
    slotCondition: (slot: AllocatedSlot) => boolean,
    condition: (attempt: ExecutionAttempt) => boolean = ({ state }) => isDeployed(state),
  ): ExecutionAttempt[] {
    return [...this.round.graph.attempts()].filter(
      (attempt) => attempt.slot !== null && slotCondition(attempt.slot) && condition(attempt),
    )
  }

  /** Keeps the failure in the history. */
  note(
    error: MillraceError,
    attempt: ExecutionAttempt | null,
    kind: 'root' | 'concurrent',
    rank: FailureRank = failureRank(error),
  ): void {
    const taskManager = attempt?.slot?.taskManager
    const failure = {
      error: toErrorData(error),
      rank,
      timestampMs: this.platform.clock.nowMs(),
      taskName: attempt?.taskName ?? null,
      taskManagerId: taskManager?.id ?? null,
      endpoint: taskManager?.rpcAddress ?? null,
    }
    if (kind === 'root') this.failures.addRoot(failure)
    else this.failures.addConcurrent(failure)
  }

  /** What operators' coordinators start from. */
  restoredCoordinators(): Readonly<Record<string, unknown>> {
    const manifest = this.checkpoints?.completed.latest
    if (manifest === null || manifest === undefined) return {}
    const claims = claimsOf(manifest, operatorsOf(this.jobGraph))
    const states = Object.entries(manifest.coordinators)
    return Object.fromEntries(states.map(([id, state]) => [claims.get(id) ?? id, state]))
  }
}
