/**
 * Events from an operator's coordinator to one subtask: in order, one at a time, from RUNNING on.
 *
 * Around a checkpoint: what was sent before the coordinator's snapshot reaches the subtask before
 * its trigger, what is sent after it is held back until the trigger has been answered. So an
 * assigned split is in exactly one of the two states.
 */
export class SubtaskEventQueue {
  readonly #deliver: (event: unknown) => Promise<void>
  readonly #onLost: (error: unknown) => void
  #queue: unknown[] = []
  #held: unknown[] = []
  #holds = 0
  #ready = false
  #sending = false
  #closed = false
  #drainWaiters: (() => void)[] = []

  constructor(deliver: (event: unknown) => Promise<void>, onLost: (error: unknown) => void) {
    this.#deliver = deliver
    this.#onLost = onLost
  }

  send(event: unknown): void {
    if (this.#closed) return
    if (this.#holds > 0) {
      this.#held.push(event)
      return
    }
    this.#queue.push(event)
    void this.#pump()
  }

  /** The subtask runs: what was queued is delivered. */
  open(): void {
    this.#ready = true
    void this.#pump()
  }

  /** The attempt has ended: everything queued is dropped. */
  close(): void {
    this.#closed = true
    this.#queue = []
    this.#held = []
    this.#wakeDrained()
  }

  hold(): void {
    this.#holds++
  }

  release(): void {
    this.#holds--
    if (this.#holds > 0 || this.#held.length === 0) return
    this.#queue.push(...this.#held)
    this.#held = []
    void this.#pump()
  }

  /** Resolves when everything sent before a hold has been delivered. */
  drained(): Promise<void> {
    if (this.#closed || (this.#queue.length === 0 && !this.#sending)) return Promise.resolve()
    return new Promise((resolve) => this.#drainWaiters.push(resolve))
  }

  async #pump(): Promise<void> {
    if (this.#sending || !this.#ready || this.#closed) return
    this.#sending = true
    while (this.#queue.length > 0 && !this.#closed) {
      const event = this.#queue.shift()
      try {
        await this.#deliver(event)
      } catch (error) {
        if (!this.#closed) this.#onLost(error)
        break
      }
    }
    this.#sending = false
    this.#wakeDrained()
  }

  #wakeDrained(): void {
    const waiters = this.#drainWaiters
    this.#drainWaiters = []
    for (const wake of waiters) wake()
  }
}
