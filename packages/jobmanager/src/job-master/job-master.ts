/**
 * JobMaster: one job, from its graph to its end, as the rest of the JobManager sees it.
 *
 * It makes the job's parts and joins them: `JobStart` opens its checkpoints, `Rounds` begins rounds
 * of deployment, `TaskDeployer` brings tasks into slots, `TaskReports` hears from TaskManagers,
 * `Failover` goes down and comes back, `JobEnd` is what it leaves. Every method is one synchronous
 * step over `JobState`; what waits (slots, calls, files) comes back as a later step.
 */
import type { CoordinatorRegistry } from '@millrace/connector'
import type { Configuration, ErrorData } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import type { Platform } from '@millrace/platform'
import type { Fence } from '@millrace/protocol'
import type { CheckpointCoordinator } from '../checkpoint/checkpoint-coordinator.ts'
import { checkpointSettingsOf } from '../checkpoint/checkpoint-settings.ts'
import { CheckpointStatistics } from '../checkpoint/checkpoint-statistics.ts'
import { openCheckpoints } from '../checkpoint/open-checkpoints.ts'
import { jobManagerError } from '../error-codes.ts'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import type { ExecutionGraph } from '../execution-graph/execution-graph.ts'
import type { JobStatus, TerminalJobStatus } from '../execution-graph/execution-state.ts'
import {
  type JobRecord,
  type JobResult,
  VOLATILE_JOB_RECORD,
} from '../high-availability/job-record.ts'
import { RestOptions } from '../jobmanager-options.ts'
import { type AdaptiveSettings, adaptiveSettingsOf } from '../scheduler/adaptive-settings.ts'
import type { DecideParallelism } from '../scheduler/decide-parallelism.ts'
import {
  type ResourceRequirements,
  submittedRequirements,
} from '../scheduler/resource-requirements.ts'
import type { SlotPool } from '../slot-pool/slot-pool.ts'
import { describeStatus } from './describe-status.ts'
import { EventDelivery } from './event-delivery.ts'
import { Failover } from './failover.ts'
import type { FailureHistory } from './failure-history.ts'
import { JobCoordinators } from './job-coordinators.ts'
import { JobEnd } from './job-end.ts'
import type { JobLifecycle } from './job-lifecycle.ts'
import { JobStart } from './job-start.ts'
import { JobState } from './job-state.ts'
import { JobStop } from './job-stop.ts'
import { RescaleHistory } from './rescale-history.ts'
import { Rescaler } from './rescaler.ts'
import { type RestartSettings, restartSettingsOf } from './restart-strategy.ts'
import { Rounds } from './rounds.ts'
import { takeCheckpoint } from './take-checkpoint.ts'
import { type SavepointRequest, takeSavepoint } from './take-savepoint.ts'
import { TaskCalls } from './task-calls.ts'
import { TaskDeployer } from './task-deployer.ts'
import { TaskReports } from './task-reports.ts'

export interface JobMasterOptions {
  readonly platform: Platform
  readonly jobGraph: JobGraph
  /** The job's over the cluster's. */
  readonly configuration: Configuration
  readonly fence: Fence
  readonly slotPool: SlotPool
  readonly coordinators: CoordinatorRegistry
  readonly decideParallelism: DecideParallelism
  /** Part of attempt ids: tells this leader's from another's. */
  readonly attemptLineage: string
  /** `cleaned` resolves when its checkpoints are as its retention wants them. */
  onEnded(job: JobMaster, cleaned: Promise<void>): void
}

export class JobMaster {
  readonly restartSettings: RestartSettings
  readonly statistics: CheckpointStatistics
  readonly rescales: RescaleHistory
  /** What TaskManagers say. */
  readonly reports: TaskReports
  readonly #options: JobMasterOptions
  readonly #job: JobState
  readonly #calls: TaskCalls
  readonly #coordinators: JobCoordinators
  readonly #deployer: TaskDeployer
  readonly #rounds: Rounds
  readonly #failover: Failover
  readonly #rescaler: Rescaler
  readonly #start: JobStart
  readonly #end: JobEnd
  readonly #stop: JobStop

