/**
 * StrayWatch: when a sink looks for what older attempts of it left behind.
 *
 * An attempt that was cut off goes on for a while beside its successor and may leave an open
 * transaction, which holds readers back, or hidden files. So the successor looks after its first
 * checkpoint, then after ever longer pauses, and at its end. Invariant: off the record path, one
 * look at a time, and a failed one costs nothing but a warning, as the next one finds the same.
 */
import type { Platform } from '@millrace/platform'

const PAUSE_FIRST_MS = 1000
/** Well below the transaction timeouts that brokers allow. */
const PAUSE_MAX_MS = 300_000

export class StrayWatch {
  readonly #platform: Pick<Platform, 'clock' | 'logger'>
  readonly #tableName: string
  readonly #remove: () => Promise<void>
  #pauseMs = PAUSE_FIRST_MS
  #nextMs = Number.NEGATIVE_INFINITY
  #running: Promise<void> | null = null

  constructor(
    platform: Pick<Platform, 'clock' | 'logger'>,
    tableName: string,
    remove: () => Promise<void>,
  ) {
    this.#platform = platform
    this.#tableName = tableName
    this.#remove = remove
  }

  /** Looks in the background, if it is time to. */
  checkpointComplete(): void {
    const nowMs = this.#platform.clock.monotonicMs()
    if (this.#running !== null || nowMs < this.#nextMs) return
    this.#nextMs = nowMs + this.#pauseMs
    this.#pauseMs = Math.min(this.#pauseMs * 2, PAUSE_MAX_MS)
    this.#running = this.#look().finally(() => {
      this.#running = null
    })
  }

  /** A last look. */
  async finish(): Promise<void> {
    await this.#running
    await this.#look()
  }

  async #look(): Promise<void> {
    try {
      await this.#remove()
    } catch (error) {
      const message = 'Could not look for what older attempts of a sink left behind'
      this.#platform.logger.warn(message, { table: this.#tableName, error: String(error) })
    }
  }
}
