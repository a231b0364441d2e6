/**
 * CheckpointCompletion: what becomes of a checkpoint or savepoint that every task has acknowledged:
 * its manifest is written, it is made to count, the tasks are told.
 *
 * Invariant: a checkpoint counts only once its manifest is durable and the job's record names it;
 * only then are tasks told and older ones dropped. A stop is decided in the same way. A savepoint
 * of a running job counts nowhere: what was pre-committed for it is committed with the next
 * checkpoint that completes.
 */
import { fromErrorData, isMillraceError, type MillraceError, toErrorData } from '@millrace/core'
import type { Clock, Logger } from '@millrace/platform'
import type { CheckpointManifest, CheckpointStorage } from '@millrace/state'
import { jobManagerError } from '../error-codes.ts'
import type { JobRecord } from '../high-availability/job-record.ts'
import { checkpointManifest } from './build-manifest.ts'
import type { CheckpointDemands } from './checkpoint-demands.ts'
import { givenUp, overtaken } from './checkpoint-failures.ts'
import type { CheckpointHost } from './checkpoint-host.ts'
import type { CheckpointSchedule } from './checkpoint-schedule.ts'
import type { CheckpointStatistics } from './checkpoint-statistics.ts'
import type { CheckpointWatchers } from './checkpoint-watchers.ts'
import type { CompletedCheckpoints } from './completed-checkpoints.ts'
import type { FailureTolerance } from './failure-tolerance.ts'
import type { PendingCheckpoint } from './pending-checkpoint.ts'
import type { PendingCheckpoints } from './pending-checkpoints.ts'
import type { PendingSavepoint } from './pending-savepoint.ts'
import { Recording } from './recording.ts'
import type { SharedSegments } from './shared-segments.ts'

interface CompletionParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly host: CheckpointHost
  readonly record: JobRecord
  readonly storage: CheckpointStorage
  readonly pending: PendingCheckpoints
  readonly completed: CompletedCheckpoints
  readonly segments: SharedSegments
  readonly statistics: CheckpointStatistics
  readonly demands: CheckpointDemands
  readonly watchers: CheckpointWatchers
  readonly schedule: CheckpointSchedule
  readonly tolerance: FailureTolerance
  /** Its manifest could not be written. */
  notWritten(checkpoint: PendingCheckpoint, error: MillraceError): void
  /** It counts, or is the user's: what is due may begin. */
  goOn(): void
}

export class CheckpointCompletion {
  readonly #parts: CompletionParts
  /**
   * One checkpoint at a time is made to count; while it is, nothing may start from an older one.
   */
  readonly #recording = new Recording()
  #suspended = false

  constructor(parts: CompletionParts) {
    this.#parts = parts
  }

  /** While a checkpoint is being made to count: resolves when it does, or never will. */
  settling(): Promise<void> | null {
    return this.#recording.current
  }

  /** Another JobManager leads: nothing is touched any more. */
  suspend(): void {
    this.#suspended = true
  }

