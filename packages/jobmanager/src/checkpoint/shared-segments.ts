/**
 * SharedSegments: who needs which of the segments that a job's checkpoints share, and the removal
 * of those that nobody needs any more.
 *
 * A checkpoint that counts needs what its manifest refers to, one that is under way what its base
 * has. A segment goes when the last of them goes, what a failed checkpoint wrote goes with it. All
 * of it follows from manifests: a new leader begins with those that are kept. Invariant: no file
 * goes that this JobManager has not seen needed, or written for a checkpoint that it triggered and
 * gave up: so it takes nothing from another leader, nor from another job.
 */
import type { Logger } from '@millrace/platform'
import {
  type CheckpointManifest,
  type CheckpointStorage,
  sharedFilesOf,
  writerOfSegment,
} from '@millrace/state'

/** Failed checkpoints, at most, whose tasks may yet write something. */
const FAILED_MAX = 64

export class SharedSegments {
  readonly #storage: CheckpointStorage
  readonly #logger: Logger
  /** Of complete checkpoints, by id. */
  readonly #needed = new Map<number, ReadonlySet<string>>()
  /** Of what those build upon that are under way, by their ids. */
  readonly #builtUpon = new Map<number, ReadonlySet<string>>()
  /** Triggered here, and reserved, so that nobody else has the id. */
  readonly #own = new Set<number>()
  readonly #failed = new Set<number>()
  /** Complete ones whose manifest could not be read. */
  readonly #unread = new Set<number>()
  /** What the disk did not let go. */
  readonly #refused = new Set<string>()

  constructor(storage: CheckpointStorage, logger: Logger) {
    this.#storage = storage
    this.#logger = logger
  }

  /** A checkpoint that stays: it counts, or the job was told to start from it. */
  kept(manifest: CheckpointManifest): void {
    this.#needed.set(manifest.checkpointId, this.#filesOf(manifest))
  }

  /** One stays that could not be read: it may need whatever there was when it was taken. */
  keptUnread(id: number): void {
    this.#unread.add(id)
  }

  /** Checkpoint `id` is about to be triggered; until it ends, nothing of `base` goes. */
  underWay(id: number, base: CheckpointManifest | null): void {
    if (base !== null) this.#builtUpon.set(id, this.#filesOf(base))
  }

  reserved(id: number): void {
    this.#own.add(id)
  }

  /** It is under way no more: complete and `kept`, or given up. Never rejects. */
  async ended(id: number): Promise<void> {
    const files = this.#builtUpon.get(id)
    this.#builtUpon.delete(id)
    if (files !== undefined) await this.#removeUnneeded(files)
  }

  /** Nothing else is left of a checkpoint, whether it was ever complete or not. Never rejects. */
  async gone(id: number): Promise<void> {
    const files = this.#needed.get(id)
    this.#needed.delete(id)
    this.#unread.delete(id)
    if (files !== undefined) await this.#removeUnneeded(files)
    else if (this.#own.has(id)) await this.#removeWrittenBy(id)
    this.#own.delete(id)
  }

  #filesOf(manifest: CheckpointManifest): ReadonlySet<string> {
    const { directory } = this.#storage
    return directory === null ? new Set() : sharedFilesOf(manifest, directory)
  }

  async #removeUnneeded(candidates: Iterable<string>): Promise<void> {
    const holders = [...this.#needed.values(), ...this.#builtUpon.values()]
    const unread = Math.max(-1, ...this.#unread)
    const isNeeded = (path: string): boolean =>
      holders.some((files) => files.has(path)) || (writerOfSegment(path) ?? -1) <= unread
    const paths = [...candidates, ...this.#refused].filter((path) => !isNeeded(path))
    if (paths.length === 0) return
    for (const path of paths) this.#refused.delete(path)
    try {
      await this.#storage.removeSegments(paths)
    } catch (error) {
      for (const path of paths) this.#refused.add(path)
      this.#logger.warn('Segments that no checkpoint needs could not be removed; tried again', {
        segments: paths.length,
        error: String(error),
      })
    }
  }

  async #removeWrittenBy(id: number): Promise<void> {
    this.#failed.add(id)
    const [oldest] = this.#failed
    if (this.#failed.size > FAILED_MAX) this.#failed.delete(oldest as number)
    try {
      const written = await this.#storage.sharedSegments()
      const isRubbish = (path: string) => this.#failed.has(writerOfSegment(path) ?? -1)
      await this.#removeUnneeded(written.filter(isRubbish))
    } catch (error) {
      this.#logger.warn('What a failed checkpoint wrote could not be looked for', {
        checkpoint: id,
        error: String(error),
      })
    }
  }
}
