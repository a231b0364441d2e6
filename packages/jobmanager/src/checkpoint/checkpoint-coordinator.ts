/**
 * Takes a job's checkpoints and savepoints: triggers the sources and gathers acknowledgements.
 *
 * When one is due is `CheckpointSchedule`'s, those under way are `PendingCheckpoints`', what
 * becomes of one that all have acknowledged is `CheckpointCompletion`'s, what was completed is
 * `CompletedCheckpoints`', how many may fail `FailureTolerance`'s. Invariant: everything of one
 * that ended without being complete is ignored and removed. A savepoint of a running job is the
 * user's alone: it never counts, no task commits anything because of it, and its failure is
 * nobody's but its own.
 */
import type { MillraceError } from '@millrace/core'
import type { Clock, Filesystem, Logger } from '@millrace/platform'
import type { CheckpointManifest, CheckpointStorage } from '@millrace/state'
import { jobManagerError } from '../error-codes.ts'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import type { TerminalJobStatus } from '../execution-graph/execution-state.ts'
import { type JobRecord, VOLATILE_JOB_RECORD } from '../high-availability/job-record.ts'
import { CheckpointingOptions } from '../jobmanager-options.ts'
import { CheckpointCompletion } from './checkpoint-completion.ts'
import { CheckpointDemands } from './checkpoint-demands.ts'
import { CheckpointDisposal } from './checkpoint-disposal.ts'
import { declined, expired, notPossible, tooManyFailed } from './checkpoint-failures.ts'
import type { CheckpointHost } from './checkpoint-host.ts'
import { CheckpointSchedule } from './checkpoint-schedule.ts'
import type { CheckpointSettings } from './checkpoint-settings.ts'
import type { CheckpointStatistics } from './checkpoint-statistics.ts'
import { CheckpointWatchers } from './checkpoint-watchers.ts'
import { CompletedCheckpoints } from './completed-checkpoints.ts'
import { alignmentOf, decideOrder } from './decide-order.ts'
import { type CheckpointFailure, FailureTolerance } from './failure-tolerance.ts'
import { type AcknowledgedState, PendingCheckpoint } from './pending-checkpoint.ts'
import { PendingCheckpoints } from './pending-checkpoints.ts'
import type { PendingSavepoint } from './pending-savepoint.ts'
import { Savepoints } from './savepoints.ts'
import { SharedSegments } from './shared-segments.ts'

const NONE_AFTER_TASKS_FINISH = `a task is at the end of its input, and '${CheckpointingOptions.afterTasksFinish.key}' is false`

export class CheckpointCoordinator {
  readonly settings: CheckpointSettings
  readonly storage: CheckpointStorage
  readonly statistics: CheckpointStatistics
  readonly savepoints: Savepoints
  readonly watchers = new CheckpointWatchers()
  readonly #host: CheckpointHost
  readonly #record: JobRecord
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #pending: PendingCheckpoints
  readonly #completion: CheckpointCompletion
  readonly #segments: SharedSegments
  readonly #completed: CompletedCheckpoints
  readonly #demands = new CheckpointDemands()
  readonly #schedule: CheckpointSchedule
  readonly #tolerance: FailureTolerance
  #nextId: number
  /** All input is read, and no last checkpoint is taken. */
  #isOver = false

