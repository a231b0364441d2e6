/**
 * KeyFilter: whether a run may hold a key, by the key's hash: never "no" for one that is there.
 *
 * A split-block Bloom filter: a hash has one bit in each of the eight words of its block, half a
 * cache line, so that a question is one cache miss. 12 bits a key let about one of 200 hashes pass
 * that are not there.
 */
import { giveBack } from '../table/give-back.ts'

const WORDS = 8
const BITS_A_KEY = 12
/** Odd constants, one a word, that spread a hash over the 32 bits of the word. */
const SALTS = Int32Array.of(
  0x47b6137b,
  0x44974d91,
  0x8824ad5b,
  0xa2b7289d,
  0x705495c7,
  0x2df1424b,
  0x9efc4947,
  0x5c6bfb31,
)

export class KeyFilter {
  readonly #words: Int32Array
  readonly #blocks: number

  constructor(keyCount: number) {
    this.#blocks = Math.max(1, Math.ceil((keyCount * BITS_A_KEY) / (WORDS * 32)))
    this.#words = new Int32Array(this.#blocks * WORDS)
  }

  get bytes(): number {
    return this.#words.byteLength
  }

  /** It is asked no more. */
  giveBack(): void {
    giveBack(this.#words)
  }

  add(hash: number): void {
    const at = this.#blockOf(hash)
    for (let w = 0; w < WORDS; w++) {
      const bit = 1 << (Math.imul(hash, SALTS[w] as number) >>> 27)
      this.#words[at + w] = (this.#words[at + w] as number) | bit
    }
  }

  mayHave(hash: number): boolean {
    const at = this.#blockOf(hash)
    for (let w = 0; w < WORDS; w++) {
      const bit = 1 << (Math.imul(hash, SALTS[w] as number) >>> 27)
      if (((this.#words[at + w] as number) & bit) === 0) return false
    }
    return true
  }

  /** The hashes of a run have some bits in common: all of them together choose the block. */
  #blockOf(hash: number): number {
    const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    const spread = (mixed ^ (mixed >>> 13)) >>> 0
    return Math.floor((spread / 4_294_967_296) * this.#blocks) * WORDS
  }
}
