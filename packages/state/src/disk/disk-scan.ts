/**
 * DiskScan: the entries of keys of a disk table with sub columns, in order, from either end.
 *
 * Merges the cache's entries of a key with those of its partition's runs, one by one: what is not
 * asked for is not read, and of a key in a run the blocks that hold it follow each other. What
 * comes from a run is read into the cache, so that it has a slot, and given back with the next
 * batch of pairs when the cache is full. Invariants: of several records of one entry the newest
 * counts, and the cache's before any run's; slots are good until the next call of `next`.
 */
import { type Column, ColumnBatch, type EntryScan, hashRows, type ScanOrder } from '@millrace/core'
import { indexesTo } from '../table/column-indexes.ts'
import type { ResidentTable } from '../table/resident-table.ts'
import { CachedRecords } from './cached-records.ts'
import type { EntryRuns } from './entry-runs.ts'
import { isKept, type MergeSettings } from './merge-runs.ts'
import { type BlockShape, RecordBlock } from './record-block.ts'
import type { RecordOrder } from './record-order.ts'
import { KeyReader, type Run } from './run.ts'

const PAIRS_MAX = 2048

/** What the scan sees of its table. */
export interface ScannedTable {
  readonly cache: ResidentTable
  readonly runs: EntryRuns
  readonly shape: BlockShape
  /** Which records of runs are entries. */
  readonly mergeSettings: MergeSettings
  /** Whether the cached entry is gone, or over. */
  isHidden(slot: number): boolean
  /** The record as an entry of the cache. */
  read(block: RecordBlock, at: number): number
  /** These may leave the cache when it is full, if they are as they were read. */
  giveBack(slots: readonly number[]): void
}

export class DiskScan implements EntryScan {
  readonly rows = new Int32Array(PAIRS_MAX)
  readonly slots = new Int32Array(PAIRS_MAX)
  readonly #table: ScannedTable
  readonly #order: RecordOrder
  readonly #keys: readonly Column[]
  readonly #hashes: Int32Array
  readonly #descending: boolean
  readonly #entriesMax: number
  /** One a run of the row's partition, newest first; more are kept for other rows. */
  readonly #cursors: ScanCursor[] = []
  #cursorCount = 0
  /** The cache's next entry of the row; 0: none. */
  #cached = 0
  #row = -1
  #given = 0
  /** Slots of this batch of pairs that were read from runs. */
  #read: number[] = []

  constructor(table: ScannedTable, keys: readonly Column[], rowCount: number, order?: ScanOrder) {
    this.#table = table
    this.#order = table.shape.order as RecordOrder
    this.#keys = keys
    this.#hashes = new Int32Array(rowCount)
    hashRows(new ColumnBatch(rowCount, keys as Column[]), indexesTo(keys.length), this.#hashes)
    this.#descending = order?.direction === 'descending'
    this.#entriesMax = order?.entriesMax ?? Number.POSITIVE_INFINITY
  }

  next(): number {
    if (this.#read.length > 0) {
      this.#table.giveBack(this.#read.filter((slot) => slot !== this.#cached))
      this.#read = []
    }
    let count = 0
    while (count < PAIRS_MAX) {
      const slot = this.#given < this.#entriesMax ? this.#take() : 0
      if (slot === 0) {
        if (++this.#row >= this.#hashes.length) break
        this.#begin()
        continue
      }
      this.rows[count] = this.#row
      this.slots[count++] = slot
      this.#given++
    }
    return count
  }

  /** Goes to the first entries of the row's key. */
  #begin(): void {
    const { cache, runs, shape } = this.#table
    const [keys, row] = [this.#keys, this.#row]
    const hash = this.#hashes[row] as number
    this.#given = 0
    const { trees } = cache
    this.#cached = trees.first(trees.rootOf(keys, row, hash), this.#descending)
    this.#cursorCount = 0
    for (const run of runs.partitionOf(hash, 0).runs) {
      if (!run.mayHave(hash)) continue
      const cursor = this.#cursors[this.#cursorCount] ?? new ScanCursor(shape, this.#descending)
      this.#cursors[this.#cursorCount] = cursor
      if (cursor.begin(run, keys, row, hash)) this.#cursorCount++
    }
  }

  /** The slot of the row's next entry; 0: there is none. */
  #take(): number {
    const table = this.#table
    for (;;) {
      const cursor = this.#nearest()
      const slot = this.#cached
      if (cursor === null && slot === 0) return 0
      const order = cursor === null ? -1 : slot === 0 ? 1 : this.#compareCached(slot, cursor)
      if (order <= 0) {
        if (cursor !== null && order === 0) this.#pass(cursor)
        this.#cached = table.cache.trees.next(slot, this.#descending)
        if (!table.isHidden(slot)) return slot
        continue
      }
      const { block, at } = cursor as ScanCursor
      const read = isKept(table.mergeSettings, block, at) ? table.read(block, at) : 0
      this.#pass(cursor as ScanCursor)
      if (read === 0) continue
      this.#read.push(read)
      return read
    }
  }

  /** Of the runs' next records the first, of equal ones the newest. */
  #nearest(): ScanCursor | null {
    let nearest: ScanCursor | null = null
    for (let c = 0; c < this.#cursorCount; c++) {
      const cursor = this.#cursors[c] as ScanCursor
      if (cursor.at < 0) continue
      if (nearest === null || this.#compare(cursor, nearest) < 0) nearest = cursor
    }
    return nearest
  }

  /** All records of the entry that is next are behind. */
  #pass(nearest: ScanCursor): void {
    for (let c = 0; c < this.#cursorCount; c++) {
      const cursor = this.#cursors[c] as ScanCursor
      if (cursor === nearest || cursor.at < 0) continue
      if (this.#compare(cursor, nearest) === 0) cursor.advance()
    }
    nearest.advance()
  }

  #compare(a: ScanCursor, b: ScanCursor): number {
    const order = this.#order.compareFields(a.block, a.at, b.block, b.at)
    return this.#descending ? -order : order
  }

