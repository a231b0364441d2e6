/**
 * CodeSlots: dictionary code → slot, for tables with a single text key.
 *
 * The short cut before hash and index. Invariant: a cached slot is live: every cache is dropped
 * when the table's generation changes.
 */
import type { StringPool } from '@millrace/core'

export class CodeSlots {
  #known = new WeakMap<StringPool, Int32Array>()
  #generation = 0

  knows(pool: StringPool): boolean {
    return this.#known.has(pool)
  }

  /** Slots by code, 0: not known yet; for the pool as large as it is now. */
  of(pool: StringPool, generation: number): Int32Array {
    if (generation !== this.#generation) {
      this.#known = new WeakMap()
      this.#generation = generation
    }
    let slots = this.#known.get(pool)
    if (slots === undefined || slots.length < pool.size) {
      const grown = new Int32Array(Math.max(pool.size * 2, 64))
      if (slots !== undefined) grown.set(slots)
      slots = grown
      this.#known.set(pool, slots)
    }
    return slots
  }
}

/** Slots of rows by their codes, 0 where it is not known; gives for how many it is. */
export function knownSlots(
  known: Int32Array,
  codes: Int32Array,
  nulls: Uint8Array | null,
  rowCount: number,
  slots: Int32Array,
): number {
  let count = 0
  for (let i = 0; i < rowCount; i++) {
    const slot = nulls !== null && nulls[i] === 1 ? 0 : (known[codes[i] as number] as number)
    slots[i] = slot
    if (slot !== 0) count++
  }
  return count
}
