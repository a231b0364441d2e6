/**
 * FrozenDiskTable: a disk table as it was at a barrier, for the segment writer.
 *
 * Runs never change and are retained; what was in the cache is a frozen resident table. Partitions
 * are merged one after another, as far as positions are asked for, and rows are forgotten when they
 * have been written: positions ascend. Positions: partition after partition, as many each as its
 * runs and cache have rows; those that the merge does not need are without an entry. Invariant: an
 * entry has one position.
 */
import {
  ColumnBatch,
  type FrozenTable,
  keyGroupOf,
  NO_KEY_GROUP,
  type Schema,
  type StoredExpiry,
} from '@millrace/core'
import type { FrozenRecords } from '../table/frozen-records.ts'
import { giveBack } from '../table/give-back.ts'
import { copyInts, gatherField } from '../table/record-columns.ts'
import { TextHeap } from '../table/text-heap.ts'
import { CachedSlots } from './cached-slots.ts'
import { GONE } from './entry-flags.ts'
import type { FrozenPlaces, FrozenRun } from './entry-runs.ts'
import { FrozenPartition } from './frozen-partition.ts'
import type { MergeSettings } from './merge-runs.ts'
import { orderByHash, orderRecords } from './ordered-slots.ts'
import { BlockBuilder, type BlockShape, RecordBlock } from './record-block.ts'
import type { SortedBlocks } from './run.ts'

export interface FrozenDiskParts {
  readonly name: string
  readonly schema: Schema
  readonly shape: BlockShape
  readonly maxParallelism: number
  readonly cached: FrozenRecords
  /** The checkpoint that it builds upon; null: it is whole. */
  readonly since: number | null
  /** A bit a slot of the cache: only these entries are in it; null: all. */
  readonly changed: Int32Array | null
  /** `EntryFlags.bytes` of that moment; null: no key is gone. */
  readonly flags: Uint8Array | null
  /** Runs are retained for this table. */
  readonly places: FrozenPlaces
  /** Word of a record with the time at which the entry is due; -1: none. */
  readonly timeWord: number
  readonly merging: MergeSettings
  readonly expiry: StoredExpiry | null
}

/** Records that a step of merging looks at. */
const ROWS_A_STEP = 4096

export class FrozenDiskTable implements FrozenTable {
  readonly expiry?: StoredExpiry
  readonly #parts: FrozenDiskParts
  readonly #merged = new Map<number, FrozenPartition>()
  readonly #dealing: CachedSlots
  /** Where partitions begin; the last is the end of all. */
  #starts: readonly number[] | null = null
  /** Partitions before it are written. */
  #written = 0
  /** Partitions before it have what they need of the cache. */
  #cachedFrom = 0

