/**
 * CompletedCheckpoints: those of a job's checkpoints that count — which are kept, which one a
 * restart begins from, what stays when the job has ended.
 *
 * Owner of that list and of everything that removes files. Lives for the job: rounds of deployment
 * come and go. Invariant: only what the job's record no longer names is removed.
 */
import type { Logger } from '@millrace/platform'
import type { CheckpointManifest, CheckpointStorage } from '@millrace/state'
import { checkpointPath, decideDiscard, keepsCheckpointsAfter } from '@millrace/state'
import type { ExecutionGraph } from '../execution-graph/execution-graph.ts'
import type { TerminalJobStatus } from '../execution-graph/execution-state.ts'
import type { JobRecord } from '../high-availability/job-record.ts'
import type { CheckpointDisposal } from './checkpoint-disposal.ts'
import type { CheckpointSettings } from './checkpoint-settings.ts'
import { decideBase } from './decide-base.ts'
import type { PendingCheckpoint } from './pending-checkpoint.ts'
import { neededBeyondClaimed } from './shared-checkpoints.ts'
import type { SharedSegments } from './shared-segments.ts'

export class CompletedCheckpoints {
  readonly #storage: CheckpointStorage
  readonly #disposal: CheckpointDisposal
  readonly #segments: SharedSegments
  readonly #settings: CheckpointSettings
  readonly #logger: Logger
  /** Everything below belongs to former leaders. */
  readonly #firstId: number
  /** Oldest first; null: a former leader's. */
  readonly #retained: { readonly id: number; readonly checkpoint: PendingCheckpoint | null }[] = []
  /** Of a checkpoint in the job's own directory that it was told to start from. */
  #restoredId: number | null = null
  /** Where the job started from something that is its own to remove; null: from nothing such. */
  #claimedPath: string | null = null
  #latest: CheckpointManifest | null = null
  #latestPath = ''
  /** Whether they outlive the job; null before its end. */
  #keepsAfterEnd: boolean | null = null

  constructor(
    parts: {
      readonly storage: CheckpointStorage
      readonly disposal: CheckpointDisposal
      readonly segments: SharedSegments
      readonly settings: CheckpointSettings
      readonly logger: Logger
    },
    record: JobRecord,
  ) {
    this.#storage = parts.storage
    this.#disposal = parts.disposal
    this.#segments = parts.segments
    this.#settings = parts.settings
    this.#logger = parts.logger
    this.#firstId = record.firstCheckpointId
    for (const id of record.retained) this.#retained.push({ id, checkpoint: null })
  }

  /** What a restart begins from; null: from nothing. */
  get latest(): CheckpointManifest | null {
    return this.#latest
  }

  get latestPath(): string {
    return this.#latestPath
  }

  /** The job starts from `manifest`, of another job or an earlier life. */
  restoreFrom(manifest: CheckpointManifest, externalPath: string): void {
    this.#latest = manifest
    this.#latestPath = externalPath
    const { directory } = this.#storage
    if (directory !== null && externalPath.startsWith(`${directory}/`)) {
      this.#restoredId = manifest.checkpointId
      this.#segments.kept(manifest)
    }
  }

