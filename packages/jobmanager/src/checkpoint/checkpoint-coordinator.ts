/**
 * Takes a job's checkpoints and savepoints: triggers the sources, gathers acknowledgements, writes
 * the manifest, makes it count, tells the tasks.
 *
 * Owner of those that are under way; when one is due is `CheckpointSchedule`'s, what was completed
 * is `CompletedCheckpoints`', how many may fail `FailureTolerance`'s. Invariant: a checkpoint
 * counts only once its manifest is durable and the job's record names it; only then are tasks told
 * and older ones dropped. Everything of one that ended otherwise is ignored and removed. A
 * savepoint of a running job is the user's alone: it never counts, no task commits anything because
 * of it, and its failure is nobody's but its own.
 */
import {
  fromErrorData,
  isMillraceError,
  type MillraceError,
  type SubtaskStateHandles,
  toErrorData,
} from '@millrace/core'
import type { Clock, Filesystem, Logger } from '@millrace/platform'
import type { CheckpointTaskMetrics } from '@millrace/protocol'
import type { CheckpointManifest, CheckpointStorage } from '@millrace/state'
import { jobManagerError } from '../error-codes.ts'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import type { TerminalJobStatus } from '../execution-graph/execution-state.ts'
import { type JobRecord, VOLATILE_JOB_RECORD } from '../high-availability/job-record.ts'
import { checkpointManifest } from './build-manifest.ts'
import { CheckpointDemands } from './checkpoint-demands.ts'
import { CheckpointDisposal } from './checkpoint-disposal.ts'
import {
  declined,
  expired,
  givenUp,
  notPossible,
  overtaken,
  tooManyFailed,
} from './checkpoint-failures.ts'
import type { CheckpointHost } from './checkpoint-host.ts'
import { CheckpointSchedule } from './checkpoint-schedule.ts'
import type { CheckpointSettings } from './checkpoint-settings.ts'
import type { CheckpointStatistics } from './checkpoint-statistics.ts'
import { CompletedCheckpoints } from './completed-checkpoints.ts'
import { decideOrder } from './decide-order.ts'
import { type CheckpointFailure, FailureTolerance } from './failure-tolerance.ts'
import { PendingCheckpoint } from './pending-checkpoint.ts'
import type { PendingSavepoint } from './pending-savepoint.ts'
import { Recording } from './recording.ts'
import { Savepoints } from './savepoints.ts'
import { SharedSegments } from './shared-segments.ts'

