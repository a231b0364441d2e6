/**
 * TaskTiming: how a subtask spends its time — busy, idle (no input) or backpressured (output or an
 * operator is full).
 *
 * One clock reading a step. Invariant: the three sum up to the time that has passed, so per second
 * they sum up to 1000 ms; time in which a subtask could run but waits for its turn counts as busy.
 */
export type TimingKind = 'busy' | 'idle' | 'backpressured'

export class TaskTiming {
  busyMs = 0
  idleMs = 0
  backPressuredMs = 0
  #kind: TimingKind = 'idle'
  #longestBackPressuredMs = 0
  #sinceMs: number

  constructor(nowMs: number) {
    this.#sinceMs = nowMs
  }

  get kind(): TimingKind {
    return this.#kind
  }

  /** The longest time without a break, since it was asked for last. */
  takeLongestBackPressuredMs(): number {
    const longestMs = this.#longestBackPressuredMs
    this.#longestBackPressuredMs = 0
    return longestMs
  }

  /** From `nowMs` (monotonic) on the subtask is `kind`. */
  enter(kind: TimingKind, nowMs: number): void {
    const elapsed = nowMs - this.#sinceMs
    if (this.#kind === 'busy') this.busyMs += elapsed
    else if (this.#kind === 'idle') this.idleMs += elapsed
    else {
      this.backPressuredMs += elapsed
      this.#longestBackPressuredMs = Math.max(this.#longestBackPressuredMs, elapsed)
    }
    this.#kind = kind
    this.#sinceMs = nowMs
  }
}
