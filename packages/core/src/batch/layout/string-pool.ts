/**
 * Entries of a StringPool: made, copied, compared.
 *
 * Under the layout of texts, the dictionaries of keys and of generated code, and MIN and MAX over
 * texts. Invariant: a pool that these functions append to is written by them alone, so `used` is
 * where its free bytes begin.
 */
import { StringPool } from '../column.ts'
import { encodeUtf8Into } from '../utf8.ts'
import { growArray } from './grow-array.ts'

/** An empty pool with room for `entries` entries of `bytes` bytes in all. */
export function allocateStringPool(entries: number, bytes: number): StringPool {
  return new StringPool(
    new Uint8Array(bytes),
    new Int32Array(entries),
    new Int32Array(entries),
    0,
    0,
  )
}

/** Appends a text; its entry. */
export function appendText(pool: StringPool, text: string): number {
  const at = nextEntry(pool)
  storeText(pool, at, text)
  return at
}

/** Entry `at` becomes a copy of entry `entry` of `source`. */
export function storeEntry(pool: StringPool, at: number, source: StringPool, entry: number): void {
  const length = source.lengths[entry] as number
  const start = reserveBytes(pool, length)
  copyBytes(source.bytes, source.starts[entry] as number, pool.bytes, start, length)
  place(pool, at, start, length)
}

/** Entry `at` becomes `text`. */
export function storeText(pool: StringPool, at: number, text: string): void {
  const start = reserveBytes(pool, text.length * 3)
  place(pool, at, start, encodeUtf8Into(text, pool.bytes, start))
}

export function growPool(pool: StringPool, entries: number): void {
  pool.starts = growArray(pool.starts, entries)
  pool.lengths = growArray(pool.lengths, entries)
}

function nextEntry(pool: StringPool): number {
  if (pool.size === pool.starts.length) growPool(pool, pool.size + 1)
  return pool.size
}

function reserveBytes(pool: StringPool, count: number): number {
  const { used } = pool
  if (used + count > pool.bytes.length) pool.bytes = growArray(pool.bytes, used + count)
  return used
}

function place(pool: StringPool, at: number, start: number, length: number): void {
  pool.starts[at] = start
  pool.lengths[at] = length
  pool.used = start + length
  if (at >= pool.size) pool.size = at + 1
}

/** start, start + 1, …, end - 1. */
export function rangeOf(start: number, end: number): Int32Array {
  const indexes = new Int32Array(end - start)
  for (let i = 0; i < indexes.length; i++) indexes[i] = start + i
  return indexes
}

/** A pool whose entry i is entry `indexes[i]`, its bytes packed; entries of NULL rows are empty. */
export function gatherPool(
  pool: StringPool,
  indexes: Int32Array,
  count: number,
  nulls: Uint8Array | null,
): StringPool {
  const starts = new Int32Array(count)
  const lengths = new Int32Array(count)
  let total = 0
  for (let i = 0; i < count; i++) {
    starts[i] = total
    if (nulls !== null && nulls[i] === 1) continue
    const length = pool.lengths[indexes[i] as number] as number
    lengths[i] = length
    total += length
  }
  const bytes = new Uint8Array(total)
  for (let i = 0; i < count; i++) {
    const length = lengths[i] as number
    if (length > 0) {
      copyBytes(pool.bytes, pool.starts[indexes[i] as number] as number, bytes, starts[i]!, length)
    }
  }
  return new StringPool(bytes, starts, lengths, count)
}

export function sameEntries(a: StringPool, p: number, b: StringPool, q: number): boolean {
  const length = a.lengths[p] as number
  if (length !== b.lengths[q]) return false
  const from = a.starts[p] as number
  const other = b.starts[q] as number
  const x = a.bytes
  const y = b.bytes
  for (let i = 0; i < length; i++) if (x[from + i] !== y[other + i]) return false
  return true
}

/**
 * Below 0, 0 or above 0, as entry p of `a` is smaller, equal or larger than entry q of `b`: by
 * UTF-8 bytes, unsigned.
 */
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

/** Copies a short run of bytes; a loop beats `set(subarray)` below about 48 bytes. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  target: Uint8Array,
  at: number,
  length: number,
): void {
  if (length > 48) {
    target.set(source.subarray(start, start + length), at)
    return
  }
  for (let i = 0; i < length; i++) target[at + i] = source[start + i] as number
}
