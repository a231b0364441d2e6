/**
 * Rates: how much values that only grow grow a second.
 *
 * Taken over the time since the last report but at least a second, so that they read "per second"
 * whoever asks how often.
 */

/** Rates are taken over at least this long. */
const WINDOW_MS_MIN = 1000

interface Reading {
  readonly atMs: number
  readonly values: ReadonlyMap<string, number>
}

export class Rates {
  #from: Reading
  #to: Reading

  constructor(nowMs: number) {
    this.#from = { atMs: nowMs, values: new Map() }
    this.#to = this.#from
  }

  /** By name, per second; a value that is read for the first time began at 0. */
  read(nowMs: number, values: ReadonlyMap<string, number>): (name: string) => number {
    const now = { atMs: nowMs, values }
    if (nowMs - this.#to.atMs >= WINDOW_MS_MIN) {
      this.#from = this.#to
      this.#to = now
    }
    const from = nowMs - this.#to.atMs >= WINDOW_MS_MIN / 2 ? this.#to : this.#from
    const seconds = Math.max(0.001, (nowMs - from.atMs) / 1000)
    return (name) => ((values.get(name) ?? 0) - (from.values.get(name) ?? 0)) / seconds
  }
}
