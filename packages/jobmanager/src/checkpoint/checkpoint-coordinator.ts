/**
 * Takes a job's checkpoints: triggers the sources, gathers acknowledgements, writes the manifest, tells the tasks,
 * drops old ones.
 *
 * Invariant: a checkpoint counts only once its manifest is durable and the job's record names it; only then are tasks
 * told and older ones dropped. Everything of one that ended otherwise is ignored and removed.
 */
import { fromErrorData, isMillraceError, type MillraceError, toErrorData } from '@millrace/core'
import type { Clock, Logger } from '@millrace/platform'
import type { CheckpointTaskMetrics } from '@millrace/protocol'
import type { CheckpointManifest, CheckpointStorage, SubtaskStateHandles } from '@millrace/state'
import { checkpointPath, decideDiscard, keepsCheckpointsAfter } from '@millrace/state'
import { jobManagerError } from '../error-codes.ts'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import type { ExecutionGraph } from '../execution-graph/execution-graph.ts'
import type { TerminalJobStatus } from '../execution-graph/execution-state.ts'
import { type JobRecord, VOLATILE_JOB_RECORD } from '../high-availability/job-record.ts'
import { checkpointManifest } from './build-manifest.ts'
import { CheckpointDisposal } from './checkpoint-disposal.ts'
import type { CheckpointSettings } from './checkpoint-settings.ts'
import type { CheckpointStatistics } from './checkpoint-statistics.ts'
import { decideFirstTrigger, decideTrigger } from './decide-trigger.ts'
import { PendingCheckpoint } from './pending-checkpoint.ts'

/** What the coordinator needs of the job. */
export interface CheckpointHost {
  readonly graph: ExecutionGraph
  readonly leaderEpoch: number
  /**
   * Takes the operator coordinators' states; later events are held back until `release`. Earlier ones have
   * been delivered.
   */
  snapshotCoordinators(checkpointId: number): Promise<{
    readonly states: Readonly<Record<string, unknown>>
    release(): void
  }>
  triggerSources(checkpointId: number, timestampMs: number, aligned: boolean): Promise<void>
  /** To tasks and, when complete, operator coordinators. */
  notify(checkpointId: number, outcome: 'complete' | 'aborted'): Promise<void>
  /** Too many checkpoints failed. */
  failJob(error: MillraceError): void
  /** The checkpoint after the end of all input is complete and its sinks were told. */
  finalCheckpointDone(): void
}

export class CheckpointCoordinator {
  readonly settings: CheckpointSettings
  readonly storage: CheckpointStorage
  readonly statistics: CheckpointStatistics
  readonly #host: CheckpointHost
  readonly #record: JobRecord
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #pending = new Map<number, PendingCheckpoint>()
  /** Complete ones that are kept, oldest first; null: a former leader's. */
  readonly #retained: { readonly id: number; readonly checkpoint: PendingCheckpoint | null }[] = []
  /** One checkpoint at a time is made to count; while it is, nothing may start from an older one. */
  #recording: Promise<void> | null = null
  /** The manifest that a restart begins from. */
  latest: CheckpointManifest | null = null
  latestPath = ''
  /** Of a checkpoint in the job's own directory that it was told to start from. */
  #restoredId: number | null = null
  #nextId: number
  readonly #disposal: CheckpointDisposal
  #running = false
  #suspended = false
  /** Whether its complete checkpoints outlive the job; null before its end. */
  #keepsAfterEnd: boolean | null = null
  #finalWanted = false
  #firstDueMs = 0
  #lastTriggerMs: number | null = null
  #lastEndMs: number | null = null
  #failuresInRow = 0
  #cancelTimer: () => void = () => {}

  constructor(
    platform: { readonly clock: Clock; readonly logger: Logger },
    settings: CheckpointSettings,
    storage: CheckpointStorage,
    statistics: CheckpointStatistics,
    host: CheckpointHost,
    record: JobRecord = VOLATILE_JOB_RECORD,
  ) {
    this.#clock = platform.clock
    this.#logger = platform.logger
    this.settings = settings
    this.storage = storage
    this.#disposal = new CheckpointDisposal(storage, platform)
    this.statistics = statistics
    this.#host = host
    this.#record = record
    this.#nextId = record.firstCheckpointId
    for (const id of record.retained) this.#retained.push({ id, checkpoint: null })
  }

