/**
 * DueTimes: the times that have entries, and how many each, the earliest first.
 *
 * Invariant: a time is in the heap once while it is known; one whose entries have gone stays known,
 * with none, until it is the first.
 */
import { TimeHeap } from './time-heap.ts'

export class DueTimes {
  readonly #counts = new Map<number, number>()
  readonly #heap = new TimeHeap()

  /** Of times, those included that have no entries any more. */
  get size(): number {
    return this.#counts.size
  }

  /** Infinity: there is none. */
  get firstMs(): number {
    for (;;) {
      const first = this.#heap.first
      const count = this.#counts.get(first)
      if (count === undefined || count > 0) return first
      this.#counts.delete(first)
      this.#heap.removeFirst()
    }
  }

  countAt(timeMs: number): number {
    return this.#counts.get(timeMs) ?? 0
  }

  add(timeMs: number): void {
    const count = this.#counts.get(timeMs)
    if (count === undefined) this.#heap.add(timeMs)
    this.#counts.set(timeMs, (count ?? 0) + 1)
  }

  remove(timeMs: number, count: number): void {
    if (count > 0) this.#counts.set(timeMs, (this.#counts.get(timeMs) as number) - count)
  }

  clear(): void {
    this.#counts.clear()
    this.#heap.clear()
  }
}
