/**
 * DiskLookUp: from a batch's keys to slots of the cache, reading what is missing from runs.
 *
 * All misses of a batch are read together, in the order of their places on disk. Invariant: what
 * it read is what was on disk: known, and not written since.
 */
import type { Column, Float64Column } from '@millrace/core'
import type { ResidentTable } from '../table/resident-table.ts'
import { type EntryFlags, KNOWN } from './entry-flags.ts'
import type { EntryRuns } from './entry-runs.ts'
import { BlockText } from './merged-records.ts'
import { orderByHash } from './ordered-slots.ts'
import { ProbeRecord } from './probe-record.ts'
import { type BlockShape, RecordBlock } from './record-block.ts'
import { KeyReader } from './run.ts'

export class DiskLookUp {
  /** Of the last batch: rows that were nowhere. */
  missing = new Int32Array(0)
  /** Slots that the last batch was read into. */
  read = new Int32Array(0)
  readCount = 0
  readonly #cache: ResidentTable
  readonly #flags: EntryFlags
  readonly #runs: EntryRuns
  readonly #shape: BlockShape
  /** Of rows that are missing: the newest run of their partition that may have them; -1: none. */
  #newest = new Int8Array(0)
  readonly #reader: KeyReader
  readonly #text = new BlockText()
  readonly #probe: ProbeRecord
  readonly #timeColumn: number

  /** `timeColumn`: as `DiskTable.timeColumn`. */
  constructor(
    cache: ResidentTable,
    flags: EntryFlags,
    runs: EntryRuns,
    shape: BlockShape,
    timeColumn: number,
  ) {
    this.#timeColumn = timeColumn
    this.#cache = cache
    this.#flags = flags
    this.#runs = runs
    this.#shape = shape
    this.#reader = new KeyReader(new RecordBlock(shape))
    this.#probe = new ProbeRecord(shape.layout)
  }

  /**
   * Slots of the rows that are in the cache once those on disk have been read into it; 0 for
   * others. Gives how many those are: `missing` names them.
   */
  find(columns: readonly Column[], rowCount: number, slots: Int32Array): number {
    this.readCount = 0
    this.#cache.find(columns, rowCount, slots)
    if (this.missing.length < rowCount) this.missing = new Int32Array(rowCount)
    const missing = this.missing
    let count = 0
    for (let i = 0; i < rowCount; i++) if (slots[i] === 0) missing[count++] = i
    return count === 0 ? 0 : this.#readMissing(columns, slots, count)
  }

  /** The slot of a new entry of the cache: a copy of a record of a block. */
  adopt(block: RecordBlock, at: number): number {
    const cache = this.#cache
    const { textWords } = this.#shape
    const slot = cache.adopt(block.ints, at)
    const { words, stride } = cache.memory
    for (let t = 0; t < textWords.length; t++) {
      const word = textWords[t] as number
      words[slot * stride + word] = this.#text.into(cache.texts, block, at + word * 2)
    }
    cache.adopted(slot)
    this.#flags.set(slot, KNOWN)
    return slot
  }

  /** Gives how many rows of `missing` are still without a slot, and leaves those there. */
  #readMissing(columns: readonly Column[], slots: Int32Array, count: number): number {
    const { hashes, keyHashes } = this.#cache.lookedUp
    const { missing } = this
    if (this.#newest.length < hashes.length) this.#newest = new Int8Array(hashes.length)
    const newest = this.#newest
    const times = this.#timesOf(columns)
    const wanted = new Int32Array(count)
    let onDisk = 0
    for (let n = 0; n < count; n++) {
      const row = missing[n] as number
      const partition = this.#runs.partitionOf(
        keyHashes[row] as number,
        times === null ? 0 : (times[row] as number),
      )
      const run = partition.runThatMayHave(hashes[row] as number, 0)
      newest[row] = run
      if (run >= 0) wanted[onDisk++] = row
    }
    if (onDisk === 0) return count
    this.#readRows(columns, slots, wanted.subarray(0, onDisk))
    let left = 0
    for (let n = 0; n < count; n++) {
      const row = missing[n] as number
      if (slots[row] === 0) missing[left++] = row
    }
    return left
  }

  #readRows(columns: readonly Column[], slots: Int32Array, wanted: Int32Array): void {
    const cache = this.#cache
    const { hashes, keyHashes } = cache.lookedUp
    const { block } = this.#reader
    const isOrdered = this.#shape.order !== null
    // Partition after partition, so that rows of one block, and of one key, follow each other.
    const times = this.#timesOf(columns)
    const { places } = orderByHash(wanted, (row) =>
      this.#runs.nearness(
        keyHashes[row] as number,
        hashes[row] as number,
        times === null ? 0 : (times[row] as number),
      ),
    )
    if (this.read.length < places.length) this.read = new Int32Array(places.length)
    let before: number | null = null
    for (let n = 0; n < places.length; n++) {
      const row = places[n] as number
      const hash = hashes[row] as number
      const known: number = isOrdered || hash === before ? cache.findRow(columns, row, hash) : 0
      before = hash
      slots[row] = known
      if (known !== 0) continue
      const at = this.#findOnDisk(columns, row)
      if (at < 0) continue
      const slot = this.adopt(block, at)
      slots[row] = slot
      this.read[this.readCount++] = slot
    }
    this.#reader.forget()
  }

  /** Where its record begins in the reader's block; -1: there is none, or it is gone. */
  #findOnDisk(columns: readonly Column[], row: number): number {
    const { hashes, keyHashes } = this.#cache.lookedUp
    const hash = hashes[row] as number
    const keyHash = keyHashes[row] as number
    const times = this.#timesOf(columns)
    const timeMs = times === null ? 0 : (times[row] as number)
    const partition = this.#runs.partitionOf(keyHash, timeMs)
    const from = this.#newest[row] as number
    const { order } = this.#shape
    if (order === null) return partition.find(columns, row, hash, from, this.#reader)
    this.#probe.set(columns, row, keyHash)
    return partition.findRecord(order, this.#probe, hash, from, this.#reader)
  }

  #timesOf(columns: readonly Column[]): Float64Array | null {
    return this.#timeColumn < 0 ? null : (columns[this.#timeColumn] as Float64Column).values
  }
}
