/**
 * Savepoints: those of one job that wait for their turn, and what is left of those that failed.
 *
 * One waits until no checkpoint is under way, and checkpoints wait for it: an abort of the later
 * of two takes the earlier along at a gate. Owner of a savepoint's directory until its manifest is
 * written; a complete one is the user's and is never touched here.
 */
import type { Clock, Logger } from '@millrace/platform'
import type { SavepointDirectory } from '@millrace/state'
import { jobManagerError } from '../error-codes.ts'
import { insistOnRemoval } from './checkpoint-disposal.ts'
import { PendingSavepoint, type SavepointOrder } from './pending-savepoint.ts'

export interface SavepointListener {
  /** Throws SAVEPOINT_NOT_POSSIBLE. */
  requirePossible(): void
  /** One waits. */
  wanted(): void
}

export class Savepoints {
  readonly #platform: { readonly clock: Clock; readonly logger: Logger }
  readonly #listener: SavepointListener
  readonly #waiting: PendingSavepoint[] = []
  /** A task that heard late of the end may still write a file there. */
  readonly #removed = new Map<string, SavepointDirectory>()

  constructor(
    platform: { readonly clock: Clock; readonly logger: Logger },
    listener: SavepointListener,
  ) {
    this.#platform = platform
    this.#listener = listener
  }

  /**
   * Resolves with the savepoint's directory when it is complete. Rejects with
   * SAVEPOINT_NOT_POSSIBLE, SAVEPOINT_DIRECTORY_UNUSABLE, SAVEPOINT_FAILED.
   */
  async take(directory: SavepointDirectory, order: SavepointOrder): Promise<string> {
    this.#listener.requirePossible()
    await directory.prepare()
    try {
      this.#listener.requirePossible()
    } catch (error) {
      void this.remove(directory)
      throw error
    }
    const savepoint = new PendingSavepoint(directory, order)
    this.#waiting.push(savepoint)
    this.#listener.wanted()
    return savepoint.outcome
  }

  /** One of those that wait will stop the job. */
  get stopWaits(): boolean {
    return this.#waiting.some(({ stopsJob }) => stopsJob)
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0
  }

  /** Takes the one that has waited longest out of the queue. */
  next(): PendingSavepoint | undefined {
    return this.#waiting.shift()
  }

  /** Those that wait will not be taken. */
  giveUp(reason: string): void {
    for (const savepoint of this.#waiting.splice(0)) {
      savepoint.failed(
        jobManagerError('CHECKPOINT_DECLINED', `Gave up the savepoint before it began: ${reason}.`),
      )
      void this.remove(savepoint.directory)
    }
  }

  /** Removes one that was not completed. Never rejects. */
  async remove(directory: SavepointDirectory): Promise<void> {
    this.#removed.set(directory.path, directory)
    try {
      await insistOnRemoval(() => directory.remove(), this.#platform)
    } catch (error) {
      this.#platform.logger.warn('What a savepoint that failed has left could not be removed', {
        path: directory.path,
        error,
      })
    }
  }

  /** At the job's end. */
  async removeAgain(): Promise<void> {
    await Promise.all([...this.#removed.values()].map((directory) => this.remove(directory)))
  }
}
