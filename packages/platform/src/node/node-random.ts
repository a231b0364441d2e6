/** Randomness from the operating system: ids, jitter, leader election. */
import { getRandomValues } from 'node:crypto'
import type { Random } from '../platform.ts'

const words = new Uint32Array(2)

export const nodeRandom: Random = {
  next() {
    getRandomValues(words)
    // 53 random bits, the precision of a double in [0, 1).
    return ((words[0] >>> 5) * 67108864 + (words[1] >>> 6)) / 9007199254740992
  },
  bytes: (length) => getRandomValues(new Uint8Array(length)),
}
