/**
 * TextHeap: the texts of a table, keys and values, as entries of an append-only pool; a record's
 * word holds the entry, or -1 for NULL.
 *
 * Order is that of UTF-8 bytes, unsigned. Entries never change, so a column may point into the pool
 * while the table goes on. Entries that no record holds any more are garbage until the owner moves
 * what is left into a new heap.
 */
import { allocateStringPool, copyBytes, growArray, type StringPool } from '@millrace/core'

const GARBAGE_BYTES_MIN = 64 * 1024

export class TextHeap {
  pool: StringPool = allocateStringPool(16, 256)
  #bytesUsed = 0
  /** Bytes of entries that were dropped. */
  garbageBytes = 0

  get bytesUsed(): number {
    return this.#bytesUsed
  }

  /** Bytes of memory taken. */
  get bytes(): number {
    return this.pool.bytes.length + this.pool.starts.length * 8
  }

  /** Worth moving what is left. */
  get isMostlyGarbage(): boolean {
    return this.garbageBytes >= GARBAGE_BYTES_MIN && this.garbageBytes * 2 >= this.#bytesUsed
  }

  /** The entry is in no record any more. */
  drop(entry: number): void {
    if (entry >= 0) this.garbageBytes += (this.pool.lengths[entry] as number) + 8
  }

  /**
   * The entry to hold afterwards: `held`, or a copy of the other when there is none or it is
   * smaller (`sign` 1) or larger (-1).
   */
  pick(held: number, other: StringPool, entry: number, sign: number): number {
    if (held >= 0 && compareEntries(other, entry, this.pool, held) * sign >= 0) return held
    this.drop(held)
    return this.add(other, entry)
  }

  add(source: StringPool, entry: number): number {
    const { pool } = this
    const length = source.lengths[entry] as number
    const start = this.#bytesUsed
    if (start + length > pool.bytes.length) pool.bytes = growArray(pool.bytes, start + length)
    if (pool.size === pool.starts.length) {
      pool.starts = growArray(pool.starts, pool.size + 1)
      pool.lengths = growArray(pool.lengths, pool.size + 1)
    }
    copyBytes(source.bytes, source.starts[entry] as number, pool.bytes, start, length)
    pool.starts[pool.size] = start
    pool.lengths[pool.size] = length
    this.#bytesUsed = start + length
    return pool.size++
  }
}

/** Below 0, 0 or above 0, as entry p of `a` is smaller, equal or larger than entry q of `b`. */
export function compareEntries(a: StringPool, p: number, b: StringPool, q: number): number {
  const aLength = a.lengths[p] as number
  const bLength = b.lengths[q] as number
  const from = a.starts[p] as number
  const other = b.starts[q] as number
  const common = Math.min(aLength, bLength)
  for (let i = 0; i < common; i++) {
    const difference = (a.bytes[from + i] as number) - (b.bytes[other + i] as number)
    if (difference !== 0) return difference
  }
  return aLength - bLength
}
