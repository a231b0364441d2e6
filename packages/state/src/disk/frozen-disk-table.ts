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
  ColumnBatchBuilder,
  type FrozenTable,
  gatherRows,
  keyGroupOf,
  NO_KEY_GROUP,
  type Schema,
  type StoredExpiry,
} from '@millrace/core'
import { indexesTo } from '../table/column-indexes.ts'
import type { FrozenRecords } from '../table/frozen-records.ts'
import { GONE } from './entry-flags.ts'
import { type MergeSettings, mergeRuns, type SortedRows } from './merge-runs.ts'
import { blocksOf, orderByHash } from './ordered-slots.ts'
import { rowsOfRun } from './partition.ts'
import { hashesOf, type Run } from './run.ts'

/** A run, and which of its rows are in the frozen table: a byte a row; null: all. */
export interface FrozenRun {
  readonly run: Run
  readonly changed: Uint8Array | null
}

export interface FrozenDiskParts {
  readonly name: string
  readonly schema: Schema
  readonly runSchema: Schema
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

/** Of a partition, with its first position. */
interface MergedRows {
  readonly from: number
  readonly rows: ColumnBatch
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
  readonly #merged = new Map<number, MergedRows>()
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
    for (const index of this.#partitionsIn(from, to)) {
      const merged = this.#mergedOf(index)
      const hashes = hashesOf(merged.rows)
      const end = Math.min(to, merged.from + merged.rows.rowCount)
      for (let at = Math.max(from, merged.from); at < end; at++) {
        const hash = hashes[at - merged.from] as number
        into[at - from] = keyGroupOf(hash, this.#parts.maxParallelism)
      }
    }
  }

  gather(positions: Int32Array, count: number): ColumnBatch {
    const rows = new ColumnBatchBuilder(this.#parts.runSchema, Math.max(1, count))
    let merged: MergedRows | null = null
    for (let i = 0; i < count; i++) {
      const at = positions[i] as number
      if (merged === null || at < merged.from || at >= merged.from + merged.rows.rowCount) {
        merged = this.#mergedOf(this.#partitionsIn(at, at + 1)[0] as number)
      }
      rows.appendFrom(merged.rows, at - merged.from)
    }
    const built = rows.build()
    return new ColumnBatch(built.rowCount, built.columns.slice(0, -1))
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
    cached.hashes(hashes, live)
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

  #partitionsIn(from: number, to: number): number[] {
    const { starts } = this.#layOut()
    return [...this.#parts.partitions.keys()].filter(
      (index) => (starts[index] as number) < to && (starts[index + 1] as number) > from,
    )
  }

  #mergedOf(index: number): MergedRows {
    const known = this.#merged.get(index)
    if (known !== undefined) return known
    const { starts } = this.#layOut()
    const sources = [
      this.#cachedRows(index),
      ...(this.#parts.partitions[index] as FrozenRun[]).map(rowsOfFrozenRun),
    ]
    const all = new ColumnBatchBuilder(this.#parts.runSchema, 1024)
    for (const block of mergeRuns(sources, this.#parts.runSchema, this.#parts.merging)) {
      for (let row = 0; row < block.rowCount; row++) all.appendFrom(block, row)
    }
    const merged = { from: starts[index] as number, rows: all.build() }
    this.#merged.set(index, merged)
    return merged
  }

  #cachedRows(index: number): () => ColumnBatch | null {
    const { slots, hashes } = this.#layOut()
    const { cached, flags } = this.#parts
    const ordered = orderByHash(slots[index] as Int32Array, (slot) => hashes[slot] as number)
    const kinds = { isGone: (slot: number) => ((flags[slot] ?? 0) & GONE) !== 0 }
    const blocks = blocksOf(ordered, (some) => cached.gather(some, some.length), kinds)
    return () => blocks.next().value ?? null
  }
}

function rowsOfFrozenRun({ run, changed }: FrozenRun): SortedRows {
  const next = rowsOfRun(run)
  if (changed === null) return next
  let at = 0
  return () => {
    for (let rows = next(); rows !== null; rows = next()) {
      const from = at
      at += rows.rowCount
      const wanted = indexesTo(rows.rowCount).filter((row) => changed[from + row] === 1)
      if (wanted.length > 0) return gatherRows(rows, Int32Array.from(wanted))
    }
    return null
  }
}
