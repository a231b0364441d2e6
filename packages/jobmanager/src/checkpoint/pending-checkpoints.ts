/**
 * PendingCheckpoints: the checkpoints and savepoints of a job that are under way, and how one of
 * them ends without being complete.
 *
 * Invariant: each leaves once, and from then on whatever is heard of it is ignored; one whose
 * record is being written cannot be given up. What one that ended has left is removed, and until
 * its tasks know of a savepoint's end nothing else is taken: they may stand still, or have been
 * drained.
 */
import type { MillraceError } from '@millrace/core'
import type { Clock } from '@millrace/platform'
import type { CheckpointDemands } from './checkpoint-demands.ts'
import type { CheckpointDisposal } from './checkpoint-disposal.ts'
import { givenUp } from './checkpoint-failures.ts'
import type { CheckpointHost } from './checkpoint-host.ts'
import type { CheckpointSchedule } from './checkpoint-schedule.ts'
import type { CheckpointStatistics } from './checkpoint-statistics.ts'
import type { CheckpointWatchers } from './checkpoint-watchers.ts'
import type { PendingCheckpoint } from './pending-checkpoint.ts'
import type { Savepoints } from './savepoints.ts'
import type { SharedSegments } from './shared-segments.ts'

interface PendingParts {
  readonly clock: Clock
  readonly host: CheckpointHost
  readonly disposal: CheckpointDisposal
  readonly segments: SharedSegments
  readonly statistics: CheckpointStatistics
  readonly demands: CheckpointDemands
  readonly watchers: CheckpointWatchers
  readonly savepoints: Savepoints
  schedule(): CheckpointSchedule
  /** The tasks know that a savepoint has ended: others may begin. */
  freed(): void
}

export class PendingCheckpoints {
  readonly #parts: PendingParts
  readonly #pending = new Map<number, PendingCheckpoint>()
  /** Savepoints whose abort is on its way to the tasks. */
  #aborting = 0

  constructor(parts: PendingParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#pending.size
  }

  /** Nothing stands in the way of a savepoint. */
  get isFree(): boolean {
    return this.#pending.size === 0 && this.#aborting === 0
  }

  /** A savepoint is under way, or its tasks do not know of its end yet. */
  get holdsSavepoint(): boolean {
    if (this.#aborting > 0) return true
    return [...this.#pending.values()].some(({ savepoint }) => savepoint !== null)
  }

  /** A savepoint that will stop the job is under way. */
  get holdsStop(): boolean {
    return [...this.#pending.values()].some(({ savepoint }) => savepoint?.stopsJob === true)
  }

  add(checkpoint: PendingCheckpoint): void {
    this.#pending.set(checkpoint.id, checkpoint)
  }

  get(checkpointId: number): PendingCheckpoint | undefined {
    return this.#pending.get(checkpointId)
  }

  /** False: it has ended. */
  has({ id }: PendingCheckpoint): boolean {
    return this.#pending.has(id)
  }

  /** Checkpoints triggered before that one; nobody takes a savepoint's place. */
  olderThan({ id }: PendingCheckpoint): readonly PendingCheckpoint[] {
    const all = [...this.#pending.values()]
    return all.filter((older) => older.id < id && older.savepoint === null)
  }

  /** Takes it out and touches nothing of it: it is complete, or left to the next leader. */
  leave({ id }: PendingCheckpoint): void {
    this.#pending.delete(id)
  }

  /** Ends it as a failure. False: it had ended, or only its record decides what it is. */
  end(checkpoint: PendingCheckpoint, error: MillraceError): boolean {
    if (checkpoint.phase === 'recording' || !this.#pending.delete(checkpoint.id)) return false
    const { segments, clock, statistics, demands } = this.#parts
    const wasCompleting = checkpoint.phase === 'completing'
    checkpoint.cancelTimeout()
    checkpoint.phase = 'failed'
    void segments.ended(checkpoint.id)
    checkpoint.error = error
    checkpoint.endMs = clock.nowMs()
    this.#parts.schedule().ended()
    statistics.failed(checkpoint)
    void this.#abort(checkpoint)
    if (!wasCompleting) void this.discard(checkpoint)
    checkpoint.savepoint?.failed(error)
    demands.failed(checkpoint.id, error)
    if (checkpoint.savepoint === null) this.#parts.watchers.failed(checkpoint.id)
    return true
  }

  giveUpAll(reason: string): void {
    for (const checkpoint of [...this.#pending.values()]) {
      this.end(checkpoint, givenUp(checkpoint, reason))
    }
  }

  /** Another JobManager leads: whoever waits hears of it, and nothing else is touched. */
  forgetAll(reason: string): void {
    for (const checkpoint of this.#pending.values()) {
      checkpoint.cancelTimeout()
      const error = givenUp(checkpoint, reason)
      checkpoint.savepoint?.failed(error)
      this.#parts.demands.failed(checkpoint.id, error)
    }
    this.#pending.clear()
  }

  /** Removes what one that is not complete has written. */
  discard({ id, savepoint }: PendingCheckpoint): Promise<void> {
    if (savepoint === null) return this.#parts.disposal.discard(id)
    return this.#parts.savepoints.remove(savepoint.directory)
  }

  async #abort({ order, savepoint }: PendingCheckpoint): Promise<void> {
    const { host } = this.#parts
    if (savepoint === null) return host.abort(order)
    this.#aborting++
    await host.abort(order)
    this.#aborting--
    this.#parts.freed()
  }
}