  constructor(parts: FrozenDiskParts) {
    this.#parts = parts
    const { cached, changed, places, timeWord } = parts
    if (changed !== null) cached.restrictTo(changed)
    if (timeWord < 0) cached.needOnly((hash) => places.indexOf(hash, 0) >= this.#cachedFrom)
    this.#dealing = new CachedSlots(cached, changed, places, timeWord)
    if (parts.expiry !== null) this.expiry = parts.expiry
  }

  get name(): string {
    return this.#parts.name
  }

  get since(): number | null {
    return this.#parts.since
  }

  get schema(): Schema {
    return this.#parts.schema
  }

  get positionCount(): number {
    return this.#layOut().at(-1) as number
  }

  /** Deals the cache's slots to partitions, then merges towards position `to`, a bit at a time. */
  prepare(to: number): boolean {
    if (!this.#dealing.deal()) return false
    const starts = this.#layOut()
    for (let index = this.#written; index < this.#parts.places.partitions.length; index++) {
      const start = starts[index] as number
      if (start >= to) return true
      const end = Math.min(to, starts[index + 1] as number)
      if (start === end) continue
      const isOpen = this.#merged.has(index)
      if (!this.#mergedOf(index).mergeTo(end - start, isOpen ? ROWS_A_STEP : 0)) return false
    }
    return true
  }

  keyGroups(from: number, to: number, into: Uint16Array): void {
    into.fill(NO_KEY_GROUP, 0, to - from)
    const { maxParallelism, shape } = this.#parts
    const { stride, keyHashInt } = shape.layout
    const strideInts = stride * 2
    while (!this.prepare(to));
    const starts = this.#layOut()
    for (let index = 0; index < this.#parts.places.partitions.length; index++) {
      const [start, behind] = [starts[index] as number, starts[index + 1] as number]
      if (start >= to || behind <= from || start === behind) continue
      const merged = this.#mergedOf(index)
      const { ints } = merged.records
      const first = start + merged.firstRow
      const end = Math.min(to, start + merged.endRow)
      for (let at = Math.max(from, first); at < end; at++) {
        const keyHash = ints[(at - first) * strideInts + keyHashInt] as number
        into[at - from] = keyGroupOf(keyHash, maxParallelism)
      }
    }
  }

  gather(positions: Int32Array, count: number): ColumnBatch {
    const { layout, textWords } = this.#parts.shape
    const { stride } = layout
    const strideInts = stride * 2
    const buffer = new ArrayBuffer(count * stride * 8)
    const [words, longs] = [new Float64Array(buffer), new BigInt64Array(buffer)]
    const memory = { stride, ints: new Int32Array(buffer), words, longs }
    const texts = new TextHeap()
    const slots = new Int32Array(count)
    const starts = this.#layOut()
    let index = 0
    for (let i = 0; i < count; i++) {
      const position = positions[i] as number
      if (position < (starts[index] as number)) index = 0
      while (position >= (starts[index + 1] as number)) index++
      const merged = this.#mergedOf(index)
      const source = merged.records.ints
      const from = (position - (starts[index] as number) - merged.firstRow) * strideInts
      const to = i * strideInts
      copyInts(source, from, memory.ints, to, strideInts)
      for (const word of textWords) {
        const entry = words[i * stride + word] as number
        if (entry >= 0) words[i * stride + word] = texts.add(merged.records.texts.pool, entry)
      }
      slots[i] = i
    }
    const columns = layout.stored.map((place) => gatherField(place, memory, texts, slots, 0, count))
    return new ColumnBatch(count, columns)
  }

  releaseBefore(position: number): void {
    const starts = this.#layOut()
    const { partitions } = this.#parts.places
    while (this.#written < partitions.length && (starts[this.#written + 1] as number) <= position) {
      this.#forget(this.#written++)
    }
    if (this.#written === partitions.length) return
    this.#merged.get(this.#written)?.forgetBefore(position - (starts[this.#written] as number))
  }

  release(): void {
    while (this.#written < this.#parts.places.partitions.length) this.#forget(this.#written++)
    this.#parts.cached.release()
  }

  #forget(index: number): void {
    this.#merged.get(index)?.records.giveBack()
    this.#merged.delete(index)
    this.#dealing.forget(index)
    for (const { run } of this.#parts.places.partitions[index] as FrozenRun[]) run.release()
  }

  #layOut(): readonly number[] {
    if (this.#starts !== null) return this.#starts
    while (!this.#dealing.deal());
    const starts = [0]
    for (const [index, runs] of this.#parts.places.partitions.entries()) {
      const onDisk = runs.reduce((rows, { run }) => rows + run.rowCount, 0)
      starts.push((starts[index] as number) + onDisk + this.#dealing.slotsOf(index).length)
    }
    this.#starts = starts
    return starts
  }

  #mergedOf(index: number): FrozenPartition {
    const known = this.#merged.get(index)
    if (known !== undefined) return known
    const runs = this.#parts.places.partitions[index] as FrozenRun[]
    const starts = this.#layOut()
    const rowsMax = (starts[index + 1] as number) - (starts[index] as number)
    const hasCached = this.#dealing.slotsOf(index).length > 0
    const sources = [
      ...(hasCached ? [{ blocks: this.#cachedBlocks(index), wanted: null }] : []),
      ...runs.map(({ run, changed }) => ({ blocks: run, wanted: changed })),
    ]
    const merged = new FrozenPartition(sources, this.#parts.merging, rowsMax)
    this.#merged.set(index, merged)
    this.#cachedFrom = Math.max(this.#cachedFrom, index + 1)
    return merged
  }

  /** The entries that were in the cache, as one block. */
  #cachedBlocks(index: number): SortedBlocks {
    const { cached, flags, shape } = this.#parts
    const { stride } = shape.layout
    const { places } = orderByHash(this.#dealing.slotsOf(index), (slot) =>
      cached.integerAt(slot, shape.hashInt),
    )
    const block = new BlockBuilder(shape, places.length)
    const buffer = new ArrayBuffer(stride * 8)
    const [words, longs] = [new Float64Array(buffer), new BigInt64Array(buffer)]
    const record = { stride, ints: new Int32Array(buffer), words, longs }
    const { pool } = cached.texts
    for (const slot of places) {
      cached.copyRecord(slot, record.ints, 0)
      block.addSlot(record, 0, pool, flags !== null && ((flags[slot] ?? 0) & GONE) !== 0)
    }
    const bytes = inOrder(shape, finished(block))
    const size = bytes.length
    return {
      blockCount: 1,
      bytesOf: () => size,
      // A merge reads it once.
      read: (_from, _to, into) => {
        into.room(bytes.length).set(bytes)
        giveBack(bytes)
      },
    }
  }
}

function finished(block: BlockBuilder): Uint8Array {
  const bytes = new Uint8Array(block.bytes)
  block.finishInto(bytes, 0)
  return bytes
}

/** A block whose records lie by the hashes of their keys, with those of one hash in order. */
function inOrder(shape: BlockShape, bytes: Uint8Array): Uint8Array {
  const { order } = shape
  if (order === null) return bytes
  const block = new RecordBlock(shape)
  block.exactly(bytes.length).set(bytes)
  block.open(0, bytes.length)
  const sorted = new BlockBuilder(shape, block.rowCount)
  const places = Int32Array.from({ length: block.rowCount }, (_, n) => n)
  for (const place of orderRecords(order, block, places, block.strideInts)) {
    sorted.addRecord(block, place * block.strideInts)
  }
  return finished(sorted)
}
