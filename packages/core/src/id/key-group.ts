/**
 * Key → key group → subtask.
 *
 * A key's 32-bit hash is scrambled with Murmur3's finalizer and taken modulo max parallelism; each
 * subtask owns one contiguous range of groups, so rescaling moves whole groups and never splits
 * one. Hashes come from `hashBytes` (strings, over their UTF-8 bytes) and the generated
 * multi-column hash, which must agree between producer and consumer of an exchange.
 */

/** Contiguous, inclusive. */
export interface KeyGroupRange {
  readonly start: number
  readonly end: number
}

/** Murmur3 32-bit finalizer; result unsigned. */
export function mix32(hash: number): number {
  let h = hash | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Murmur3 x86_32, seed 0, over `bytes[start … start + length)`; result a signed 32-bit integer. */
export function hashBytes(bytes: Uint8Array, start: number, length: number): number {
  let h = 0
  const blocksEnd = start + (length & ~3)
  let i = start
  for (; i < blocksEnd; i += 4) {
    let k =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24)
    k = Math.imul(k, 0xcc9e2d51)
    k = (k << 15) | (k >>> 17)
    h ^= Math.imul(k, 0x1b873593)
    h = (h << 13) | (h >>> 19)
    h = (Math.imul(h, 5) + 0xe6546b64) | 0
  }
  const tail = length & 3
  if (tail > 0) {
    let k = bytes[i] as number
    if (tail > 1) k |= (bytes[i + 1] as number) << 8
    if (tail > 2) k |= (bytes[i + 2] as number) << 16
    k = Math.imul(k, 0xcc9e2d51)
    k = (k << 15) | (k >>> 17)
    h ^= Math.imul(k, 0x1b873593)
  }
  return mix32(h ^ length) | 0
}

const floatView = new Float64Array(1)
const floatWords = new Int32Array(floatView.buffer)

/** Hash of a NaN: its bits differ (0/0 and the constant, by the sign), and all are one key. */
const NAN_HASH = mix32(0x7ff80000) | 0

/**
 * Hash of a double (also timestamps): its two words; -0 hashes as 0, though it is a key of its own.
 */
export function hashFloat64(value: number): number {
  // biome-ignore lint/suspicious/noSelfCompare: true of NaN alone, and without a call
  if (value !== value) return NAN_HASH
  floatView[0] = value === 0 ? 0 : value
  return mix32(Math.imul(floatWords[0] as number, 0x9e3779b1) ^ (floatWords[1] as number)) | 0
}

/** Hash of a 32-bit integer or boolean. */
export function hashInt32(value: number): number {
  return mix32(Math.imul(value | 0, 0x9e3779b1)) | 0
}

/** Hash of a 64-bit integer. */
export function hashInt64(value: bigint): number {
  return hashInt64Halves(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)))
}

/** As `hashInt64`, of the lower and the upper 32 bits. */
export function hashInt64Halves(low: number, high: number): number {
  return mix32(Math.imul(low, 0x9e3779b1) ^ high) | 0
}

/** Hash of a NULL key column. */
export const NULL_HASH = 0x5bd1e995 | 0

/** Folds the hash of the next key column into that of the ones before (start with 0). */
export function combineHash(hash: number, next: number): number {
  return (Math.imul(hash, 31) + next) | 0
}

export function keyGroupOf(keyHash: number, maxParallelism: number): number {
  return mix32(keyHash) % maxParallelism
}

export function keyGroupRangeOf(
  subtaskIndex: number,
  parallelism: number,
  maxParallelism: number,
): KeyGroupRange {
  const start = Math.floor((subtaskIndex * maxParallelism + parallelism - 1) / parallelism)
  const end = Math.floor(((subtaskIndex + 1) * maxParallelism - 1) / parallelism)
  return { start, end }
}

export function subtaskOfKeyGroup(
  keyGroup: number,
  parallelism: number,
  maxParallelism: number,
): number {
  return Math.floor((keyGroup * parallelism) / maxParallelism)
}