  /** The job starts from `manifest` (of another job, or an earlier life): ids go on after it. */
  restoreFrom(manifest: CheckpointManifest, externalPath: string): void {
    this.latest = manifest
    this.latestPath = externalPath
    this.#nextId = Math.max(this.#nextId, manifest.checkpointId + 1)
    const { directory } = this.storage
    if (directory !== null && externalPath.startsWith(`${directory}/`)) {
      this.#restoredId = manifest.checkpointId
    }
  }

  /** Removes what former leaders left that never counted; they cannot make it count any more. */
  async removeLeftovers(): Promise<void> {
    try {
      await this.storage.removeOthers(this.#kept(), this.#record.firstCheckpointId)
    } catch (error) {
      this.#logger.warn('What former leaders left could not be removed', { error })
    }
  }

  #kept(): Set<number> {
    const kept = new Set(this.#retained.map(({ id }) => id))
    return this.#restoredId === null ? kept : kept.add(this.#restoredId)
  }

  /** Directories of the complete checkpoints that are kept, oldest first. */
  retainedPaths(): string[] {
    const { directory } = this.storage
    if (directory === null) return []
    const going = new Set(this.#toDiscard(null))
    const ids = this.#retained.map(({ id }) => id).filter((id) => !going.has(id))
    return ids.map((id) => checkpointPath(directory, id))
  }

  /** While a checkpoint is being made to count: resolves when it does, or never will. */
  settling(): Promise<void> | null {
    return this.#recording
  }

  /** Another JobManager leads: forgets what is under way and touches nothing. */
  suspend(): void {
    this.#suspended = true
    this.#running = false
    this.#finalWanted = false
    this.#cancelTimer()
    for (const checkpoint of this.#pending.values()) checkpoint.cancelTimeout()
    this.#pending.clear()
  }

  /** All tasks run: checkpoints are taken from now on. */
  start(): void {
    this.#running = true
    this.#firstDueMs = decideFirstTrigger({
      nowMs: this.#clock.monotonicMs(),
      intervalMs: this.settings.intervalMs,
      resumed: this.latest !== null,
      lastTriggerMs: this.#lastTriggerMs,
    })
    this.#lastTriggerMs = null
    this.#arm()
  }

  /** No further checkpoint; those under way are given up (this does not count as a failure of theirs). */
  stop(reason: string): void {
    this.#running = false
    this.#finalWanted = false
    this.#cancelTimer()
    for (const checkpoint of [...this.#pending.values()]) {
      this.#end(
        checkpoint,
        jobManagerError('CHECKPOINT_DECLINED', `Gave up checkpoint ${checkpoint.id}: ${reason}.`),
      )
    }
  }

  /** All input is read: takes the last checkpoint as soon as none is under way. */
  requestFinal(): void {
    this.#finalWanted = true
    this.#arm()
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
    this.#fail(
      checkpoint,
      jobManagerError(
        'CHECKPOINT_DECLINED',
        `${taskName} could not take part in checkpoint ${checkpointId}.`,
        {
          location: { subtask: taskName },
          ...(cause === undefined ? {} : { cause }),
        },
      ),
    )
  }

