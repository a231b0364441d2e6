/**
 * CachedSlots: the entries that a frozen disk table had in its cache, dealt to partitions.
 *
 * For the segment writer, behind the barrier: some slots a step, since the cache may have millions.
 */
import type { FrozenRecords } from '../table/frozen-records.ts'
import { giveBack } from '../table/give-back.ts'
import type { FrozenPlaces } from './entry-runs.ts'

export class CachedSlots {
  readonly #cached: FrozenRecords
  /** A bit a slot: only these count; null: all. */
  readonly #changed: Int32Array | null
  readonly #indexOf: (keyHash: number, timeMs: number) => number
  /** Word of a record with the time at which the entry is due; -1: none. */
  readonly #timeWord: number
  readonly #counts: Int32Array
  readonly #slots: Int32Array[]
  readonly #hashes = new Int32Array(SLOTS_A_STEP)
  readonly #live = new Uint8Array(SLOTS_A_STEP)
  readonly #times = new Float64Array(SLOTS_A_STEP)
  /** Counting first, then dealing: a slot each, and the next one. */
  #counted = 1
  #dealt = 1

  constructor(
    cached: FrozenRecords,
    changed: Int32Array | null,
    { indexOf, partitions }: FrozenPlaces,
    timeWord: number,
  ) {
    this.#cached = cached
    this.#changed = changed
    this.#indexOf = indexOf
    this.#timeWord = timeWord
    this.#counts = new Int32Array(partitions.length)
    this.#slots = Array.from(partitions, () => NONE)
  }

  /** Goes on with `SLOTS_A_STEP` slots; gives whether all are dealt. */
  deal(): boolean {
    const { positionCount } = this.#cached
    if (this.#counted < positionCount) {
      const from = this.#counted
      this.#counted = Math.min(positionCount, from + SLOTS_A_STEP)
      this.#partition(from, this.#counted, null)
      if (this.#counted < positionCount) return false
      for (const [index, count] of this.#counts.entries()) {
        this.#slots[index] = new Int32Array(count)
      }
      this.#counts.fill(0)
      return false
    }
    const from = this.#dealt
    this.#dealt = Math.min(positionCount, from + SLOTS_A_STEP)
    this.#partition(from, this.#dealt, this.#slots)
    return this.#dealt === positionCount
  }

  /** Once all are dealt. */
  slotsOf(index: number): Int32Array {
    return this.#slots[index] as Int32Array
  }

  forget(index: number): void {
    const slots = this.#slots[index] as Int32Array
    if (slots !== NONE) giveBack(slots)
    this.#slots[index] = NONE
  }

  /** Counts slots from … to by partition, and puts them there. */
  #partition(from: number, to: number, into: readonly Int32Array[] | null): void {
    const counts = this.#counts
    const changed = this.#changed
    const [hashes, live, times] = [this.#hashes, this.#live, this.#times]
    this.#cached.keyHashes(from, to, hashes, live)
    if (this.#timeWord >= 0) this.#cached.doubles(from, to, this.#timeWord, times)
    for (let slot = from; slot < to; slot++) {
      if (live[slot - from] === 0) continue
      if (changed !== null && (((changed[slot >>> 5] ?? 0) >>> (slot & 31)) & 1) === 0) continue
      const index = this.#indexOf(hashes[slot - from] as number, times[slot - from] as number)
      const place = counts[index] as number
      counts[index] = place + 1
      if (into !== null) (into[index] as Int32Array)[place] = slot
    }
  }
}

/** About a millisecond. */
const SLOTS_A_STEP = 32_768
const NONE = new Int32Array(0)
