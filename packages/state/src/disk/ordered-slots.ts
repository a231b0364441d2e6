/**
 * Entries of the cache in the order of a run: ascending hashes.
 *
 * Known to whoever writes entries out: eviction, and a checkpoint of what is not on disk yet.
 */
/** Places (slots, or positions of a frozen table) in ascending order of their hashes. */
export function orderByHash(
  places: Int32Array,
  hashOf: (place: number) => number,
): { readonly places: Int32Array; readonly hashes: Int32Array } {
  const count = places.length
  if (count > NUMBERS) return orderMany(places, hashOf)
  // Hash and number in one double: sorting numbers is native.
  const keys = new Float64Array(count)
  for (let i = 0; i < count; i++) keys[i] = (hashOf(places[i] as number) >>> 0) * NUMBERS + i
  keys.sort()
  const ordered = new Int32Array(count)
  const hashes = new Int32Array(count)
  for (let n = 0; n < count; n++) {
    const key = keys[n] as number
    const hash = Math.floor(key / NUMBERS)
    ordered[n] = places[key - hash * NUMBERS] as number
    hashes[n] = hash
  }
  return { places: ordered, hashes }
}

function orderMany(
  places: Int32Array,
  hashOf: (place: number) => number,
): { readonly places: Int32Array; readonly hashes: Int32Array } {
  const ordered = places.slice().sort((a, b) => (hashOf(a) >>> 0) - (hashOf(b) >>> 0))
  return { places: ordered, hashes: ordered.map(hashOf) }
}

/** Entries of a partition: 2^21 by 2^32 is what a double tells apart. */
const NUMBERS = 2_097_152