export class CheckpointCoordinator {
  readonly settings: CheckpointSettings
  readonly storage: CheckpointStorage
  readonly statistics: CheckpointStatistics
  readonly savepoints: Savepoints
  readonly #host: CheckpointHost
  readonly #record: JobRecord
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #pending = new Map<number, PendingCheckpoint>()
  readonly #disposal: CheckpointDisposal
  readonly #segments: SharedSegments
  readonly #completed: CompletedCheckpoints
  readonly #demands = new CheckpointDemands()
  readonly #schedule: CheckpointSchedule
  readonly #tolerance: FailureTolerance
  /**
   * One checkpoint at a time is made to count; while it is, nothing may start from an older one.
   */
  readonly #recording = new Recording()
  /** Savepoints whose abort is on its way to the tasks. */
  #aborting = 0
  #nextId: number
  #suspended = false

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
    this.#disposal = disposal
    this.savepoints = new Savepoints(platform, {
      requirePossible: () => this.#requireTakingSavepoints(),
      wanted: () => this.#goOn(),
    })
    const parts = { storage, disposal, segments, settings, logger }
    this.#completed = new CompletedCheckpoints(parts, record)
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
    return this.#recording.current
  }

  /** Another JobManager leads: forgets what is under way and touches nothing. */
  suspend(): void {
    this.#suspended = true
    this.#schedule.stop()
    const reason = 'another JobManager leads the job now'
    this.savepoints.giveUp(reason)
    this.#demands.giveUp(reason)
    for (const checkpoint of this.#pending.values()) {
      checkpoint.cancelTimeout()
      const error = givenUp(checkpoint, reason)
      checkpoint.savepoint?.failed(error)
      this.#demands.failed(checkpoint.id, error)
    }
    this.#pending.clear()
  }

  /** All tasks run: checkpoints are taken from now on. */
  start(): void {
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
    for (const checkpoint of [...this.#pending.values()]) {
      this.#end(checkpoint, givenUp(checkpoint, reason))
    }
  }

  /**
   * Takes a checkpoint as soon as one may begin; resolves with its id once it counts. Rejects with
   * CHECKPOINT_NOT_POSSIBLE, CHECKPOINT_FAILED.
   */
  async takeNow(isFull: boolean): Promise<number> {
    if (!this.#schedule.running) {
      throw notPossible('checkpoint', this.#host.jobId, 'not all its tasks run')
    }
    const taken = this.#demands.add(isFull)
    this.#schedule.arm()
    return taken
  }

  /** All input is read: takes the last checkpoint as soon as none is under way. */
  requestFinal(): void {
    this.#schedule.wantFinal()
  }

  acknowledge(
    attempt: ExecutionAttempt,
    checkpointId: number,
    state: SubtaskStateHandles,
    metrics: CheckpointTaskMetrics | null,
  ): void {
    const checkpoint = this.#pending.get(checkpointId)
    if (checkpoint === undefined || checkpoint.phase !== 'pending') return
    checkpoint.acknowledge(attempt.id, {
      vertexId: attempt.vertexId,
      subtaskIndex: attempt.subtaskIndex,
      timestampMs: this.#clock.nowMs(),
      state,
      metrics,
    })
    this.#completeWhenFull(checkpoint)
  }

  decline(checkpointId: number, taskName: string, cause: unknown): void {
    const checkpoint = this.#pending.get(checkpointId)
    if (checkpoint === undefined) return
    this.#fail(checkpoint, 'declined', declined(checkpoint, taskName, cause))
  }

  /** A savepoint that will stop the job was asked for. */
  #isStopping(): boolean {
    if (this.savepoints.stopWaits) return true
    return [...this.#pending.values()].some(({ savepoint }) => savepoint?.stopsJob === true)
  }

  #savepointGoesFirst(): boolean {
    if (this.savepoints.isWaiting || this.#aborting > 0) return true
    return [...this.#pending.values()].some(({ savepoint }) => savepoint !== null)
  }

  /** Something has ended, or is wanted: triggers what is due. */
  #goOn(): void {
    const isFree = this.#pending.size === 0 && this.#aborting === 0
    const savepoint = isFree ? this.savepoints.next() : undefined
    if (savepoint === undefined) {
      this.#schedule.arm()
      return
    }
    void this.#trigger(this.#pendingOf({ isFinal: false, savepoint }))
  }

  #requireTakingSavepoints(): void {
    const { running, finalWanted } = this.#schedule
    const isStopping = this.#isStopping()
    if (running && !finalWanted && !isStopping) return
    const ends = isStopping ? 'it is being stopped' : 'all its input is read, and it is ending'
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
      align: this.settings.mode,
      ...(isShared ? { incremental: { since: base?.checkpointId ?? null } } : {}),
      after: savepoint?.order.after ?? 'go-on',
    })
    this.#segments.underWay(order.id, base)
    const checkpoint = new PendingCheckpoint(order, graph, purpose)
    this.#pending.set(checkpoint.id, checkpoint)
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
      this.#completeWhenFull(checkpoint)
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

  #completeWhenFull(checkpoint: PendingCheckpoint): void {
    if (checkpoint.phase === 'pending' && checkpoint.isFullyAcknowledged) {
      void this.#complete(checkpoint)
    }
  }

  async #complete(checkpoint: PendingCheckpoint): Promise<void> {
    checkpoint.phase = 'completing'
    const manifest = checkpointManifest(checkpoint, this.#host.leaderEpoch)
    try {
      const written = await (checkpoint.savepoint?.directory ?? this.storage).complete(manifest)
      checkpoint.externalPath = written.externalPath
    } catch (error) {
      if (this.#pending.has(checkpoint.id)) {
        this.#fail(checkpoint, 'not-written', fromErrorData(toErrorData(error)))
      }
      // It may have been written all the same; nobody will refer to it. Somebody else's is not ours
      // to remove.
      const isOurs = !isMillraceError(error, 'CHECKPOINT_ALREADY_COMPLETE')
      if (isOurs && !this.#suspended) await this.#discard(checkpoint)
      return
    }
    await this.#recording.idle()
    if (this.#suspended) return
    if (!this.#pending.has(checkpoint.id)) {
      // Given up while it was written: the job already goes back to an older one.
      await this.#discard(checkpoint)
    } else if (checkpoint.savepoint === null) await this.#count(checkpoint, manifest)
    else if (checkpoint.savepoint.stopsJob) {
      await this.#stopJob(checkpoint, checkpoint.savepoint, manifest)
    } else this.#finishSavepoint(checkpoint, checkpoint.savepoint)
  }

  async #count(checkpoint: PendingCheckpoint, manifest: CheckpointManifest): Promise<void> {
    const advancing = () => this.#record.advance(this.#completed.keptWith(checkpoint.id))
    const counts = await this.#makeCount(checkpoint, advancing, () =>
      this.#finishCompleted(checkpoint, manifest),
    )
    if (!counts) return
    const notified = this.#host.notify(checkpoint.id, 'complete')
    this.#demands.completed(checkpoint.id)
    void this.#completed.discardOld()
    if (checkpoint.isFinal) {
      await notified
      const { finalWanted, running } = this.#schedule
      if (finalWanted && running) this.#host.finalCheckpointDone()
    } else this.#goOn()
  }

  /** From the moment that its record says so the job is stopped, whatever becomes of its tasks. */
  async #stopJob(
    checkpoint: PendingCheckpoint,
    savepoint: PendingSavepoint,
    manifest: CheckpointManifest,
  ): Promise<void> {
    const { path } = savepoint.directory
    const deciding = () => this.#record.decideStop(path)
    const counts = await this.#makeCount(checkpoint, deciding, () => {
      this.#schedule.stop()
      this.#completed.stopAt(manifest, path)
      this.#endCompleted(checkpoint)
      this.#host.stopped(path)
    })
    if (!counts) {
      savepoint.failed(
        jobManagerError('CHECKPOINT_DECLINED', 'Whether it counts is left to the next leader.'),
      )
      return
    }
    savepoint.completed()
    await this.#host.notify(checkpoint.id, 'complete')
    this.#host.finalCheckpointDone()
  }

  /** Until its tasks know, nothing else is taken: they may stand still, or have been drained. */
  async #abort({ order, savepoint }: PendingCheckpoint): Promise<void> {
    if (savepoint === null) return this.#host.abort(order)
    this.#aborting++
    await this.#host.abort(order)
    this.#aborting--
    this.#goOn()
  }

  #discard({ id, savepoint }: PendingCheckpoint): Promise<void> {
    if (savepoint === null) return this.#disposal.discard(id)
    return this.savepoints.remove(savepoint.directory)
  }

  /**
   * From here on only the record decides whether the checkpoint counts, not what becomes of the
   * tasks. False: the next leader knows.
   */
  async #makeCount(
    checkpoint: PendingCheckpoint,
    write: () => Promise<void> | null,
    done: () => void,
  ): Promise<boolean> {
    checkpoint.phase = 'recording'
    checkpoint.cancelTimeout()
    try {
      await this.#recording.perform(write(), () => {
        if (!this.#suspended) done()
      })
      return !this.#suspended
    } catch (error) {
      // Here nothing may be touched.
      this.#logger.warn('Whether a checkpoint is complete is left to the next leader', {
        checkpoint: checkpoint.id,
        error,
      })
      this.#pending.delete(checkpoint.id)
      this.#demands.failed(checkpoint.id, givenUp(checkpoint, 'this JobManager leads no more'))
      return false
    }
  }

  #endCompleted(checkpoint: PendingCheckpoint): void {
    checkpoint.cancelTimeout()
    checkpoint.phase = 'completed'
    checkpoint.endMs = this.#clock.nowMs()
    this.#pending.delete(checkpoint.id)
    this.#schedule.ended()
    this.statistics.completed(checkpoint)
    this.#logger.info(`${checkpoint.title.replace(/ .*/, '')} complete`, {
      checkpoint: checkpoint.id,
      durationMs: checkpoint.endMs - checkpoint.timestampMs,
      ...(checkpoint.savepoint === null ? {} : { path: checkpoint.externalPath }),
    })
  }

  /** What was pre-committed for it is committed with the next checkpoint that completes. */
  #finishSavepoint(checkpoint: PendingCheckpoint, savepoint: PendingSavepoint): void {
    this.#endCompleted(checkpoint)
    savepoint.completed()
    this.#goOn()
  }

  #finishCompleted(checkpoint: PendingCheckpoint, manifest: CheckpointManifest): void {
    this.#tolerance.completed()
    this.#completed.add(checkpoint, manifest)
    void this.#segments.ended(checkpoint.id)
    this.#endCompleted(checkpoint)
    for (const older of [...this.#pending.values()]) {
      // Nobody takes a savepoint's place.
      if (older.id > checkpoint.id || older.savepoint !== null) continue
      this.#end(older, overtaken(older, checkpoint))
    }
  }

  /** Ends it as a failure; the job fails with it when it was one too many. */
  #fail(checkpoint: PendingCheckpoint, failure: CheckpointFailure, error: MillraceError): void {
    if (!this.#end(checkpoint, error)) return
    this.#logger.warn(`${checkpoint.title} failed.`, { checkpoint: checkpoint.id, error })
    if (checkpoint.savepoint !== null) return
    if (failure === 'not-started') this.#schedule.notStarted()
    if (!this.#tolerance.failed(failure)) {
      this.#goOn()
      return
    }
    this.#host.failJob(tooManyFailed(checkpoint, this.#tolerance.tolerated, error))
  }

  #end(checkpoint: PendingCheckpoint, error: MillraceError): boolean {
    if (checkpoint.phase === 'recording' || !this.#pending.delete(checkpoint.id)) return false
    const wasCompleting = checkpoint.phase === 'completing'
    checkpoint.cancelTimeout()
    checkpoint.phase = 'failed'
    void this.#segments.ended(checkpoint.id)
    checkpoint.error = error
    checkpoint.endMs = this.#clock.nowMs()
    this.#schedule.ended()
    this.statistics.failed(checkpoint)
    void this.#abort(checkpoint)
    if (!wasCompleting) void this.#discard(checkpoint)
    checkpoint.savepoint?.failed(error)
    this.#demands.failed(checkpoint.id, error)
    return true
  }
}