  constructor(
    platform: {
      readonly clock: Clock
      readonly logger: Logger
      readonly filesystem: Filesystem
    },
    settings: CheckpointSettings,
    storage: CheckpointStorage,
    statistics: CheckpointStatistics,
    host: CheckpointHost,
    record: JobRecord = VOLATILE_JOB_RECORD,
  ) {
    const { clock, logger } = platform
    this.#clock = clock
    this.#logger = logger
    this.settings = settings
    this.storage = storage
    const segments = new SharedSegments(storage, logger)
    const disposal = new CheckpointDisposal(storage, segments, platform)
    this.#segments = segments
    this.savepoints = new Savepoints(platform, {
      requirePossible: () => this.#requireTakingSavepoints(),
      wanted: () => this.#goOn(),
    })
    this.#completed = new CompletedCheckpoints(
      { storage, disposal, segments, settings, logger },
      record,
    )
    const demands = this.#demands
    const { savepoints, watchers } = this
    this.#pending = new PendingCheckpoints({
      ...{ clock, host, disposal, segments, statistics, demands, savepoints, watchers },
      schedule: () => this.#schedule,
      freed: () => this.#goOn(),
    })
    this.#schedule = new CheckpointSchedule(clock, settings, {
      due: () => void this.#takeCheckpoint(),
      pending: () => (this.#savepointGoesFirst() ? Number.POSITIVE_INFINITY : this.#pending.size),
      demanded: () => this.#demands.isWaiting,
    })
    this.#tolerance = new FailureTolerance(settings.tolerableFailures)
    this.statistics = statistics
    this.#host = host
    this.#record = record
    this.#nextId = record.firstCheckpointId
    this.#completion = new CheckpointCompletion({
      ...{ clock, logger, host, record, storage, segments, statistics, demands, watchers },
      pending: this.#pending,
      completed: this.#completed,
      schedule: this.#schedule,
      tolerance: this.#tolerance,
      notWritten: (checkpoint, error) => this.#fail(checkpoint, 'not-written', error),
      goOn: () => this.#goOn(),
    })
  }

  /** The complete ones: what the next round of tasks starts from, what is kept. */
  get completed(): CompletedCheckpoints {
    return this.#completed
  }

  /** The job starts from `manifest` (of another job, or an earlier life): ids go on after it. */
  restoreFrom(manifest: CheckpointManifest, externalPath: string): void {
    this.#nextId = Math.max(this.#nextId, manifest.checkpointId + 1)
    this.#completed.restoreFrom(manifest, externalPath)
  }

  /** While a checkpoint is being made to count: resolves when it does, or never will. */
  settling(): Promise<void> | null {
    return this.#completion.settling()
  }

  /** Another JobManager leads: forgets what is under way and touches nothing. */
  suspend(): void {
    this.#completion.suspend()
    this.#schedule.stop()
    const reason = 'another JobManager leads the job now'
    this.savepoints.giveUp(reason)
    this.#demands.giveUp(reason)
    this.#pending.forgetAll(reason)
  }

  /** All tasks run: checkpoints are taken from now on. */
  start(): void {
    this.#isOver = false
    this.#schedule.start(this.#completed.latest !== null)
  }

  /**
   * No further checkpoint; those under way are given up (this does not count as a failure of
   * theirs).
   */
  stop(reason: string): void {
    this.#schedule.stop()
    this.savepoints.giveUp(reason)
    this.#demands.giveUp(reason)
    this.#pending.giveUpAll(reason)
  }

  /**
   * Takes a checkpoint as soon as one may begin; resolves with its id once it counts. Rejects with
   * CHECKPOINT_NOT_POSSIBLE, CHECKPOINT_FAILED.
   */
  async takeNow(isFull: boolean): Promise<number> {
    const { running, isClosed } = this.#schedule
    if (!running || isClosed) {
      const why = isClosed ? NONE_AFTER_TASKS_FINISH : 'not all its tasks run'
      throw notPossible('checkpoint', this.#host.jobId, why)
    }
    const taken = this.#demands.add(isFull)
    this.#schedule.arm()
    return taken
  }

  /** Takes one as soon as none is under way and the pause between two allows it. */
  takeSoon(): void {
    this.#schedule.wantSoon()
  }

  /** It takes checkpoints by itself; else savepoints alone, and starts anew after a failure. */
  get isPeriodic(): boolean {
    return this.settings.intervalMs !== null
  }

  /** A task is at the end of its input. */
  taskFinishes(): void {
    if (!this.isPeriodic || this.settings.afterTasksFinish || this.#schedule.isClosed) return
    this.#schedule.close()
    this.savepoints.giveUp(NONE_AFTER_TASKS_FINISH)
    this.#demands.giveUp(NONE_AFTER_TASKS_FINISH)
  }

  /**
   * All input is read: takes the last checkpoint as soon as none is under way, or none where none
   * is taken any more.
   */
  requestFinal(): void {
    if (this.isPeriodic && this.settings.afterTasksFinish) this.#schedule.wantFinal()
    else {
      this.#isOver = true
      this.#goOn()
    }
  }

  /** No last checkpoint is taken. */
  #endWithout(): void {
    if (!this.#pending.isFree || !this.#schedule.running) return
    if (!this.isPeriodic) {
      this.#host.tasksMayFinish({ kind: 'end-of-input' })
      return
    }
    const checkpointId = this.completed.latest?.checkpointId ?? 0
    this.#logger.warn('What came behind the last checkpoint is not committed', {
      checkpoint: checkpointId,
      because: NONE_AFTER_TASKS_FINISH,
    })
    this.#host.tasksMayFinish({ kind: 'earlier-checkpoint', checkpointId })
  }

  acknowledge(
    attempt: ExecutionAttempt,
    checkpointId: number,
    acknowledged: AcknowledgedState,
  ): void {
    const checkpoint = this.#pending.get(checkpointId)
    if (checkpoint === undefined || checkpoint.phase !== 'pending') return
    checkpoint.acknowledge(attempt.id, {
      vertexId: attempt.vertexId,
      subtaskIndex: attempt.subtaskIndex,
      timestampMs: this.#clock.nowMs(),
      ...acknowledged,
    })
    void this.#completion.completeWhenFull(checkpoint)
  }

  decline(checkpointId: number, taskName: string, cause: unknown): void {
    const checkpoint = this.#pending.get(checkpointId)
    if (checkpoint === undefined) return
    this.#fail(checkpoint, 'declined', declined(checkpoint, taskName, cause))
  }

  /** A savepoint that will stop the job was asked for. */
  get isStopping(): boolean {
    return this.savepoints.stopWaits || this.#pending.holdsStop
  }

  #savepointGoesFirst(): boolean {
    return this.savepoints.isWaiting || this.#pending.holdsSavepoint
  }

  /** Something has ended, or is wanted: triggers what is due. */
  #goOn(): void {
    if (this.#isOver) {
      this.#endWithout()
      return
    }
    const savepoint = this.#pending.isFree ? this.savepoints.next() : undefined
    if (savepoint === undefined) {
      this.#schedule.arm()
      return
    }
    void this.#trigger(this.#pendingOf({ isFinal: false, savepoint }))
  }

  #requireTakingSavepoints(): void {
    const { running, finalWanted, isClosed } = this.#schedule
    const { isStopping } = this
    if (running && !finalWanted && !isStopping && !isClosed && !this.#isOver) return
    const atEnd = isClosed ? NONE_AFTER_TASKS_FINISH : 'all its input is read, and it is ending'
    const ends = isStopping ? 'it is being stopped' : atEnd
    const why = running ? ends : 'not all its tasks run'
    throw notPossible('savepoint', this.#host.jobId, why)
  }

  /** The job was stopped under a former leader; its tasks only have to end. */
  resumeStop(manifest: CheckpointManifest, path: string): void {
    this.#nextId = Math.max(this.#nextId, manifest.checkpointId + 1)
    this.#completed.stopAt(manifest, path)
    this.#host.stopped(path)
  }

  /** What a JobManager holds in its memory comes whole with each acknowledgement. */
  get #sharesState(): boolean {
    return this.settings.incremental && this.storage.directory !== null
  }

  /** The job has ended: applies the retention. */
  async jobEnded(state: TerminalJobStatus): Promise<void> {
    this.stop('the job ended')
    await Promise.all([this.#completed.jobEnded(state), this.savepoints.removeAgain()])
  }

  async #takeCheckpoint(): Promise<void> {
    const isFinal = this.#schedule.finalWanted
    const checkpoint = this.#pendingOf({ isFinal, savepoint: null })
    this.#schedule.triggered()
    this.#demands.triggered(checkpoint.id)
    await this.#trigger(checkpoint)
  }

  #pendingOf(purpose: {
    readonly isFinal: boolean
    readonly savepoint: PendingSavepoint | null
  }): PendingCheckpoint {
    const { savepoint } = purpose
    const graph = this.#host.graph()
    const isShared = savepoint === null && this.#sharesState
    const isWhole = !isShared || this.#demands.isFullWanted
    const base = isWhole ? null : this.#completed.baseFor(graph)
    const order = decideOrder({
      id: this.#nextId++,
      timestampMs: this.#clock.nowMs(),
      kind: savepoint?.kind ?? 'checkpoint',
      align: alignmentOf(this.settings, purpose),
      ...(isShared ? { incremental: { since: base?.checkpointId ?? null } } : {}),
      after: savepoint?.order.after ?? 'go-on',
    })
    this.#segments.underWay(order.id, base)
    const checkpoint = new PendingCheckpoint(order, graph, purpose)
    this.#pending.add(checkpoint)
    return checkpoint
  }

  async #trigger(checkpoint: PendingCheckpoint): Promise<void> {
    this.statistics.triggered(checkpoint)
    checkpoint.cancelTimeout = this.#clock.setTimer(
      this.settings.timeoutMs,
      () => this.#fail(checkpoint, 'expired', expired(checkpoint, this.settings.timeoutMs)),
      { unref: true },
    )
    this.#schedule.arm()
    try {
      await this.#record.reserve(checkpoint.id)
      this.#segments.reserved(checkpoint.id)
      const { savepoint } = checkpoint
      if (savepoint?.stopsJob === true) await this.#record.beginStop(savepoint.directory.path)
      if (checkpoint.phase !== 'pending') return
      const { states, release } = await this.#host.snapshotCoordinators(checkpoint.id)
      try {
        if (checkpoint.phase !== 'pending') return
        await this.#host.triggerSources(checkpoint.order)
        checkpoint.coordinators = states
      } finally {
        release()
      }
      void this.#completion.completeWhenFull(checkpoint)
    } catch (cause) {
      this.#fail(
        checkpoint,
        'not-started',
        jobManagerError('CHECKPOINT_TRIGGER_FAILED', `${checkpoint.title} could not be started.`, {
          cause,
        }),
      )
    }
  }

  /** Ends it as a failure; the job fails with it when it was one too many. */
  #fail(checkpoint: PendingCheckpoint, failure: CheckpointFailure, error: MillraceError): void {
    if (!this.#pending.end(checkpoint, error)) return
    this.#logger.warn(`${checkpoint.title} failed.`, { checkpoint: checkpoint.id, error })
    if (checkpoint.savepoint !== null) return
    if (failure === 'not-started') this.#schedule.notStarted()
    if (!this.#tolerance.failed(failure)) {
      this.#goOn()
      return
    }
    this.#host.failJob(tooManyFailed(checkpoint, this.#tolerance.tolerated, error))
  }
}
