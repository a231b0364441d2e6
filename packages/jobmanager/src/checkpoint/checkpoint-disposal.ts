/**
 * CheckpointDisposal: removes checkpoints that do not count any more.
 *
 * What a disk refuses is kept in mind and tried again, with the next checkpoint and at the job's end: otherwise it
 * would stay for ever, as nobody else knows of it.
 */
import type { Clock, Logger } from '@millrace/platform'
import type { CheckpointStorage } from '@millrace/state'

const TRIES_MAX = 8
const PAUSE_MS_MIN = 500
const PAUSE_MS_MAX = 10_000

export class CheckpointDisposal {
  readonly #storage: CheckpointStorage
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #refused = new Set<number>()

  constructor(
    storage: CheckpointStorage,
    platform: { readonly clock: Clock; readonly logger: Logger },
  ) {
    this.#storage = storage
    this.#clock = platform.clock
    this.#logger = platform.logger
  }

  /** Never rejects. */
  async discard(checkpointId: number): Promise<void> {
    try {
      await this.#storage.discard(checkpointId)
      this.#refused.delete(checkpointId)
    } catch (error) {
      this.#refused.add(checkpointId)
      this.#logger.warn('A checkpoint could not be removed; it is tried again', {
        checkpoint: checkpointId,
        error: String(error),
      })
    }
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

/** Does `removal` until it succeeds, a bounded number of times with growing pauses; rejects as the last one. */
export async function insistOnRemoval(
  removal: () => Promise<unknown>,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await removal()
      return
    } catch (error) {
      logger.warn('Checkpoints of an ended job could not be removed', {
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