  /** Completes it when all have acknowledged. */
  async completeWhenFull(checkpoint: PendingCheckpoint): Promise<void> {
    if (checkpoint.phase !== 'pending' || !checkpoint.isFullyAcknowledged) return
    const { host, pending, storage } = this.#parts
    checkpoint.phase = 'completing'
    const manifest = checkpointManifest(checkpoint, host.leaderEpoch)
    try {
      const written = await (checkpoint.savepoint?.directory ?? storage).complete(manifest)
      checkpoint.externalPath = written.externalPath
      checkpoint.metadataBytes = written.metadataSizeBytes
    } catch (error) {
      await this.#notWritten(checkpoint, error)
      return
    }
    await this.#recording.idle()
    if (this.#suspended) return
    if (!pending.has(checkpoint)) {
      // Given up while it was written: the job already goes back to an older one.
      await pending.discard(checkpoint)
    } else if (checkpoint.savepoint === null) await this.#count(checkpoint, manifest)
    else if (checkpoint.savepoint.stopsJob) {
      await this.#stopJob(checkpoint, checkpoint.savepoint, manifest)
    } else this.#finishSavepoint(checkpoint, checkpoint.savepoint)
  }

  async #notWritten(checkpoint: PendingCheckpoint, error: unknown): Promise<void> {
    const { pending } = this.#parts
    if (pending.has(checkpoint)) {
      this.#parts.notWritten(checkpoint, fromErrorData(toErrorData(error)))
    }
    // It may have been written all the same; nobody will refer to it. Somebody else's is not ours
    // to remove.
    const isOurs = !isMillraceError(error, 'CHECKPOINT_ALREADY_COMPLETE')
    if (isOurs && !this.#suspended) await pending.discard(checkpoint)
  }

  async #count(checkpoint: PendingCheckpoint, manifest: CheckpointManifest): Promise<void> {
    const { record, completed, host, demands, watchers, schedule } = this.#parts
    const advancing = () => record.advance(completed.keptWith(checkpoint.id))
    const counts = await this.#makeCount(checkpoint, advancing, () =>
      this.#finishCompleted(checkpoint, manifest),
    )
    if (!counts) return
    const notified = host.notify(checkpoint.id, 'complete')
    demands.completed(checkpoint.id)
    watchers.completed(checkpoint.id)
    void completed.discardOld()
    if (checkpoint.isFinal) {
      await notified
      const { finalWanted, running } = schedule
      if (finalWanted && running) host.tasksMayFinish({ kind: 'checkpoint' })
      return
    }
    this.#parts.goOn()
  }

  /** From the moment that its record says so the job is stopped, whatever becomes of its tasks. */
  async #stopJob(
    checkpoint: PendingCheckpoint,
    savepoint: PendingSavepoint,
    manifest: CheckpointManifest,
  ): Promise<void> {
    const { record, completed, host, schedule } = this.#parts
    const { path } = savepoint.directory
    const deciding = () => record.decideStop(path)
    const counts = await this.#makeCount(checkpoint, deciding, () => {
      schedule.stop()
      completed.stopAt(manifest, path)
      this.#endCompleted(checkpoint)
      host.stopped(path)
    })
    if (!counts) {
      savepoint.failed(
        jobManagerError('CHECKPOINT_DECLINED', 'Whether it counts is left to the next leader.'),
      )
      return
    }
    savepoint.completed()
    await host.notify(checkpoint.id, 'complete')
    host.tasksMayFinish({ kind: 'checkpoint' })
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
      const { logger, pending, demands } = this.#parts
      // Here nothing may be touched.
      logger.warn('Whether a checkpoint is complete is left to the next leader', {
        checkpoint: checkpoint.id,
        error,
      })
      pending.leave(checkpoint)
      demands.failed(checkpoint.id, givenUp(checkpoint, 'this JobManager leads no more'))
      return false
    }
  }

  #endCompleted(checkpoint: PendingCheckpoint): void {
    const { clock, pending, schedule, statistics, logger } = this.#parts
    checkpoint.cancelTimeout()
    checkpoint.phase = 'completed'
    checkpoint.endMs = clock.nowMs()
    pending.leave(checkpoint)
    schedule.ended()
    statistics.completed(checkpoint)
    logger.info(`${checkpoint.title.replace(/ .*/, '')} complete`, {
      checkpoint: checkpoint.id,
      durationMs: checkpoint.endMs - checkpoint.timestampMs,
      ...(checkpoint.savepoint === null ? {} : { path: checkpoint.externalPath }),
    })
  }

  #finishSavepoint(checkpoint: PendingCheckpoint, savepoint: PendingSavepoint): void {
    this.#endCompleted(checkpoint)
    savepoint.completed()
    this.#parts.goOn()
  }

  #finishCompleted(checkpoint: PendingCheckpoint, manifest: CheckpointManifest): void {
    const { tolerance, completed, segments, pending } = this.#parts
    tolerance.completed()
    completed.add(checkpoint, manifest)
    void segments.ended(checkpoint.id)
    this.#endCompleted(checkpoint)
    for (const older of pending.olderThan(checkpoint)) {
      pending.end(older, overtaken(older, checkpoint))
    }
  }
}
