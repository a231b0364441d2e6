/**
 * HeldTimers: the mailbox of an operator that feeds others, whose timers can be kept back.
 *
 * Behind the barrier of a savepoint that stops the job no timer may make rows: they would be in no
 * savepoint. Should the job go on after all, the timers that came meanwhile run then, in order.
 */
import type { Mailbox } from '@millrace/core'

export class HeldTimers implements Mailbox {
  readonly #mailbox: Mailbox
  /** Null: none is kept back. */
  #held: (() => void)[] | null = null

  constructor(mailbox: Mailbox) {
    this.#mailbox = mailbox
  }

  hold(): void {
    this.#held ??= []
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = null
    for (const action of held) this.#mailbox.post(action)
  }

  post(action: () => void): void {
    this.#mailbox.post(action)
  }

  schedule(delayMs: number, action: () => void): () => void {
    let isCancelled = false
    const due = (): void => {
      if (isCancelled) return
      if (this.#held === null) action()
      else this.#held.push(due)
    }
    const cancel = this.#mailbox.schedule(delayMs, due)
    return () => {
      isCancelled = true
      cancel()
    }
  }

  fail(error: unknown): void {
    this.#mailbox.fail(error)
  }
}
