/**
 * JobMaster: runs one job, from its graph to its end.
 *
 * Every method is one synchronous step over the job's state; what waits (slots, calls, files) comes back as a later
 * step. Deploying is
 * `TaskDeployer`'s, going down and coming back `Failover`'s, checkpoints `CheckpointCoordinator`'s; this class joins
 * them and takes
 * the TaskManagers' reports.
 */
import type { CoordinatorRegistry } from '@millrace/connector'
import {
  type Configuration,
  type ErrorData,
  fromErrorData,
  isMillraceError,
  type MillraceError,
  toErrorData,
} from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import type { Platform } from '@millrace/platform'
import {
  type CheckpointTaskMetrics,
  type Fence,
  protocolError,
  type TaskState,
} from '@millrace/protocol'
import { keepsCheckpointsAfter, type SubtaskStateHandles } from '@millrace/state'
import type { CheckpointCoordinator } from '../checkpoint/checkpoint-coordinator.ts'
import { checkpointSettingsOf } from '../checkpoint/checkpoint-settings.ts'
import { CheckpointStatistics } from '../checkpoint/checkpoint-statistics.ts'
import { openCheckpoints } from '../checkpoint/open-checkpoints.ts'
import { jobManagerError } from '../error-codes.ts'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import type { ExecutionGraph } from '../execution-graph/execution-graph.ts'
import { isDeployed, type TerminalJobStatus } from '../execution-graph/execution-state.ts'
import {
  type JobRecord,
  type JobResult,
  VOLATILE_JOB_RECORD,
} from '../high-availability/job-record.ts'
import { cleanUpEnded, keptAfterEnd } from '../high-availability/shared-checkpoints.ts'
import { RestOptions } from '../jobmanager-options.ts'
import type { SlotPool } from '../slot-pool/slot-pool.ts'
import type { RegisteredTaskManager } from '../taskmanager-registry/registered-task-manager.ts'
import { describeStatus } from './describe-status.ts'
import { Failover } from './failover.ts'
import type { FailureHistory } from './failure-history.ts'
import { JobCoordinators } from './job-coordinators.ts'
import { JobState } from './job-state.ts'
import { type RestartSettings, restartSettingsOf } from './restart-strategy.ts'
import { TaskCalls } from './task-calls.ts'
import { TaskDeployer } from './task-deployer.ts'

/** No later try reads these checkpoints. */
const LOST_FOR_EVER = new Set(['CHECKPOINT_METADATA_CORRUPTED', 'CHECKPOINT_VERSION_UNSUPPORTED'])
/** A disk may stumble for so long before a new job is given up; one that ran before is tried for ever. */
const FIRST_START_MS_MAX = 60_000
const RECOVERY_PAUSE_MS_MIN = 100
const RECOVERY_PAUSE_MS_MAX = 10_000
/** For the report of a task that its TaskManager no longer has. */
const REPORT_MS = 2000

export interface JobMasterOptions {
  readonly platform: Platform
  readonly jobGraph: JobGraph
  /** The job's over the cluster's. */
  readonly configuration: Configuration
  readonly fence: Fence
  readonly slotPool: SlotPool
  readonly coordinators: CoordinatorRegistry
  /** Part of attempt ids: tells this leader's from another's. */
  readonly attemptLineage: string
  /** `cleaned` resolves when its checkpoints are as its retention wants them. */
  onEnded(job: JobMaster, cleaned: Promise<void>): void
}

export class JobMaster {
  readonly restartSettings: RestartSettings
  readonly statistics: CheckpointStatistics
  readonly #options: JobMasterOptions
  readonly #job: JobState
  readonly #calls: TaskCalls
  readonly #coordinators: JobCoordinators
  readonly #deployer: TaskDeployer
  readonly #failover: Failover
  #keptCheckpoints: readonly string[] | null = null

