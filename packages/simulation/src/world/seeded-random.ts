/**
 * Randomness of a simulated run: xoshiro128** from one seed, split by name.
 *
 * `split('x')` depends on the seed and the name alone, not on how much was drawn before, so that a
 * new consumer does not shift what others draw.
 */
import type { Random } from '@millrace/platform'

export class SeededRandom implements Random {
  readonly #key: string
  readonly #state: Uint32Array

  constructor(key: string) {
    this.#key = key
    this.#state = stateOf(key)
  }

  split(name: string): SeededRandom {
    return new SeededRandom(`${this.#key}/${name}`)
  }

  /** Uniform over 32 bits. */
  uint32(): number {
    const s = this.#state
    const result = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9) >>> 0
    const shifted = s[1] << 9
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= shifted
    s[3] = rotateLeft(s[3], 11)
    return result
  }

  next(): number {
    return ((this.uint32() >>> 5) * 67_108_864 + (this.uint32() >>> 6)) / 9_007_199_254_740_992
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = this.uint32() >>> 24
    return bytes
  }

  /** An integer in [min, max]. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** Exponentially distributed with that mean. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean
  }

  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.next() * values.length)] as T
  }

  shuffled<T>(values: readonly T[]): T[] {
    const shuffled = [...values]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.between(0, i)
      const value = shuffled[i] as T
      shuffled[i] = shuffled[j] as T
      shuffled[j] = value
    }
    return shuffled
  }
}

/** Four words from a text: FNV-1a with four offsets, each finished by murmur3's mixer. */
function stateOf(key: string): Uint32Array {
  const state = new Uint32Array(4)
  for (let word = 0; word < 4; word++) {
    let hash = 0x811c9dc5 ^ Math.imul(word + 1, 0x9e3779b1)
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    state[word] = hash ^ (hash >>> 16)
  }
  if (state.every((word) => word === 0)) state[0] = 1
  return state
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
