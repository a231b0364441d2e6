/**
 * A clock that stands still until a test moves it; timers fire in order of their time.
 * For tests only.
 */
import type { Clock } from '@millrace/platform'

/** Lets everything that waits on promises go as far as it can. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

export class ManualClock implements Clock {
  #nowMs = 1_000_000
  #timers: { atMs: number; action: () => void }[] = []

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  setTimer(delayMs: number, action: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), action }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  setImmediate(action: () => void): void {
    setImmediate(action)
  }

  processCpuMicros(): number {
    return 0
  }

  /** Time passes while the process sleeps: no timer fires before the next `advance`. */
  sleep(durationMs: number): void {
    this.#nowMs += durationMs
  }

  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs
    for (;;) {
      await settle()
      const next = this.#timers
        .filter(({ atMs }) => atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) break
      this.#timers.splice(this.#timers.indexOf(next), 1)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.action()
    }
    this.#nowMs = untilMs
    await settle()
  }
}
