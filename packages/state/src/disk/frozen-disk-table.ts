/**
 * FrozenDiskTable: a disk table as it was at a barrier, for the segment writer.
 *
 * Runs never change and are retained; what was in the cache is a frozen resident table. A partition
 * at a time is merged into memory when its positions are asked for, and forgotten when they have
 * been written. Positions: partition after partition, as many each as its runs and cache have rows;
 * those that the merge does not need are without an entry. Invariant: an entry has one position.
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
import { copyInts, gatherField } from '../table/record-columns.ts'
import { TextHeap } from '../table/text-heap.ts'
import { GONE } from './entry-flags.ts'
import { mergeOf } from './merge-ordered.ts'
import type { MergeSettings } from './merge-runs.ts'
import { MergedRecords } from './merged-records.ts'
import { orderByHash, orderRecords } from './ordered-slots.ts'
import { BlockBuilder, type BlockShape, RecordBlock } from './record-block.ts'
import type { Run, SortedBlocks } from './run.ts'

/** A run, and which of its rows are in the frozen table: a byte a row; null: all. */
export interface FrozenRun {
  readonly run: Run
  readonly changed: Uint8Array | null
}

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
  /** `EntryFlags.bytes` of that moment. */
  readonly flags: Uint8Array
  /** Newest first, retained for this table. */
  readonly partitions: readonly FrozenRun[][]
  readonly partitionOf: (hash: number) => number
  readonly merging: MergeSettings
  readonly expiry: StoredExpiry | null
}

/** Of a partition, with the positions of its entries. */
interface Merged {
  readonly from: number
  readonly to: number
  readonly records: MergedRecords
}

/** Where partitions begin, and their slots of the cache. */
interface Places {
  readonly starts: readonly number[]
  readonly slots: readonly Int32Array[]
  readonly hashes: Int32Array
}

export class FrozenDiskTable implements FrozenTable {
  readonly expiry?: StoredExpiry
  readonly #parts: FrozenDiskParts
  readonly #merged = new Map<number, Merged>()
  #places: Places | null = null
  /** Partitions before it are written. */
  #written = 0

  constructor(parts: FrozenDiskParts) {
    this.#parts = parts
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
    return this.#layOut().starts.at(-1) as number
  }

  keyGroups(from: number, to: number, into: Uint16Array): void {
    into.fill(NO_KEY_GROUP, 0, to - from)
    const { maxParallelism, shape } = this.#parts
    const { stride, keyHashInt } = shape.layout
    const strideInts = stride * 2
    for (let index = 0; index < this.#parts.partitions.length; index++) {
      if (!this.#isIn(index, from, to)) continue
      const { from: first, records } = this.#mergedOf(index)
      const { ints } = records
      const end = Math.min(to, first + records.rowCount)
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
    let merged: Merged | null = null
    for (let i = 0; i < count; i++) {
      const position = positions[i] as number
      if (merged === null || position < merged.from || position >= merged.to) {
        merged = this.#mergedAt(position)
      }
      const source = merged.records.ints
      const from = (position - merged.from) * strideInts
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
    const { starts } = this.#layOut()
    const { partitions } = this.#parts
    while (this.#written < partitions.length && (starts[this.#written + 1] as number) <= position) {
      this.#forget(this.#written++)
    }
  }

  release(): void {
    while (this.#written < this.#parts.partitions.length) this.#forget(this.#written++)
    this.#parts.cached.release()
  }

  #forget(index: number): void {
    this.#merged.delete(index)
    for (const { run } of this.#parts.partitions[index] as FrozenRun[]) run.release()
  }

  #layOut(): Places {
    if (this.#places !== null) return this.#places
    const { cached, changed, partitions, partitionOf } = this.#parts
    const count = cached.positionCount
    const hashes = new Int32Array(count)
    const live = new Uint8Array(count)
    cached.keyHashes(hashes, live)
    if (changed !== null) {
      for (let slot = 1; slot < count; slot++) {
        if ((((changed[slot >>> 5] ?? 0) >>> (slot & 31)) & 1) === 0) live[slot] = 0
      }
    }
    const counts = new Int32Array(partitions.length)
    for (let slot = 1; slot < count; slot++) {
      const index = partitionOf(hashes[slot] as number)
      if (live[slot] === 1) counts[index] = (counts[index] as number) + 1
    }
    const slots = partitions.map((_, index) => new Int32Array(counts[index] as number))
    counts.fill(0)
    for (let slot = 1; slot < count; slot++) {
      if (live[slot] === 0) continue
      const index = partitionOf(hashes[slot] as number)
      const at = counts[index] as number
      ;(slots[index] as Int32Array)[at] = slot
      counts[index] = at + 1
    }
    const starts = [0]
    for (const [index, runs] of partitions.entries()) {
      const onDisk = runs.reduce((rows, { run }) => rows + run.rowCount, 0)
      starts.push((starts[index] as number) + onDisk + (counts[index] as number))
    }
    this.#places = { starts, slots, hashes }
    return this.#places
  }

  #isIn(index: number, from: number, to: number): boolean {
    const { starts } = this.#layOut()
    return (starts[index] as number) < to && (starts[index + 1] as number) > from
  }

  #mergedAt(position: number): Merged {
    let index = 0
    while (!this.#isIn(index, position, position + 1)) index++
    return this.#mergedOf(index)
  }

  #mergedOf(index: number): Merged {
    const known = this.#merged.get(index)
    if (known !== undefined) return known
    const from = this.#layOut().starts[index] as number
    const { shape, merging } = this.#parts
    const runs = this.#parts.partitions[index] as FrozenRun[]
    const sources = [
      { blocks: this.#cachedBlocks(index), wanted: null },
      ...runs.map(({ run, changed }) => ({ blocks: run, wanted: changed })),
    ]
    const records = new MergedRecords(shape)
    mergeOf(sources, merging).step(records, Number.POSITIVE_INFINITY)
    const merged = { from, to: from + records.rowCount, records }
    this.#merged.set(index, merged)
    return merged
  }

  /** The entries that were in the cache, as one block. */
  #cachedBlocks(index: number): SortedBlocks {
    const { slots, hashes } = this.#layOut()
    const { cached, flags, shape } = this.#parts
    const { stride } = shape.layout
    const { places } = orderByHash(slots[index] as Int32Array, (slot) => hashes[slot] as number)
    const block = new BlockBuilder(shape, places.length)
    const buffer = new ArrayBuffer(stride * 8)
    const [words, longs] = [new Float64Array(buffer), new BigInt64Array(buffer)]
    const record = { stride, ints: new Int32Array(buffer), words, longs }
    const { pool } = cached.texts
    for (const slot of places) {
      cached.copyRecord(slot, record.ints, 0)
      block.addSlot(record, 0, pool, ((flags[slot] ?? 0) & GONE) !== 0)
    }
    const bytes = inOrder(shape, finished(block))
    return {
      blockCount: places.length === 0 ? 0 : 1,
      bytesOf: () => bytes.length,
      read: (_from, _to, into) => into.room(bytes.length).set(bytes),
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
