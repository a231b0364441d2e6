/**
 * Parts of all keys, by their hashes: what is too much for the memory is taken a part at a time.
 *
 * Invariants: a part of fewer is made of whole parts of more; parts cut across the hashes' upper
 * bits, which are an entry's place in an index, and across key groups.
 */
export const PARTS_BITS_MAX = 5
export const PARTS_MAX = 1 << PARTS_BITS_MAX

/** The part, of `parts` (a power of 2, at most `PARTS_MAX`), of a key with this hash. */
export function partOf(keyHash: number, parts: number): number {
  const finest = Math.imul(keyHash, 0x9e3779b1) >>> (32 - PARTS_BITS_MAX)
  return (finest * parts) >> PARTS_BITS_MAX
}