  /** What the next one may build upon, in a round as `graph` says; null: all is written anew. */
  baseFor(graph: ExecutionGraph): CheckpointManifest | null {
    const { latest, latestPath } = this
    return decideBase({ latest, latestPath, directory: this.#storage.directory, graph })
  }

  /** Reads which segments the checkpoints of former leaders need. Never rejects. */
  async countSegments(): Promise<void> {
    for (const { id } of this.#retained) {
      try {
        const isKnown = this.#latest?.checkpointId === id
        this.#segments.kept(isKnown && this.#latest ? this.#latest : await this.#storage.read(id))
      } catch (error) {
        this.#segments.keptUnread(id)
        this.#logger.warn('A retained checkpoint could not be read', { checkpoint: id, error })
      }
    }
  }

  /** The job is stopped: whatever its tasks still have to do begins from that savepoint. */
  stopAt(manifest: CheckpointManifest, path: string): void {
    this.#latest = manifest
    this.#latestPath = path
  }

  /** What is at `path` goes like a checkpoint of the job's own, the oldest. */
  claim(path: string): void {
    this.#claimedPath = path
  }

  /** Directories of those that are kept, oldest first. */
  paths(): string[] {
    const { directory } = this.#storage
    if (directory === null) return []
    const going = new Set(this.#toDiscard(null))
    const ids = this.#retained.map(({ id }) => id).filter((id) => !going.has(id))
    return ids.map((id) => checkpointPath(directory, id))
  }

  /** Ids of those that are kept once `newest` counts too. */
  keptWith(newest: number): number[] {
    const gone = new Set(this.#toDiscard(newest))
    return [...this.#retained.map(({ id }) => id), newest].filter((id) => !gone.has(id))
  }

  /** It counts from now on. */
  add(checkpoint: PendingCheckpoint, manifest: CheckpointManifest): void {
    this.#latest = manifest
    this.#latestPath = checkpoint.externalPath as string
    this.#retained.push({ id: checkpoint.id, checkpoint })
    this.#segments.kept(manifest)
  }

  /** Removes those that are one too many, and what could not be removed before. Never rejects. */
  async discardOld(): Promise<void> {
    for (const id of this.#toDiscard(null)) {
      const index = this.#retained.findIndex((retained) => retained.id === id)
      const [retained] = this.#retained.splice(index, 1)
      markDiscarded(retained?.checkpoint ?? null)
      await this.#disposal.discard(id)
    }
    if (this.#retained.length >= this.#settings.retained) await this.#disposeClaimed()
    await this.#disposal.discardRefused()
  }

  async #disposeClaimed(): Promise<void> {
    const path = this.#claimedPath
    if (path === null) return
    if (await this.#disposal.dispose(path)) this.#claimedPath = null
  }

  /** Once `newest` is complete. */
  #toDiscard(newest: number | null): number[] {
    const complete = this.#retained.map(({ id }) => id)
    if (newest !== null) complete.push(newest)
    return decideDiscard(complete, this.#settings.retained)
  }

  /** Removes what former leaders left that never counted; they cannot make it count any more. */
  async removeLeftovers(): Promise<void> {
    try {
      await this.#storage.removeOthers(this.#kept(), this.#firstId)
    } catch (error) {
      this.#logger.warn('What former leaders left could not be removed', { error })
    }
  }

  /** The job has ended: applies the retention. */
  async jobEnded(state: TerminalJobStatus): Promise<void> {
    this.#keepsAfterEnd = keepsCheckpointsAfter(state, this.#settings.retention)
    await this.#removeAllButKept()
    const needed = neededBeyondClaimed(this.#settings, this.#keepsAfterEnd)
    const path = this.#claimedPath
    if (path !== null && this.#retained.length >= needed) await this.#disposal.disposeAtEnd(path)
    if (!this.#keepsAfterEnd) for (const { checkpoint } of this.#retained) markDiscarded(checkpoint)
  }

  /**
   * Nobody asks for the ended job any more: takes what a task that was cut off has written since.
   */
  async sweep(): Promise<void> {
    if (this.#keepsAfterEnd !== null) await this.#removeAllButKept()
  }

  #removeAllButKept(): Promise<void> {
    return this.#disposal.insist(() =>
      this.#keepsAfterEnd === true
        ? this.#storage.removeOthers(this.#kept(), Number.MAX_SAFE_INTEGER)
        : this.#storage.discardAll(),
    )
  }

  #kept(): Set<number> {
    const kept = new Set(this.#retained.map(({ id }) => id))
    return this.#restoredId === null ? kept : kept.add(this.#restoredId)
  }
}

function markDiscarded(checkpoint: PendingCheckpoint | null): void {
  if (checkpoint !== null) checkpoint.discarded = true
}