  #compareCached(slot: number, cursor: ScanCursor): number {
    const { memory, texts } = this.#table.cache
    const cached = new CachedRecords(memory, texts)
    const at = slot * cached.strideInts
    const order = this.#order.compareFields(cached, at, cursor.block, cursor.at)
    return this.#descending ? -order : order
  }
}

/** A place among the entries of one key in one run. */
class ScanCursor {
  readonly block: RecordBlock
  /** Where the record begins; -1: there is none any more. */
  at = -1
  readonly #reader: KeyReader
  readonly #keyHashInt: number
  readonly #descending: boolean
  #run!: Run
  #index = 0
  #keys: readonly Column[] = []
  #row = 0
  #keyHash = 0

  constructor(shape: BlockShape, descending: boolean) {
    this.block = new RecordBlock(shape)
    this.#reader = new KeyReader(this.block)
    this.#keyHashInt = shape.layout.keyHashInt
    this.#descending = descending
  }

  /** Gives whether the run has entries of the key, whose hash is `keyHash`. */
  begin(run: Run, keys: readonly Column[], row: number, keyHash: number): boolean {
    this.#run = run
    this.#keys = keys
    this.#row = row
    this.#keyHash = keyHash
    const { block } = this
    const descending = this.#descending
    this.#open(descending ? run.blockIndexOf(keyHash) : run.blockIndexBefore(keyHash))
    const wanted = keyHash >>> 0
    const end = block.firstInt + block.rowCount * block.strideInts
    const isBefore = (at: number): boolean => {
      const hash = (block.ints[at + this.#keyHashInt] as number) >>> 0
      return descending ? hash <= wanted : hash < wanted
    }
    let [low, high] = [0, block.rowCount]
    while (low < high) {
      const middle = (low + high) >> 1
      if (isBefore(block.firstInt + middle * block.strideInts)) low = middle + 1
      else high = middle
    }
    this.at = block.firstInt + low * block.strideInts
    if (descending) this.at -= block.strideInts
    if (this.at >= end || this.at < block.firstInt) this.#nextBlock()
    this.#skipOthers()
    return this.at >= 0
  }

  advance(): void {
    this.#step()
    this.#skipOthers()
  }

  /** Other keys may have the same hash. */
  #skipOthers(): void {
    while (this.at >= 0 && !this.block.hasKey(this.at, this.#keys, this.#row)) this.#step()
  }

  /** To the next record of the hash. */
  #step(): void {
    const { block } = this
    this.at += this.#descending ? -block.strideInts : block.strideInts
    const end = block.firstInt + block.rowCount * block.strideInts
    if (this.at < block.firstInt || this.at >= end) this.#nextBlock()
    if (this.at < 0) return
    if (block.ints[this.at + this.#keyHashInt] !== this.#keyHash) this.at = -1
  }

  #nextBlock(): void {
    const index = this.#index + (this.#descending ? -1 : 1)
    if (index < 0 || index >= this.#run.blockCount) {
      this.at = -1
      return
    }
    this.#open(index)
    const { firstInt, rowCount, strideInts } = this.block
    this.at = this.#descending ? firstInt + (rowCount - 1) * strideInts : firstInt
  }

  #open(index: number): void {
    this.#index = index
    this.#reader.openBlock(this.#run, index)
  }
}
