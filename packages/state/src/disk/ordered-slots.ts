/**
 * Entries of the cache in the order of a run: ascending hashes, or that of `RecordOrder`.
 *
 * Known to whoever writes entries out: eviction, and a checkpoint of what is not on disk yet.
 */
import { giveBack } from '../table/give-back.ts'
import { LIVE } from '../table/record-layout.ts'
import type { ResidentTable } from '../table/resident-table.ts'
import { CachedRecords } from './cached-records.ts'
import { PARTITIONS, partitionIndexOf } from './disk-runs.ts'
import type { BlockShape } from './record-block.ts'
import type { RecordOrder, RecordSource } from './record-order.ts'

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
  giveBack(keys)
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

/** A smaller table is counted whole, of a larger one a part. */
const SLOTS_COUNTED = 4096
const SAMPLE_STEP = 8

/**
 * Slots of the partition that has most entries in the cache. Of a table with sub columns they are
 * not alike: all entries of a key are in one.
 */
export function fullestPartition(cache: ResidentTable): {
  readonly index: number
  readonly slots: Int32Array
} {
  const { layout, memory, topSlot } = cache
  const { ints, stride } = memory
  const counts = new Int32Array(PARTITIONS)
  const step = topSlot > SLOTS_COUNTED ? SAMPLE_STEP : 1
  for (let slot = 1; slot < topSlot; slot += step) {
    const at = slot * stride * 2
    if (((ints[at + 1] as number) & LIVE) === 0) continue
    const index = partitionIndexOf(ints[at + layout.keyHashInt] as number)
    counts[index] = (counts[index] as number) + 1
  }
  const fullest = counts.indexOf(Math.max(...counts))
  const slots = new Int32Array(cache.size)
  let count = 0
  for (let slot = 1, at = stride * 2; slot < topSlot; slot++, at += stride * 2) {
    if (((ints[at + 1] as number) & LIVE) === 0) continue
    if (partitionIndexOf(ints[at + layout.keyHashInt] as number) === fullest) slots[count++] = slot
  }
  return { index: fullest, slots: slots.subarray(0, count) }
}

/** Slots of the cache in the order of a run. */
export function orderSlots(
  cache: ResidentTable,
  { order }: BlockShape,
  slots: Int32Array,
): Int32Array {
  if (order === null) {
    const { places, hashes } = orderByHash(slots, (slot) => cache.hashOf(slot))
    giveBack(hashes)
    return places
  }
  const records = new CachedRecords(cache.memory, cache.texts)
  return orderRecords(order, records, slots, records.strideInts)
}

/** Places of records of `source`, `strideInts` integers each, in their order. */
export function orderRecords(
  order: RecordOrder,
  source: RecordSource,
  places: Int32Array,
  strideInts: number,
): Int32Array {
  const { keyHashInt } = order
  const { ints } = source
  const hashOf = (place: number): number => ints[place * strideInts + keyHashInt] as number
  const { places: ordered, hashes } = orderByHash(places, hashOf)
  const compare = (a: number, b: number): number =>
    order.compareFields(source, a * strideInts, source, b * strideInts)
  for (let from = 0, to = 1; from < ordered.length; from = to++) {
    while (to < ordered.length && hashes[to] === hashes[from]) to++
    if (to - from > 1) ordered.subarray(from, to).sort(compare)
  }
  return ordered
}