  /** Throws the user's errors: unknown coordinators, options that do not fit. */
  constructor(options: JobMasterOptions) {
    const { platform, jobGraph, configuration, fence, slotPool } = options
    this.#options = options
    this.#job = new JobState(platform, jobGraph, configuration, options.attemptLineage)
    this.statistics = new CheckpointStatistics(configuration.get(RestOptions.checkpointHistory))
    const checkpointingEnabled = checkpointSettingsOf(configuration).intervalMs !== null
    this.restartSettings = restartSettingsOf(configuration, checkpointingEnabled)
    this.#calls = new TaskCalls(fence)
    this.#coordinators = this.#createCoordinators(checkpointingEnabled)
    this.#deployer = new TaskDeployer(this.#job, slotPool, this.#calls, {
      fail: (error) => this.#failover.fail(error),
      attemptsFailed: (attempts, error) => this.#failover.attemptsFailed(attempts, error),
    })
    this.#rounds = new Rounds(this.#job, options.decideParallelism, {
      deployer: this.#deployer,
      coordinators: this.#coordinators,
      slotPool,
      adaptive: adaptiveSettingsOf(configuration),
      fail: (error) => this.#failover.fail(error),
      begins: () => this.#rescaler.scheduled(),
    })
    const parts = {
      deployer: this.#deployer,
      coordinators: this.#coordinators,
      calls: this.#calls,
      rounds: this.#rounds,
    }
    this.#end = new JobEnd(this.#job)
    this.#failover = new Failover(this.#job, this.restartSettings, parts, {
      recordEnd: (state) => this.#end.record(state),
      ended: (state) => this.#ended(state),
    })
    this.#start = new JobStart(this.#job, {
      ...parts,
      failover: this.#failover,
      openCheckpoints: (record) => this.#openCheckpoints(record),
    })
    this.#stop = new JobStop(this.#job, this.#calls, this.#failover)
    this.rescales = new RescaleHistory(configuration.get(RestOptions.rescaleHistory))
    const rescaling = { ...parts, failover: this.#failover, history: this.rescales }
    this.#rescaler = new Rescaler(this.#job, slotPool, rescaling)
    const running = () => this.#rescaler.running()
    this.reports = new TaskReports(this.#job, { ...parts, failover: this.#failover, running })
  }

  #createCoordinators(checkpointingEnabled: boolean): JobCoordinators {
    const { platform, jobGraph, fence, coordinators } = this.#options
    const { jobId, name: jobName } = jobGraph
    const events = new EventDelivery(this.#job, fence, () => this.#failover)
    const host = {
      ...{ platform, jobId, jobName, checkpointingEnabled },
      deliver: events.deliver.bind(events),
      eventLost: events.lost.bind(events),
      failJob: (error: unknown) => this.#failover.fail(error),
    }
    return new JobCoordinators(host, jobGraph, coordinators)
  }

  #openCheckpoints(record: JobRecord): Promise<CheckpointCoordinator> {
    const job = this.#job
    return openCheckpoints({
      platform: job.platform,
      configuration: job.configuration,
      statistics: this.statistics,
      record,
      host: {
        jobId: job.jobId,
        graph: () => job.round.graph,
        leaderEpoch: this.#options.fence.leaderEpoch,
        snapshotCoordinators: (checkpointId) => this.#coordinators.snapshot(checkpointId),
        triggerSources: (order) => this.#calls.triggerCheckpoint(this.#sources(), order),
        notify: (checkpointId) => this.#complete(checkpointId),
        abort: (order) => this.#stop.aborted(order),
        stopped: (path) => {
          job.stoppedBy = path
        },
        failJob: (error) => this.#failover.fail(error),
        tasksMayFinish: (basis) => this.reports.finish(basis),
      },
    })
  }

  async #complete(checkpointId: number): Promise<void> {
    this.#coordinators.notifyCheckpointComplete(checkpointId)
    await this.#calls.notifyCheckpoint(this.graph.attempts(), checkpointId, 'complete')
  }

  *#sources(): Iterable<ExecutionAttempt> {
    const { graph } = this
    for (const { isSource, vertex } of graph.vertices.values()) {
      if (isSource) yield* graph.attempts([vertex.id])
    }
  }

  // ——— what is known of it ———

  get jobId(): string {
    return this.#job.jobId
  }

  /** As submitted. */
  get jobGraph(): JobGraph {
    return this.#job.jobGraph
  }

  /** Of the round that runs now: vertices and their parallelism, subtasks, attempts. */
  get graph(): ExecutionGraph {
    return this.#job.round.graph
  }

  /** Of a subtask in earlier rounds, oldest first. */
  earlierAttempts(vertexId: string, subtaskIndex: number): readonly ExecutionAttempt[] {
    return this.#job.attemptHistory.of(vertexId, subtaskIndex)
  }

  get lifecycle(): Readonly<JobLifecycle> {
    return this.#job.lifecycle
  }

  get state(): JobStatus {
    return this.#job.lifecycle.state
  }

  get hasEnded(): boolean {
    return this.#job.lifecycle.hasEnded
  }

  /** Between which bounds the parallelism of each vertex may be. */
  get requirements(): ResourceRequirements {
    return this.#rounds.requirements ?? submittedRequirements(this.#job.jobGraph)
  }

  /** How it adapts itself to the slots that there are; null: it does not. */
  get adaptive(): AdaptiveSettings | null {
    return this.#rounds.adaptive
  }

  get restarts(): number {
    return this.#job.lifecycle.restarts
  }

  get failureCause(): ErrorData | null {
    return this.#job.lifecycle.failureCause
  }

  get failures(): FailureHistory {
    return this.#job.failures
  }

  get configuration(): Configuration {
    return this.#job.configuration
  }

  /** Where checkpoints are kept; null: in memory, or there are none. */
  get checkpointDirectory(): string | null {
    return this.#job.checkpoints?.storage.directory ?? null
  }

  /**
   * Directories of the complete checkpoints that are kept; after the job's end those that its
   * retention keeps.
   */
  get retainedCheckpoints(): readonly string[] {
    return this.#end.keptCheckpoints ?? this.#job.checkpoints?.completed.paths() ?? []
  }

  /** Directory of the savepoint by which it is, or was, stopped for good; null: by none. */
  get stoppedBy(): string | null {
    return this.#job.stoppedBy
  }

  /** Why the job is where it is; null while it simply runs, and when it ended by itself. */
  statusReason(): string | null {
    return describeStatus({
      state: this.state,
      graph: this.graph,
      outside: this.#coordinators.waitsFor() ?? this.#rescaler.describeShortage(),
      slots: this.#rounds.describeWait() ?? this.#deployer.describeWait(),
      restartInMs: this.#failover.restartInMs(),
      rescale: this.#rescaler.describe(),
      lastFailure: this.failures.entries.at(-1)?.root.error ?? null,
      failureCause: this.failureCause,
      stoppedBy: this.stoppedBy,
    })
  }

  // ——— what is asked of it ———

  /**
   * Checks the checkpoint directory, reads the checkpoint to start from, and deploys every task. A
   * job that a former leader ran (`recovered`) does not fail because that cannot be done at once.
   */
  start(record: JobRecord = VOLATILE_JOB_RECORD, recovered = false): Promise<void> {
    this.#rescaler.start()
    return this.#start.start(record, recovered)
  }

  /** Resolves when no later leader will let the job go on. Throws JOB_ALREADY_ENDED. */
  cancel(): Promise<void> {
    if (this.#job.lifecycle.endsCancelled) return Promise.resolve()
    this.#failover.cancel()
    return this.#job.record.requestCancel()
  }

  /**
   * Resolves with the id of a checkpoint taken now, once it counts. Rejects with
   * CHECKPOINT_NOT_POSSIBLE, CHECKPOINT_FAILED.
   */
  takeCheckpoint(isFull: boolean): Promise<number> {
    return takeCheckpoint(this.#job, isFull)
  }

  /**
   * Resolves with the savepoint's directory. Rejects with SAVEPOINT_NOT_POSSIBLE,
   * SAVEPOINT_DIRECTORY_UNUSABLE, SAVEPOINT_FAILED; the job goes on either way.
   */
  savepoint(request: SavepointRequest): Promise<string> {
    return takeSavepoint(this.#job, request)
  }

  /**
   * Resolves when the requirements are durable; the job comes to them by itself. Rejects with
   * RESOURCE_REQUIREMENTS_INVALID, RESCALE_NOT_POSSIBLE, LEADERSHIP_LOST; nothing has changed then.
   */
  require(requirements: ResourceRequirements): Promise<void> {
    return this.#rescaler.require(requirements)
  }

  /** Asks an operator's coordinator. Throws COORDINATOR_NOT_FOUND. */
  clientRequest(vertexId: string, operatorId: string, request: unknown): Promise<unknown> {
    const coordinator = this.#coordinators.find(vertexId, operatorId)
    if (coordinator !== undefined) return coordinator.clientRequest(request)
    throw jobManagerError(
      'COORDINATOR_NOT_FOUND',
      `Job ${this.jobId} has no operator ${operatorId} with a coordinator in vertex ${vertexId}.`,
    )
  }

  // ——— the end ———

  #ended(state: TerminalJobStatus): void {
    this.#rescaler.stop()
    this.#coordinators.jobEnded(state)
    this.#deployer.releaseSlots(() => true, `the job is ${state}`)
    this.#options.onEnded(this, this.#end.cleanUp(state))
  }

  /** Shows how a job ended under a former leader; it was never started here. */
  showResult(result: JobResult): void {
    this.#end.show(result)
  }

  /**
   * Another JobManager leads, or may: everything stops here, and nothing durable and no task is
   * touched.
   */
  suspend(): void {
    if (!this.hasEnded) {
      this.#job.lifecycle.become('SUSPENDED')
      this.#job.checkpoints?.suspend()
      this.#failover.abandon()
      this.#rescaler.stop()
    }
    void this.close()
  }

  /**
   * The JobManager stops: nothing durable is touched, another one may start from the checkpoints.
   */
  async shutDown(): Promise<void> {
    if (!this.hasEnded) {
      this.#job.lifecycle.become('SUSPENDED')
      this.#job.checkpoints?.stop('the JobManager stops')
      this.#failover.abandon()
      this.#rescaler.stop()
      await this.#deployer.releaseAll('the JobManager stops')
    }
    await this.close()
  }

  /** Releases what an ended job still keeps for clients. */
  async close(): Promise<void> {
    await Promise.all([this.#coordinators.close(), this.#job.checkpoints?.completed.sweep()])
  }
}
