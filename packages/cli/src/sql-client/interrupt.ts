/**
 * Ctrl-C, as the SQL client sees it: something that every wait can be raced against, so that none
 * outlasts the person's patience.
 */

/** What a wait gives that was cut short. */
export const INTERRUPTED = Symbol('interrupted')

export class Interrupt {
  #raised = false
  #waiters: (() => void)[] = []

  get raised(): boolean {
    return this.#raised
  }

  raise(): void {
    this.#raised = true
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter()
  }

  /** Forgets what was raised: it was meant for what ran until now. */
  clear(): void {
    this.#raised = false
  }

  /**
   * The outcome of `work`, or INTERRUPTED as soon as Ctrl-C is pressed; what `work` then
   * does is ignored.
   */
  async or<T>(work: Promise<T>): Promise<T | typeof INTERRUPTED> {
    if (this.#raised) {
      work.catch(() => {})
      return INTERRUPTED
    }
    let waiter = () => {}
    const raised = new Promise<typeof INTERRUPTED>((resolve) => {
      waiter = () => resolve(INTERRUPTED)
      this.#waiters.push(waiter)
    })
    try {
      return await Promise.race([work, raised])
    } finally {
      this.#waiters = this.#waiters.filter((other) => other !== waiter)
    }
  }
}