  /** The job has ended: applies the retention. */
  async jobEnded(state: TerminalJobStatus): Promise<void> {
    this.stop('the job ended')
    this.#keepsAfterEnd = keepsCheckpointsAfter(state, this.settings.retention)
    await this.#removeAllButKept()
    if (!this.#keepsAfterEnd) for (const { checkpoint } of this.#retained) markDiscarded(checkpoint)
  }

  /** Nobody asks for the ended job any more: takes what a task that was cut off has written since. */
  async sweep(): Promise<void> {
    if (this.#keepsAfterEnd !== null) await this.#removeAllButKept()
  }

  #removeAllButKept(): Promise<void> {
    const { storage } = this
    return this.#disposal.insist(() =>
      this.#keepsAfterEnd === true
        ? storage.removeOthers(this.#kept(), Number.MAX_SAFE_INTEGER)
        : storage.discardAll(),
    )
  }

  /** Triggers, or sets the timer for when to look again. */
  #arm(): void {
    this.#cancelTimer()
    const decision = decideTrigger({
      nowMs: this.#clock.monotonicMs(),
      running: this.#running,
      pending: this.#pending.size,
      maxConcurrent: this.settings.maxConcurrent,
      firstDueMs: this.#firstDueMs,
      lastTriggerMs: this.#lastTriggerMs,
      lastEndMs: this.#lastEndMs,
      intervalMs: this.settings.intervalMs,
      minPauseMs: this.settings.minPauseMs,
      finalWanted: this.#finalWanted,
    })
    if (decision.kind === 'trigger') void this.#trigger()
    if (decision.kind !== 'postpone') return
    const delayMs = Math.max(0, decision.untilMs - this.#clock.monotonicMs())
    this.#cancelTimer = this.#clock.setTimer(delayMs, () => this.#arm(), { unref: true })
  }

  async #trigger(): Promise<void> {
    const checkpoint = new PendingCheckpoint(
      this.#nextId++,
      this.#clock.nowMs(),
      this.#host.graph.attempts(),
      this.#finalWanted,
    )
    this.#pending.set(checkpoint.id, checkpoint)
    this.#lastTriggerMs = this.#clock.monotonicMs()
    this.statistics.triggered(checkpoint)
    checkpoint.cancelTimeout = this.#clock.setTimer(
      this.settings.timeoutMs,
      () => this.#expire(checkpoint),
      { unref: true },
    )
    this.#arm()
    try {
      await this.#record.reserve(checkpoint.id)
      if (checkpoint.phase !== 'pending') return
      const { states, release } = await this.#host.snapshotCoordinators(checkpoint.id)
      try {
        if (checkpoint.phase !== 'pending') return
        await this.#host.triggerSources(
          checkpoint.id,
          checkpoint.timestampMs,
          this.settings.mode === 'exactly-once',
        )
        checkpoint.coordinators = states
      } finally {
        release()
      }
      this.#completeWhenFull(checkpoint)
    } catch (cause) {
      this.#fail(
        checkpoint,
        jobManagerError(
          'CHECKPOINT_TRIGGER_FAILED',
          `Checkpoint ${checkpoint.id} could not be started.`,
          { cause },
        ),
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
    const manifest = checkpointManifest(this.#host.graph, checkpoint, this.#host.leaderEpoch)
    try {
      const written = await this.storage.complete(manifest)
      checkpoint.externalPath = written.externalPath
    } catch (error) {
      if (this.#pending.has(checkpoint.id))
        this.#fail(checkpoint, fromErrorData(toErrorData(error)))
      // It may have been written all the same; nobody will refer to it. Somebody else's is not ours to remove.
      const isOurs = !isMillraceError(error, 'CHECKPOINT_ALREADY_COMPLETE')
      if (isOurs && !this.#suspended) await this.#disposal.discard(checkpoint.id)
      return
    }
    while (this.#recording !== null) await this.#recording
    if (this.#suspended) return
    if (!this.#pending.has(checkpoint.id)) {
      // Given up while it was written: the job already goes back to an older one.
      await this.#disposal.discard(checkpoint.id)
      return
    }
    if (!(await this.#makeCount(checkpoint, manifest))) return
    const notified = this.#host.notify(checkpoint.id, 'complete')
    void this.#discardOld()
    if (checkpoint.isFinal) {
      await notified
      if (this.#finalWanted && this.#running) this.#host.finalCheckpointDone()
    } else this.#arm()
  }

  /** From here on only the record decides whether the checkpoint counts, not what becomes of the tasks. */
  async #makeCount(checkpoint: PendingCheckpoint, manifest: CheckpointManifest): Promise<boolean> {
    checkpoint.phase = 'recording'
    checkpoint.cancelTimeout()
    const gone = new Set(this.#toDiscard(checkpoint.id))
    const kept = [...this.#retained.map(({ id }) => id), checkpoint.id].filter(
      (id) => !gone.has(id),
    )
    const advancing = this.#record.advance(kept)
    if (advancing !== null) {
      const settled = Promise.withResolvers<void>()
      this.#recording = settled.promise
      try {
        await advancing
        if (!this.#suspended) this.#finishCompleted(checkpoint, manifest)
      } catch (error) {
        // The next leader knows whether it counts; here nothing may be touched.
        this.#logger.warn('Whether a checkpoint is complete is left to the next leader', {
          checkpoint: checkpoint.id,
          error,
        })
        this.#pending.delete(checkpoint.id)
        return false
      } finally {
        this.#recording = null
        settled.resolve()
      }
      return !this.#suspended
    }
    this.#finishCompleted(checkpoint, manifest)
    return true
  }

  /** Once `newest` is complete. */
  #toDiscard(newest: number | null): number[] {
    const complete = this.#retained.map(({ id }) => id)
    if (newest !== null) complete.push(newest)
    return decideDiscard(complete, this.settings.retained)
  }

  #finishCompleted(checkpoint: PendingCheckpoint, manifest: CheckpointManifest): void {
    checkpoint.cancelTimeout()
    checkpoint.phase = 'completed'
    checkpoint.endMs = this.#clock.nowMs()
    this.#pending.delete(checkpoint.id)
    this.#lastEndMs = this.#clock.monotonicMs()
    this.#failuresInRow = 0
    this.latest = manifest
    this.latestPath = checkpoint.externalPath as string
    this.#retained.push({ id: checkpoint.id, checkpoint })
    this.statistics.completed(checkpoint)
    this.#logger.info('Checkpoint complete', {
      checkpoint: checkpoint.id,
      durationMs: checkpoint.endMs - checkpoint.timestampMs,
    })
    for (const older of [...this.#pending.values()]) {
      if (older.id > checkpoint.id) continue
      this.#end(
        older,
        jobManagerError(
          'CHECKPOINT_DECLINED',
          `Checkpoint ${older.id} was overtaken by ${checkpoint.id}.`,
        ),
      )
    }
  }

  async #discardOld(): Promise<void> {
    for (const id of this.#toDiscard(null)) {
      const index = this.#retained.findIndex((retained) => retained.id === id)
      const [retained] = this.#retained.splice(index, 1)
      markDiscarded(retained?.checkpoint ?? null)
      await this.#disposal.discard(id)
    }
    await this.#disposal.discardRefused()
  }

  #expire(checkpoint: PendingCheckpoint): void {
    const missing = checkpoint.subtaskCount - checkpoint.acknowledgements.size
    this.#fail(
      checkpoint,
      jobManagerError(
        'CHECKPOINT_EXPIRED',
        `Checkpoint ${checkpoint.id} was not complete after ${this.settings.timeoutMs / 1000} s: ` +
          `${missing} of ${checkpoint.subtaskCount} subtasks have not acknowledged it.`,
        {
          hint: 'Look for backpressure, or raise execution.checkpointing.timeout.',
          location: { optionKey: 'execution.checkpointing.timeout' },
        },
      ),
    )
  }

  /** Ends it as a failure that counts. */
  #fail(checkpoint: PendingCheckpoint, error: MillraceError): void {
    if (!this.#end(checkpoint, error)) return
    this.#failuresInRow++
    this.#logger.warn('A checkpoint failed.', { checkpoint: checkpoint.id, error })
    if (this.#failuresInRow <= this.settings.tolerableFailures) {
      this.#arm()
      return
    }
    const tolerated = this.settings.tolerableFailures
    this.#failuresInRow = 0
    this.#host.failJob(
      jobManagerError(
        'CHECKPOINT_FAILURES_EXCEEDED',
        `Checkpoint ${checkpoint.id} failed; execution.checkpointing.tolerable-failed-checkpoints is ${tolerated}.`,
        {
          location: { optionKey: 'execution.checkpointing.tolerable-failed-checkpoints' },
          cause: error,
        },
      ),
    )
  }

  #end(checkpoint: PendingCheckpoint, error: MillraceError): boolean {
    if (checkpoint.phase === 'recording' || !this.#pending.delete(checkpoint.id)) return false
    const wasCompleting = checkpoint.phase === 'completing'
    checkpoint.cancelTimeout()
    checkpoint.phase = 'failed'
    checkpoint.error = error
    checkpoint.endMs = this.#clock.nowMs()
    this.#lastEndMs = this.#clock.monotonicMs()
    this.statistics.failed(checkpoint)
    void this.#host.notify(checkpoint.id, 'aborted')
    if (!wasCompleting) void this.#disposal.discard(checkpoint.id)
    return true
  }
}

function markDiscarded(checkpoint: PendingCheckpoint | null): void {
  if (checkpoint !== null) checkpoint.discarded = true
}