  /** Throws the user's errors: unknown coordinators, options that do not fit. */
  constructor(options: JobMasterOptions) {
    const { platform, jobGraph, configuration, fence, slotPool } = options
    this.#options = options
    this.#job = new JobState(platform, jobGraph, configuration, options.attemptLineage)
    this.statistics = new CheckpointStatistics(configuration.get(RestOptions.checkpointHistory))
    const checkpointingEnabled = checkpointSettingsOf(configuration) !== null
    this.restartSettings = restartSettingsOf(configuration, checkpointingEnabled)
    this.#calls = new TaskCalls(fence)
    this.#coordinators = new JobCoordinators(
      {
        platform,
        jobId: jobGraph.jobId,
        jobName: jobGraph.name,
        checkpointingEnabled,
        deliver: (vertexId, subtaskIndex, operatorId, event) =>
          this.#deliverEvent(vertexId, subtaskIndex, operatorId, event),
        eventLost: (vertexId, subtaskIndex, error) =>
          this.#eventLost(vertexId, subtaskIndex, error),
        failJob: (error) => this.#failover.fail(error),
      },
      jobGraph,
      options.coordinators,
    )
    this.#deployer = new TaskDeployer(this.#job, slotPool, this.#calls, {
      fail: (error) => this.#failover.fail(error),
      attemptsFailed: (attempts, error) => this.#failover.attemptsFailed(attempts, error),
    })
    this.#failover = new Failover(
      this.#job,
      this.restartSettings,
      { deployer: this.#deployer, coordinators: this.#coordinators, calls: this.#calls },
      {
        recordEnd: (state) => this.#job.record.end(this.#result(state)),
        ended: (state) => this.#ended(state),
      },
    )
  }

  get jobId(): string {
    return this.#job.jobId
  }

  get graph(): ExecutionGraph {
    return this.#job.graph
  }

  get configuration(): Configuration {
    return this.#job.configuration
  }

  get hasEnded(): boolean {
    return this.#job.hasEnded
  }

  get failures(): FailureHistory {
    return this.#job.failures
  }

  get failureCause(): ErrorData | null {
    return this.#job.failureCause
  }

  get restarts(): number {
    return this.#job.restarts
  }

  /** Where checkpoints are kept; null: in memory, or there are none. */
  get checkpointDirectory(): string | null {
    return this.#job.checkpoints?.storage.directory ?? null
  }

  /** Directories of the complete checkpoints that are kept; after the job's end those that its retention keeps. */
  get retainedCheckpoints(): readonly string[] {
    return this.#keptCheckpoints ?? this.#job.checkpoints?.retainedPaths() ?? []
  }

  /**
   * Checks the checkpoint directory, reads the checkpoint to start from, and schedules every task. A job that a
   * former leader ran (`recovered`) does not fail because that cannot be done at once.
   */
  async start(record: JobRecord = VOLATILE_JOB_RECORD, recovered = false): Promise<void> {
    const job = this.#job
    job.record = record
    if (record.isCancelled) {
      this.#failover.cancel()
      return
    }
    // It may be cancelled, or another JobManager may lead, meanwhile.
    const isStarting = () => job.graph.state === 'INITIALIZING'
    const startedMs = job.platform.clock.monotonicMs()
    for (let attempt = 0; job.checkpoints === null; attempt++) {
      try {
        const checkpoints = await this.#openCheckpoints(record)
        if (!isStarting()) return
        job.checkpoints = checkpoints
        break
      } catch (error) {
        if (!isStarting()) return
        const { code, retry } = toErrorData(error)
        const waitedMs = job.platform.clock.monotonicMs() - startedMs
        const isLost = recovered
          ? LOST_FOR_EVER.has(code)
          : retry === 'never' || waitedMs > FIRST_START_MS_MAX
        if (isLost) {
          this.#failover.fail(error)
          return
        }
        if (attempt === 0) job.note(fromErrorData(toErrorData(error)), null, 'root')
        job.logger.warn('A job cannot be started yet', { error })
        await this.#pause(Math.min(RECOVERY_PAUSE_MS_MAX, RECOVERY_PAUSE_MS_MIN * 2 ** attempt))
        if (!isStarting()) return
      }
    }
    job.setState('CREATED')
    this.#coordinators.start(job.restoredCoordinators())
    this.#deployer.deploy(new Set(job.graph.vertices.keys()))
  }

  #openCheckpoints(record: JobRecord): Promise<CheckpointCoordinator | null> {
    const job = this.#job
    return openCheckpoints({
      platform: job.platform,
      configuration: job.configuration,
      statistics: this.statistics,
      record,
      host: {
        graph: job.graph,
        leaderEpoch: this.#options.fence.leaderEpoch,
        snapshotCoordinators: (checkpointId) => this.#coordinators.snapshot(checkpointId),
        triggerSources: (checkpointId, timestampMs, aligned) =>
          this.#calls.triggerCheckpoint(this.#sources(), checkpointId, timestampMs, aligned),
        notify: (checkpointId, outcome) => this.#notify(checkpointId, outcome),
        failJob: (error) => this.#failover.fail(error),
        finalCheckpointDone: () => this.#finish(),
      },
    })
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#job.platform.clock.setTimer(ms, resolve, { unref: true })
    })
  }

  // ——— reports from TaskManagers ———

  /** The current attempt of that id. Throws STALE_ATTEMPT. */
  #attempt(attemptId: string): ExecutionAttempt {
    const attempt = this.#job.graph.attempt(attemptId)
    if (attempt !== undefined) return attempt
    throw protocolError('STALE_ATTEMPT', `Attempt ${attemptId} is not the current one any more.`)
  }

  updateTaskState(attemptId: string, state: TaskState, ended: boolean, error?: ErrorData): void {
    const attempt = this.#attempt(attemptId)
    if (state === 'FAILED') {
      const cause =
        error === undefined
          ? jobManagerError('SLOT_LOST', `${this.#job.taskName(attempt)} failed without a cause.`)
          : fromErrorData(error)
      this.#failover.attemptsFailed([attempt], cause)
      return
    }
    if (state === 'CANCELED' && isDeployed(attempt.state) && attempt.state !== 'CANCELING') {
      // Nobody here asked for that: its slot was given up, and the job would wait for it for ever.
      const message = `${this.#job.taskName(attempt)} was cancelled by its TaskManager.`
      this.#failover.attemptsFailed([attempt], jobManagerError('SLOT_LOST', message))
      return
    }
    const moved = this.#job.move(attempt, state)
    if (moved && state === 'RUNNING') this.#taskRuns(attempt)
    if (ended && !attempt.ended && attempt.state === 'RUNNING') {
      attempt.ended = true
      this.#checkAllEnded()
    }
    if (moved && attempt.isTerminal) this.#failover.taskEnded()
  }

  #taskRuns(attempt: ExecutionAttempt): void {
    const { graph, logger, checkpoints } = this.#job
    this.#coordinators.subtaskReady(attempt.vertexId, attempt.subtaskIndex)
    if (graph.state !== 'CREATED' && graph.state !== 'RESTARTING') return
    if (!graph.every(({ state }) => state === 'RUNNING')) return
    this.#job.setState('RUNNING')
    logger.info('Job runs', { tasks: [...graph.attempts()].length })
    checkpoints?.start()
    this.#checkAllEnded()
  }

  #checkAllEnded(): void {
    const { graph, checkpoints, finishing } = this.#job
    if (graph.state !== 'RUNNING' || finishing || !graph.every(({ ended }) => ended)) return
    if (checkpoints === null) this.#finish()
    else checkpoints.requestFinal()
  }

  /** All input is processed and, with checkpoints, durable: operators finish and close. */
  #finish(): void {
    const job = this.#job
    if (job.graph.state !== 'RUNNING' || job.finishing) return
    job.finishing = true
    job.checkpoints?.stop('all input is processed')
    const attempts = [...job.graph.attempts()]
    this.#calls.finish(attempts).catch((error) => {
      // A lost TaskManager is noticed as such; anything else needs new attempts.
      const same = attempts.every(({ id }) => job.graph.attempt(id) !== undefined)
      if (same && job.finishing && job.graph.state === 'RUNNING') this.#failover.fail(error)
    })
  }

  operatorEvent(attemptId: string, operatorId: string, event: unknown): Promise<unknown> {
    const attempt = this.#attempt(attemptId)
    const coordinator = this.#coordinators.find(attempt.vertexId, operatorId)
    if (coordinator !== undefined) return coordinator.handleEvent(attempt.subtaskIndex, event)
    throw jobManagerError(
      'COORDINATOR_NOT_FOUND',
      `Operator ${operatorId} of ${this.#job.taskName(attempt)} has no coordinator.`,
    )
  }

  acknowledgeCheckpoint(
    attemptId: string,
    checkpointId: number,
    state: unknown,
    metrics?: CheckpointTaskMetrics,
  ): void {
    const attempt = this.#attempt(attemptId)
    const handles = (state ?? {}) as SubtaskStateHandles
    this.#job.checkpoints?.acknowledge(attempt, checkpointId, handles, metrics ?? null)
  }

  declineCheckpoint(attemptId: string, checkpointId: number, error?: ErrorData): void {
    const taskName = this.#job.taskName(this.#attempt(attemptId))
    const cause = error === undefined ? undefined : fromErrorData(error)
    this.#job.checkpoints?.decline(checkpointId, taskName, cause)
  }

  taskManagerLost(taskManager: RegisteredTaskManager, error: MillraceError): void {
    const hit = this.#job.attemptsIn((slot) => slot.taskManager === taskManager)
    this.#deployer.slotsGone((slot) => slot.taskManager === taskManager)
    if (hit.length > 0) this.#failover.attemptsFailed(hit, error)
  }

  slotLost(allocationId: string): void {
    const hit = this.#job.attemptsIn((slot) => slot.allocationId === allocationId)
    const [slot] = this.#deployer.slotsGone((held) => held.allocationId === allocationId)
    if (slot === undefined || hit.length === 0) return
    const error = jobManagerError(
      'SLOT_LOST',
      `TaskManager '${slot.taskManager.id}' no longer has slot ${slot.slotIndex} for the job.`,
      { location: { taskManager: slot.taskManager.id } },
    )
    this.#failover.attemptsFailed(hit, error)
  }

  // ——— requests of clients ———

  /** Begins the cancellation; resolves when no later leader will let the job go on. Throws JOB_ALREADY_ENDED. */
  cancel(): Promise<void> {
    this.#failover.cancel()
    return this.#job.record.requestCancel()
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

  /** Why the job is where it is; null while it simply runs. */
  statusReason(): string | null {
    return describeStatus({
      graph: this.#job.graph,
      slots: this.#deployer.describeWait(),
      restartInMs: this.#failover.restartInMs(),
      lastFailure: this.#job.failures.entries.at(-1)?.root.error ?? null,
      failureCause: this.#job.failureCause,
    })
  }

  // ——— the end ———

  #ended(state: TerminalJobStatus): void {
    this.#coordinators.jobEnded(state)
    this.#deployer.releaseSlots(() => true, `the job is ${state}`)
    this.#options.onEnded(this, this.#cleanUp(state))
  }

  async #cleanUp(state: TerminalJobStatus): Promise<void> {
    const { checkpoints, record, configuration, platform } = this.#job
    if (checkpoints !== null) await checkpoints.jobEnded(state)
    else if (record.isDurable) {
      await cleanUpEnded(configuration, this.jobId, platform, state, record.retained)
    }
  }

  #result(state: TerminalJobStatus): JobResult {
    const { graph, platform, failureCause, checkpoints, record, configuration } = this.#job
    if (checkpoints === null) {
      const { retained } = record
      this.#keptCheckpoints = keptAfterEnd(
        configuration,
        this.jobId,
        platform.filesystem,
        state,
        retained,
      )
    } else {
      const keeps = keepsCheckpointsAfter(state, checkpoints.settings.retention)
      this.#keptCheckpoints = keeps ? checkpoints.retainedPaths() : []
    }
    return {
      checkpoints: this.#keptCheckpoints,
      name: graph.jobGraph.name,
      jobType: graph.jobGraph.jobType,
      state,
      startMs: graph.timestampsMs.get('INITIALIZING') ?? -1,
      endMs: platform.clock.nowMs(),
      failureCause,
    }
  }

  /** Shows how a job ended under a former leader; it was never started here. */
  showResult({ state, startMs, endMs, failureCause, checkpoints }: JobResult): void {
    this.#keptCheckpoints = checkpoints
    const { graph } = this.#job
    graph.setState('INITIALIZING', startMs)
    graph.setState(state, endMs)
    this.#job.failureCause = failureCause
  }

  /** Another JobManager leads, or may: everything stops here, and nothing durable and no task is touched. */
  suspend(): void {
    if (!this.#job.hasEnded) {
      this.#job.setState('SUSPENDED')
      this.#job.checkpoints?.suspend()
      this.#failover.abandon()
    }
    void this.close()
  }

  /** The JobManager stops: nothing durable is touched, another one may start from the checkpoints. */
  async shutDown(): Promise<void> {
    if (!this.#job.hasEnded) {
      this.#job.setState('SUSPENDED')
      this.#job.checkpoints?.stop('the JobManager stops')
      this.#failover.abandon()
      await this.#deployer.releaseAll('the JobManager stops')
    }
    await this.close()
  }

  /** Releases what an ended job still keeps for clients. */
  async close(): Promise<void> {
    await Promise.all([this.#coordinators.close(), this.#job.checkpoints?.sweep()])
  }

  // ——— calls to tasks ———

  async #deliverEvent(
    vertexId: string,
    subtaskIndex: number,
    operatorId: string,
    event: unknown,
  ): Promise<void> {
    const attempt = this.#job.graph.vertices.get(vertexId)?.subtasks[subtaskIndex]?.current
    if (attempt?.slot == null || attempt.state !== 'RUNNING') return
    await attempt.slot.taskManager.gateway.operatorEvent({
      fence: this.#options.fence,
      attemptId: attempt.id,
      operatorId,
      event,
    })
  }

  #eventLost(vertexId: string, subtaskIndex: number, cause: unknown): void {
    const attempt = this.#job.graph.vertices.get(vertexId)?.subtasks[subtaskIndex]?.current
    if (attempt === undefined) return
    const fail = () => this.#failUnreached(attempt, cause)
    // A task that has ended says why, if a little later: the first failure is the one that people get to see.
    if (isMillraceError(cause, 'STALE_ATTEMPT')) {
      this.#job.platform.clock.setTimer(REPORT_MS, fail, { unref: true })
    } else fail()
  }

  #failUnreached(attempt: ExecutionAttempt, cause: unknown): void {
    const isCurrent = this.#job.graph.attempt(attempt.id) === attempt
    if (!isCurrent || attempt.slot === null || attempt.state !== 'RUNNING') return
    const message = `An event for ${this.#job.taskName(attempt)} could not be delivered.`
    const error = jobManagerError('OPERATOR_EVENT_LOST', message, { cause })
    this.#failover.attemptsFailed([attempt], error)
  }

  async #notify(checkpointId: number, outcome: 'complete' | 'aborted'): Promise<void> {
    if (outcome === 'complete') this.#coordinators.notifyCheckpointComplete(checkpointId)
    await this.#calls.notifyCheckpoint(this.#job.graph.attempts(), checkpointId, outcome)
  }

  *#sources(): Iterable<ExecutionAttempt> {
    for (const vertex of this.#job.graph.vertices.values()) {
      if (vertex.isSource) yield* this.#job.graph.attempts([vertex.vertex.id])
    }
  }
}
