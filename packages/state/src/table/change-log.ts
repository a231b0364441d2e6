/**
 * ChangeLog: what of a table was written, and which keys left it, between one checkpoint and the
 * next, entry by entry.
 *
 * A bit a slot: 1.25 bytes for each ten entries, and one store a row beside the page's mark. Each
 * freeze ends an interval; what changed since a checkpoint is what its interval and all later ones
 * hold together. An entry that comes and goes within one interval leaves nothing: no checkpoint has
 * it. Invariant: a closed interval does not change any more.
 */
import type { Column, Schema } from '@millrace/core'
import { RemovedKeys } from './removed-keys.ts'

/**
 * Checkpoints that may be built upon, at most: of those that failed nobody says so. Beyond it the
 * oldest but one are put together.
 */
const INTERVALS_MAX = 6

interface Interval {
  /** It begins where this checkpoint was frozen. */
  readonly from: number
  /** A bit a slot: its entry was written. */
  changed: Int32Array
  removed: readonly RemovedKeys[]
}

/** What entries leave. */
export interface LeftTable {
  isLive(slot: number): boolean
  keyHashOf(slot: number): number
  keyColumns(slots: Int32Array, from: number, to: number): Column[]
}

export interface Changes {
  /** A bit a slot; slots beyond its end are unchanged. */
  readonly changed: Int32Array
  /** Oldest first. Entries that are there count after them. */
  readonly removed: readonly RemovedKeys[]
}

export class ChangeLog {
  readonly #keySchema: Schema
  /** Oldest first; the open one is apart. */
  #closed: Interval[] = []
  #from: number
  #changed: Int32Array
  /** A bit a slot: its entry was made in the open interval. */
  #made: Int32Array
  #removed: RemovedKeys

  /** Begins where checkpoint `from` was frozen, or restored. */
  constructor(keySchema: Schema, from: number, slotCount: number) {
    this.#keySchema = keySchema
    this.#from = from
    this.#changed = new Int32Array((slotCount >>> 5) + 1)
    this.#made = new Int32Array(this.#changed.length)
    this.#removed = new RemovedKeys(keySchema)
  }

  get bytes(): number {
    let bytes = this.#changed.byteLength * 2 + this.#removed.bytes
    for (const { changed, removed } of this.#closed) {
      bytes += changed.byteLength
      for (const keys of removed) bytes += keys.bytes
    }
    return bytes
  }

  /** Room for `slotCount` slots. */
  reserve(slotCount: number): void {
    const words = (slotCount >>> 5) + 1
    if (words <= this.#changed.length) return
    this.#changed = grown(this.#changed, words)
    this.#made = grown(this.#made, words)
  }

  written(slots: Int32Array, count: number): void {
    const changed = this.#changed
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number
      const word = slot >>> 5
      changed[word] = (changed[word] as number) | (1 << (slot & 31))
    }
  }

  writtenOne(slot: number): void {
    const word = slot >>> 5
    this.#changed[word] = (this.#changed[word] as number) | (1 << (slot & 31))
  }

  /** Entries that came to be; they are `written` as well. */
  made(slots: Int32Array, count: number): void {
    const made = this.#made
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number
      const word = slot >>> 5
      made[word] = (made[word] as number) | (1 << (slot & 31))
    }
  }

  /** These slots stand for entries that were there before. */
  unmade(slots: Int32Array, count: number): void {
    const made = this.#made
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number
      const word = slot >>> 5
      made[word] = (made[word] as number) & ~(1 << (slot & 31))
    }
  }

  /** A byte for each slot: 1 where it was written since the oldest checkpoint that is known. */
  changedAmong(slots: Int32Array): Uint8Array {
    const among = new Uint8Array(slots.length)
    for (const bits of [this.#changed, ...this.#closed.map(({ changed }) => changed)]) {
      for (let i = 0; i < slots.length; i++) {
        const slot = slots[i] as number
        const word = bits[slot >>> 5] ?? 0
        among[i] = (among[i] as number) | ((word >>> (slot & 31)) & 1)
      }
    }
    return among
  }

  /** Entries are about to go: keeps the keys of those that a checkpoint may have. */
  leaving(table: LeftTable, slots: Int32Array, count: number): void {
    const made = this.#made
    const going = new Int32Array(count)
    let kept = 0
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number
      const isNew = ((made[slot >>> 5] as number) & (1 << (slot & 31))) !== 0
      if (slot !== 0 && !isNew && table.isLive(slot)) going[kept++] = slot
    }
    if (kept === 0) return
    const keyHashes = new Int32Array(kept)
    for (let i = 0; i < kept; i++) keyHashes[i] = table.keyHashOf(going[i] as number)
    this.#removed.append(table.keyColumns(going, 0, kept), kept, keyHashes)
  }

  /** Whether `since` would give something for a checkpoint, once this interval is cut. */
  knows(since: number): boolean {
    return this.#from === since || this.#closed.some(({ from }) => from === since)
  }

  /** Checkpoint `id` is frozen now. */
  cut(id: number): void {
    const [changed, removed] = [this.#changed, this.#removed]
    const kept = removed.count === 0 ? [] : [removed]
    this.#closed.push({ from: this.#from, changed, removed: kept })
    this.#from = id
    this.#changed = new Int32Array(changed.length)
    this.#made = new Int32Array(changed.length)
    if (removed.count > 0) this.#removed = new RemovedKeys(this.#keySchema)
    while (this.#closed.length > INTERVALS_MAX) {
      const [oldest, next] = this.#closed as [Interval, Interval]
      const together = [...oldest.removed, ...next.removed]
      oldest.changed = either([oldest.changed, next.changed])
      oldest.removed = together
      this.#closed.splice(1, 1)
    }
  }

  /**
   * What closed intervals say from the freeze of checkpoint `since` on; null when it is not known
   * any more. All before that is forgotten: nobody builds upon an older one again.
   */
  since(since: number): Changes | null {
    const first = this.#closed.findIndex(({ from }) => from === since)
    if (first < 0) return null
    this.#closed.splice(0, first)
    const changed = either(this.#closed.map((interval) => interval.changed))
    return { changed, removed: this.#closed.flatMap(({ removed }) => removed) }
  }
}

function grown(bits: Int32Array, words: number): Int32Array {
  const larger = new Int32Array(words * 2)
  larger.set(bits)
  return larger
}

/** Not a copy when there is but one. */
function either(sets: readonly Int32Array[]): Int32Array {
  const [only, ...more] = sets as [Int32Array, ...Int32Array[]]
  if (more.length === 0) return only
  const words = Math.max(...sets.map(({ length }) => length))
  const all = new Int32Array(words)
  for (const bits of sets) {
    for (let w = 0; w < bits.length; w++) all[w] = (all[w] as number) | (bits[w] as number)
  }
  return all
}

/** The slots below `slotCount` whose bit is set, ascending. */
export function slotsIn(bits: Int32Array, slotCount: number): Int32Array {
  let count = 0
  for (let w = 0; w < bits.length; w++) count += bitCount(bits[w] as number)
  const slots = new Int32Array(count)
  let at = 0
  for (let w = 0; w < bits.length; w++) {
    for (let rest = bits[w] as number; rest !== 0; rest &= rest - 1) {
      const slot = (w << 5) + (31 - Math.clz32(rest & -rest))
      if (slot < slotCount) slots[at++] = slot
    }
  }
  return slots.subarray(0, at)
}

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
