/**
 * TaskMailbox: actions that callbacks want run on a subtask, in order.
 *
 * Between the outside (timers, sockets, promises) and the subtask's loop. Invariant: actions run
 * one at a time and never inside another call into an operator; after `close` nothing runs.
 */
import type { Mailbox } from '@millrace/core'
import type { Clock } from '@millrace/platform'

/** Actions run before the subtask looks at its input again. */
const ACTIONS_PER_TURN_MAX = 64

export class TaskMailbox implements Mailbox {
  readonly #clock: Clock
  readonly #wake: () => void
  readonly #onFailure: (error: unknown) => void
  #actions: (() => void)[] = []
  readonly #timers = new Set<() => void>()
  #closed = false
  /** Actions that have run. */
  processed = 0

  constructor(clock: Clock, wake: () => void, onFailure: (error: unknown) => void) {
    this.#clock = clock
    this.#wake = wake
    this.#onFailure = onFailure
  }

  get size(): number {
    return this.#actions.length
  }

  post(action: () => void): void {
    if (this.#closed) return
    this.#actions.push(action)
    this.#wake()
  }

  schedule(delayMs: number, action: () => void): () => void {
    if (this.#closed) return () => {}
    const cancel = this.#clock.setTimer(Math.max(0, delayMs), () => {
      this.#timers.delete(cancel)
      this.post(action)
    })
    this.#timers.add(cancel)
    let cancelled = false
    return () => {
      if (cancelled) return
      cancelled = true
      this.#timers.delete(cancel)
      cancel()
    }
  }

  fail(error: unknown): void {
    if (!this.#closed) this.#onFailure(error)
  }

  /**
   * Runs what is queued, within a bound; returns whether anything ran. An exception goes to the
   * caller.
   */
  run(): boolean {
    if (this.#actions.length === 0) return false
    const count = Math.min(this.#actions.length, ACTIONS_PER_TURN_MAX)
    const actions = count === this.#actions.length ? this.#actions : this.#actions.slice(0, count)
    this.#actions = count === this.#actions.length ? [] : this.#actions.slice(count)
    for (const action of actions) {
      if (this.#closed) break
      this.processed++
      action()
    }
    return true
  }

  close(): void {
    this.#closed = true
    this.#actions = []
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
  }
}
