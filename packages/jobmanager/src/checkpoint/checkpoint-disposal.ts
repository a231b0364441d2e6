/**
 * CheckpointDisposal: removes checkpoints that do not count any more.
 *
 * What a disk refuses is kept in mind and tried again, with the next checkpoint and at the job's
 * end: otherwise it would stay for ever, as nobody else knows of it.
 */
import { type Configuration, isMillraceError } from '@millrace/core'
import type { Clock, Filesystem, Logger } from '@millrace/platform'
import { type CheckpointStorage, checkpointDirectoryPath, disposeCheckpoint } from '@millrace/state'
import { CheckpointingOptions } from '../jobmanager-options.ts'
import type { SharedSegments } from './shared-segments.ts'

const TRIES_MAX = 8
const PAUSE_MS_MIN = 500
const PAUSE_MS_MAX = 10_000

export class CheckpointDisposal {
  readonly #storage: CheckpointStorage
  readonly #segments: SharedSegments
  readonly #filesystem: Filesystem
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #refused = new Set<number>()

  constructor(
    storage: CheckpointStorage,
    segments: SharedSegments,
    platform: {
      readonly clock: Clock
      readonly logger: Logger
      readonly filesystem: Filesystem
    },
  ) {
    this.#storage = storage
    this.#segments = segments
    this.#filesystem = platform.filesystem
    this.#clock = platform.clock
    this.#logger = platform.logger
  }

  /** Never rejects. */
  async discard(checkpointId: number): Promise<void> {
    try {
      await this.#storage.discard(checkpointId)
      this.#refused.delete(checkpointId)
      // Behind the manifest: while that is there, all that it refers to is.
      await this.#segments.gone(checkpointId)
    } catch (error) {
      this.#refused.add(checkpointId)
      this.#logger.warn('A checkpoint could not be removed; it is tried again', {
        checkpoint: checkpointId,
        error: String(error),
      })
    }
  }

  /**
   * Removes what a claimed checkpoint or savepoint has. False: it is to be tried again. Never
   * rejects.
   */
  async dispose(path: string): Promise<boolean> {
    try {
      await disposeClaimed(path, this.#filesystem)
      return true
    } catch (error) {
      this.#logger.warn('What the job started from could not be removed; it is tried again', {
        path,
        error: String(error),
      })
      return false
    }
  }

  /** The same when there is no later time to try again. Never rejects. */
  async disposeAtEnd(path: string): Promise<void> {
    await this.insist(() => disposeClaimed(path, this.#filesystem))
  }

  /** Those that could not be removed before. */
  async discardRefused(): Promise<void> {
    for (const id of [...this.#refused]) await this.discard(id)
  }

  /** `insistOnRemoval`, but never rejects. */
  async insist(removal: () => Promise<unknown>): Promise<void> {
    try {
      await insistOnRemoval(removal, { clock: this.#clock, logger: this.#logger })
      this.#refused.clear()
    } catch {
      // It was logged, and nobody can do more.
    }
  }
}

/** Goes on with it where a former leader did not come to its end. */
export async function disposeClaimed(path: string, filesystem: Filesystem): Promise<void> {
  try {
    await disposeCheckpoint(path, filesystem)
  } catch (error) {
    // Removed before this JobManager led, or by the user.
    if (!isMillraceError(error, 'CHECKPOINT_NOT_FOUND')) throw error
  }
}

/** Where the job started from something that is its own to remove; null: from nothing such. */
export function claimedPathOf(configuration: Configuration, filesystem: Filesystem): string | null {
  const path = configuration.get(CheckpointingOptions.recoveryPath)
  const isClaimed = configuration.get(CheckpointingOptions.claimMode) === 'CLAIM'
  return path === undefined || !isClaimed ? null : checkpointDirectoryPath(path, filesystem)
}

/**
 * Does `removal` until it succeeds, a bounded number of times with growing pauses; rejects
 * as the last one.
 */
export async function insistOnRemoval(
  removal: () => Promise<unknown>,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await removal()
      return
    } catch (error) {
      logger.warn('Checkpoints that nobody needs could not be removed', {
        tries,
        triesMax: TRIES_MAX,
        error: String(error),
      })
      if (tries === TRIES_MAX) throw error
    }
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** (tries - 1))
    await new Promise<void>((resolve) => {
      clock.setTimer(pauseMs, resolve, { unref: true })
    })
  }
}
