/**
 * Recording: the moment in which a checkpoint, or the stop of a job, is made to count.
 *
 * One at a time. While it is, nothing may start from an older checkpoint, and nothing is given up:
 * only the record's answer decides. Invariant: `done` has run before anybody who waits goes on.
 */
export class Recording {
  #current: Promise<void> | null = null

  /** Settles with the one that is under way; null: none is. */
  get current(): Promise<void> | null {
    return this.#current
  }

  /** Resolves once there is none under way. */
  async idle(): Promise<void> {
    while (this.#current !== null) await this.#current
  }

  /** `writing` null: it counts already. Rejects as the write does; then nothing is known. */
  async perform(writing: Promise<void> | null, done: () => void): Promise<void> {
    if (writing === null) {
      done()
      return
    }
    const settled = Promise.withResolvers<void>()
    this.#current = settled.promise
    try {
      await writing
      done()
    } finally {
      this.#current = null
      settled.resolve()
    }
  }
}
