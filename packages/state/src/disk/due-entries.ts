/**
 * DueEntries: the entries of one time of a disk table of timers, a batch at a time.
 *
 * First those that the cache has, then those of the partitions' runs that it has not: these are
 * read into it, and leave it before the next ones come. Invariant: of an entry the newest state is
 * given, once.
 */
import { BATCH_ROWS_TARGET, growArray, type TimeEntries } from '@millrace/core'
import type { ResidentTimers } from '../table/resident-timers.ts'
import { CachedRecords } from './cached-records.ts'
import { type EntryFlags, GONE } from './entry-flags.ts'
import { mergeOf } from './merge-ordered.ts'
import type { Merge, MergeSettings, MergeTarget } from './merge-runs.ts'
import type { Partition } from './partition.ts'
import type { RecordBlock } from './record-block.ts'
import { RecordOrder } from './record-order.ts'
import type { Run } from './run.ts'

/** Records that a merge is asked for at once: it gives a few more when keys share a hash. */
const ROWS_AT_ONCE = BATCH_ROWS_TARGET / 2

export interface DueParts {
  readonly cached: TimeEntries
  readonly partitions: readonly Partition[]
  readonly isWanted: (keyHash: number) => boolean
  readonly cache: ResidentTimers
  readonly flags: EntryFlags
  readonly merging: MergeSettings
  /** The slot of a copy of a record. */
  readonly adopt: (block: RecordBlock, at: number) => number
  /** It has been used. */
  readonly giveBack: (slot: number) => void
}

export class DueEntries implements TimeEntries, MergeTarget {
  readonly #parts: DueParts
  readonly #order: RecordOrder
  readonly #keyHashInt: number
  #cachedAreOver = false
  #partition = 0
  #merge: Merge | null = null
  /** Those of the merge under way. */
  #runs: readonly Run[] = []
  #slots = new Int32Array(BATCH_ROWS_TARGET)
  #count = 0

  constructor(parts: DueParts) {
    this.#parts = parts
    const { layout } = parts.merging.shape
    this.#order = new RecordOrder(layout)
    this.#keyHashInt = layout.keyHashInt
  }

  next(): Int32Array {
    if (!this.#cachedAreOver) {
      const slots = this.#cached()
      if (slots.length > 0) return slots
      this.#cachedAreOver = true
    }
    this.#giveBack()
    this.#parts.cache.collectTexts()
    while (this.#count < ROWS_AT_ONCE && this.#openMerge()) {
      if (!this.#merge!.step(this, ROWS_AT_ONCE - this.#count)) this.#closeMerge()
    }
    return this.#slots.subarray(0, this.#count)
  }

  /** Nobody reads on. */
  end(): void {
    this.#cachedAreOver = true
    this.#partition = this.#parts.partitions.length
    this.#giveBack()
    this.#closeMerge()
  }

  /** Takes a record of the merge, unless the cache has a newer one. */
  addRecord(block: RecordBlock, at: number): void {
    const { isWanted, adopt } = this.#parts
    if (!isWanted(block.ints[at + this.#keyHashInt] as number)) return
    if (this.#isCached(block, at)) return
    if (this.#count === this.#slots.length) this.#slots = growArray(this.#slots, this.#count + 1)
    this.#slots[this.#count++] = adopt(block, at)
  }

  #giveBack(): void {
    for (let i = 0; i < this.#count; i++) this.#parts.giveBack(this.#slots[i] as number)
    this.#count = 0
  }

  #cached(): Int32Array {
    const { cached, flags } = this.#parts
    for (;;) {
      const slots = cached.next()
      if (slots.length === 0 || flags.goneCount === 0) return slots
      const there = slots.filter((slot) => (flags.of(slot) & GONE) === 0)
      if (there.length > 0) return there
    }
  }

  #openMerge(): boolean {
    const { partitions, merging } = this.#parts
    while (this.#merge === null) {
      const partition = partitions[this.#partition++]
      if (partition === undefined) return false
      if (partition.runs.length === 0) continue
      this.#runs = partition.runs.map((run) => run.retain())
      const sources = this.#runs.map((run) => ({ blocks: run, wanted: null }))
      this.#merge = mergeOf(sources, merging)
    }
    return true
  }

  #closeMerge(): void {
    this.#merge = null
    for (const run of this.#runs) run.release()
    this.#runs = []
  }

  #isCached(block: RecordBlock, at: number): boolean {
    const { index, memory, texts } = this.#parts.cache
    const cached = new CachedRecords(memory, texts)
    const hash = block.ints[at] as number
    for (let place = index.first(hash); ; place = index.next(place, hash)) {
      const slot = index.slotAt(place)
      if (slot === 0) return false
      const order = this.#order.compareFields(block, at, cached, slot * cached.strideInts)
      if (order === 0) return true
    }
  }
}
