/**
 * Scheduler: simulated time, as the simulated parts see it.
 *
 * The world's own never stops; a process's drops what is planned when the process is killed, and
 * holds it back while the process is paused.
 */
export interface Scheduler {
  /** True simulated time, ms, with fractions; not what a process believes the time to be. */
  readonly nowMs: number
  /** Runs `action` once, `delayMs` from now at the earliest; returns a cancel function. */
  after(delayMs: number, action: () => void): () => void
}

/** A promise that settles `delayMs` from now, unless the scheduler's process is gone by then. */
export function delay(scheduler: Scheduler, delayMs: number): Promise<void> {
  return new Promise((resolve) => void scheduler.after(delayMs, resolve))
}
