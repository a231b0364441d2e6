/**
 * Append-only dictionary of byte strings: bytes → code, open addressing, no JavaScript string.
 *
 * Stands under STRING columns while few different values occur. Its pool lives across batches and
 * codes never change, so consumers cache per-code results (key group, group slot) under the
 * pool's identity.
 */
import { allocateStringPool, hashBytes, type StringPool } from '@millrace/core'

/**
 * Words a slot: hash, code + 1 (0 when free), start and length in the pool; together, so that a hit
 * reads one cache line.
 */
const SLOT_WORDS = 4

/** Places to remember texts at, see `predictions`. */
export const PREDICTIONS = 4096

export class StringDictionary {
  readonly pool: StringPool
  /**
   * Five words a place: sixteen bytes of a record from the text's first on, then `(code + 1) * 16 +
   * length`. Filled and looked up by generated scanners, which choose the place; a later text takes
   * the place of an earlier one.
   */
  readonly predictions = new Int32Array(PREDICTIONS * 5)
  view: DataView
  /** Power of two slots, at most a quarter of them in use. */
  slots: Int32Array
  mask: number

  constructor() {
    this.pool = allocateStringPool(256, 4096)
    this.view = new DataView(this.pool.bytes.buffer)
    this.slots = new Int32Array(1024 * SLOT_WORDS)
    this.mask = 1023
  }

  /**
   * The code of `b[p … p + n)`, added when it is new. `v` views the same bytes as `b`.
   *
   * Texts of 4 to 16 bytes (most keys) are taken as four words that overlap as their length asks:
   * no loop, and no branch that a mix of lengths would mispredict.
   */
  code(b: Uint8Array, v: DataView, p: number, n: number): number {
    if (n < 4 || n > 16) return this.codeOfAnyLength(b, p, n)
    const second = n < 8 ? n - 4 : 4
    const third = n < 8 ? 0 : n - 8
    const w0 = v.getInt32(p, true)
    const w1 = v.getInt32(p + second, true)
    const w2 = v.getInt32(p + third, true)
    const w3 = v.getInt32(p + n - 4, true)
    let h = (Math.imul(w0, 0x9e3779b1) + Math.imul(w1, 0x85ebca77) + n) | 0
    h = (h + Math.imul(w2, 0xc2b2ae3d) + Math.imul(w3, 0x27d4eb2f)) | 0
    // High bits must reach the low bits of the slot: numbered ids differ there.
    h ^= h >>> 16
    h = Math.imul(h, 0x85ebca6b)
    h ^= h >>> 15
    const { slots, mask, view } = this
    let slot = h & mask
    for (;;) {
      const at = slot << 2
      const entry = slots[at + 1] as number
      if (entry === 0) return this.add(b, p, n, h, at)
      if (slots[at] === h && slots[at + 3] === n) {
        const start = slots[at + 2] as number
        const difference =
          (view.getInt32(start, true) ^ w0) |
          (view.getInt32(start + second, true) ^ w1) |
          (view.getInt32(start + third, true) ^ w2) |
          (view.getInt32(start + n - 4, true) ^ w3)
        if (difference === 0) return entry - 1
      }
      slot = (slot + 1) & mask
    }
  }

  /**
   * Remembers that the text of `n` < 16 bytes at `p`, quote and what follows included, has `code`.
   */
  predict(place: number, v: DataView, p: number, n: number, code: number): void {
    const { predictions } = this
    const at = place * 5
    for (let i = 0; i < 4; i++) predictions[at + i] = v.getInt32(p + 4 * i, true)
    predictions[at + 4] = (code + 1) * 16 + n
  }

  private codeOfAnyLength(b: Uint8Array, p: number, n: number): number {
    const h = hashBytes(b, p, n)
    const { slots, mask } = this
    const { bytes } = this.pool
    let slot = h & mask
    probe: for (;;) {
      const at = slot << 2
      const entry = slots[at + 1] as number
      if (entry === 0) return this.add(b, p, n, h, at)
      slot = (slot + 1) & mask
      if (slots[at] !== h || slots[at + 3] !== n) continue
      const start = slots[at + 2] as number
      for (let i = 0; i < n; i++) if (bytes[start + i] !== b[p + i]) continue probe
      return entry - 1
    }
  }

  private add(b: Uint8Array, p: number, n: number, h: number, at: number): number {
    const pool = this.pool
    const code = pool.size
    if (code === pool.starts.length) {
      const starts = new Int32Array(code * 2)
      starts.set(pool.starts)
      const lengths = new Int32Array(code * 2)
      lengths.set(pool.lengths)
      pool.starts = starts
      pool.lengths = lengths
    }
    const start = pool.used
    if (start + n > pool.bytes.length) {
      const bytes = new Uint8Array(Math.max(pool.bytes.length * 2, start + n))
      bytes.set(pool.bytes)
      pool.bytes = bytes
      this.view = new DataView(bytes.buffer)
    }
    pool.bytes.set(b.subarray(p, p + n), start)
    pool.starts[code] = start
    pool.lengths[code] = n
    pool.used = start + n
    pool.size = code + 1
    const { slots } = this
    slots[at] = h
    slots[at + 1] = code + 1
    slots[at + 2] = start
    slots[at + 3] = n
    if (pool.size * 4 > this.mask) this.rehash()
    return code
  }

  private rehash(): void {
    const old = this.slots
    const mask = this.mask * 2 + 1
    const slots = new Int32Array((mask + 1) * SLOT_WORDS)
    for (let from = 0; from < old.length; from += SLOT_WORDS) {
      if (old[from + 1] === 0) continue
      let slot = (old[from] as number) & mask
      while (slots[slot * SLOT_WORDS + 1] !== 0) slot = (slot + 1) & mask
      slots.set(old.subarray(from, from + SLOT_WORDS), slot * SLOT_WORDS)
    }
    this.slots = slots
    this.mask = mask
  }
}
