/**
 * DiskTable: a table of keyed state that may be larger than its memory.
 *
 * `state.backend.type: rocksdb`. A resident table is the write-back cache: operators work on its
 * records. What is not in it is looked up in the runs of the key's partition, all misses of a batch
 * in the order of their hashes; when the cache is full the entries of one partition leave it as a
 * new run. Runs of a partition are merged in the background. Invariants: what the cache has is
 * newer than any run; an entry leaves the cache only at the beginning of `resolve` and `put`, so
 * slots that were given out stay what they are until the next of those.
 */
import {
  type Column,
  type ColumnBatch,
  type EntryScan,
  type FrozenTable,
  type RecordMemory,
  RowKind,
  type ScanOrder,
  type StateTable,
  type StateTableSpec,
  storedSchemaOf,
} from '@millrace/core'
import { Expiry } from '../table/expiry.ts'
import { giveBack } from '../table/give-back.ts'
import type { RecordLayout } from '../table/record-layout.ts'
import { ResidentTable } from '../table/resident-table.ts'
import { DiskChanges } from './disk-changes.ts'
import { DiskLookUp } from './disk-look-up.ts'
import { DiskRuns, PARTITIONS, partitionIndexOf } from './disk-runs.ts'
import { DiskScan, type ScannedTable } from './disk-scan.ts'
import { cacheSettings, type DiskSettings } from './disk-settings.ts'
import { DIRTY, EntryFlags, GONE, KNOWN } from './entry-flags.ts'
import { allRuns, type EntryRuns, type LeavingEntries } from './entry-runs.ts'
import { FrozenDiskTable } from './frozen-disk-table.ts'
import { frozenGone } from './frozen-gone.ts'
import type { MergeSettings } from './merge-runs.ts'
import { fullestPartition, orderSlots } from './ordered-slots.ts'
import type { Partition } from './partition.ts'
import { type BlockShape, blockShapeOf, type RecordBlock } from './record-block.ts'
import { scanOf } from './scan-entries.ts'

/** Beside its record: a cell of the index at half load, and the flags. */
const CACHE_BYTES_AN_ENTRY = 17
/** Of its share, whatever filters and texts take. */
const CACHED_SHARE_MIN = 0.25
/**
 * Of its share, for filters, texts and copies for checkpoints before there are any: the memory of
 * records does not become less when they come.
 */
const OTHERS_SHARE_MIN = 0.2
/** Rows in kept runs that are no matter, however few entries there are. */
const LEFT_ROWS_MIN = 4096

export class DiskTable implements StateTable {
  readonly spec: StateTableSpec
  protected readonly settings: DiskSettings
  protected readonly cache: ResidentTable
  protected readonly flags = new EntryFlags()
  protected readonly runs: EntryRuns
  protected readonly shape: BlockShape
  protected readonly entryBytes: number
  /** Null: nothing is forgotten. */
  readonly #expiry: Expiry | null
  #size = 0
  /** The part of all keys that leaves the cache next. */
  protected nextPart = 0
  protected readonly found: DiskLookUp
  /** Null: no checkpoint was taken that a later one may build upon. */
  protected changes: DiskChanges | null = null
  #closed = false

  constructor(spec: StateTableSpec, settings: DiskSettings) {
    this.spec = spec
    this.settings = settings
    this.cache = this.makeCache()
    const { layout } = this.cache
    this.shape = this.shapeOf(layout)
    this.runs = this.makeRuns()
    this.found = new DiskLookUp(this.cache, this.flags, this.runs, this.shape, this.timeColumn)
    this.entryBytes = layout.stride * 8 + CACHE_BYTES_AN_ENTRY
    this.#expiry = spec.ttlMs > 0 ? new Expiry(spec.ttlMs, layout, settings) : null
  }

  protected makeCache(): ResidentTable {
    return new ResidentTable(this.spec, cacheSettings(this.settings))
  }

  protected shapeOf(layout: RecordLayout): BlockShape {
    return blockShapeOf(layout)
  }

  protected makeRuns(): EntryRuns {
    return new DiskRuns(this.settings, this.shape, () => this.mergeSettings())
  }

  /** Key column with the time at which the entry is due; -1: none. */
  protected get timeColumn(): number {
    return -1
  }

  /** Entries came to be. */
  protected entered(_slots: Int32Array, count: number): void {
    this.#size += count
  }

  /** An entry is about to go. */
  protected leaving(_slot: number): void {
    this.#size--
  }

  /** `count` entries went without being looked at. */
  protected left(count: number): void {
    this.#size -= count
  }

  /** Entries, in the cache or not; after a restore of parts that overlap it may say too many. */
  get size(): number {
    return this.#size
  }

  get memory(): RecordMemory {
    return this.cache.memory
  }

  get texts(): StateTable['texts'] {
    return this.cache.texts
  }

  get generation(): number {
    return this.cache.generation
  }

  get valueWords(): readonly number[] {
    return this.cache.valueWords
  }

  get memoryBytes(): number {
    return this.cache.memoryBytes + this.flags.bytes.length + this.#runMemoryBytes
  }

  get reservedBytes(): number {
    return this.cache.reservedBytes
  }

  /** Bytes of all runs. */
  get diskBytes(): number {
    return this.runs.diskBytes
  }

  resolve(columns: readonly Column[], rowCount: number, slots: Int32Array): null {
    this.#makeRoom()
    this.cache.collectTexts()
    const missing = this.#lookUp(columns, rowCount, slots)
    if (missing > 0) {
      this.cache.makeMissing(columns, rowCount, slots)
      this.#accountForNew(slots, missing)
    }
    if (this.flags.goneCount > 0) this.#revive(slots, rowCount)
    this.#expiry?.renew(this.memory, slots, rowCount, (slot) => this.reset(slot))
    return null
  }

  find(columns: readonly Column[], rowCount: number, slots: Int32Array): null {
    this.#findThere(columns, rowCount, slots)
    this.#expiry?.hide(this.memory, slots, rowCount)
    return null
  }

  /** Of entries whose time to live is over too. */
  #findThere(columns: readonly Column[], rowCount: number, slots: Int32Array): void {
    this.#lookUp(columns, rowCount, slots)
    if (this.flags.goneCount === 0) return
    for (let i = 0; i < rowCount; i++) {
      if ((this.flags.of(slots[i] as number) & GONE) !== 0) slots[i] = 0
    }
  }

  scan(keys: readonly Column[], rowCount: number, order?: ScanOrder): EntryScan {
    if (this.shape.order !== null) return new DiskScan(this.#scanned(), keys, rowCount, order)
    // The entry of each key.
    const slots = new Int32Array(rowCount)
    this.find(keys, rowCount, slots)
    return scanOf(slots)
  }

  distinct(slots: Int32Array, count: number, into: Int32Array): number {
    return this.cache.distinct(slots, count, into)
  }

  beforeWrite(slots: Int32Array, count: number): void {
    this.cache.beforeWrite(slots, count)
    const { bytes } = this.flags
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number
      bytes[slot] = (bytes[slot] as number) | DIRTY
    }
    bytes[0] = 0
    this.changes?.written(slots, count)
  }

  reset(slot: number): void {
    this.cache.reset(slot)
    this.changes?.writtenOne(slot)
    if (slot !== 0) this.flags.set(slot, this.flags.of(slot) | DIRTY)
  }

  remove(slots: Int32Array, count: number): void {
    this.changes?.leaving(this.cache, slots, count)
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number
      if (slot === 0 || !this.cache.isLive(slot) || (this.flags.of(slot) & GONE) !== 0) continue
      this.leaving(slot)
      const partition = this.runs.partitionOf(this.cache.keyHashOf(slot), this.timeOf(slot))
      if (partition.runThatMayHave(this.cache.hashOf(slot), 0) >= 0) {
        this.cache.reset(slot)
        this.flags.set(slot, KNOWN | DIRTY | GONE)
        this.changes?.writtenOne(slot)
      } else this.forget(slot)
    }
  }

  /** Those in the cache alone: what is on disk is looked at when it is asked for or merged. */
  *slots(): Generator<Int32Array> {
    for (const slots of this.cache.slots()) {
      const there = slots.filter((slot) => (this.flags.of(slot) & GONE) === 0)
      this.#expiry?.hide(this.memory, there, there.length)
      const shown = this.#expiry === null ? there : there.filter((slot) => slot !== 0)
      if (shown.length > 0) yield shown
    }
  }

  keyColumns(slots: Int32Array, from: number, to: number): Column[] {
    return this.cache.keyColumns(slots, from, to)
  }

  /** As `ResidentTable.storedColumns`, of slots of the cache. */
  storedColumns(slots: Int32Array, from: number, to: number): Column[] {
    return this.cache.storedColumns(slots, from, to)
  }

  put(rows: ColumnBatch): void {
    this.#makeRoom()
    const { rowCount } = rows
    const slots = new Int32Array(rowCount)
    if (rows.rowKinds !== null && rows.rowKinds[0] === RowKind.DELETE) {
      this.#findThere(rows.columns, rowCount, slots)
      this.remove(slots, rowCount)
      return
    }
    const { live, over } = this.#expiry?.sort(rows) ?? { live: rows, over: null }
    if (live !== null) this.#putThere(live, slots)
    if (over !== null) this.put(over)
  }

  #putThere(rows: ColumnBatch, slots: Int32Array): void {
    const { rowCount } = rows
    this.cache.put(rows)
    this.cache.find(rows.columns.slice(0, this.cache.keyed), rowCount, slots)
    const made = new Int32Array(rowCount)
    let count = 0
    for (let i = 0; i < rowCount; i++) {
      const slot = slots[i] as number
      const flags = this.flags.of(slot)
      if (flags === 0 || (flags & GONE) !== 0) made[count++] = slot
      this.flags.set(slot, KNOWN | DIRTY)
    }
    this.entered(made, count)
    this.reserveChanges()
    this.changes?.written(slots, rowCount)
  }

  clear(): void {
    this.forgetChanges()
    this.cache.clear()
    this.flags.clear()
    this.runs.clear()
    this.#size = 0
  }

  /** Whether the next freeze can build upon the checkpoint. */
  knows(since: number): boolean {
    return this.changes?.knows(since) === true
  }

  /** What changed since checkpoint `since`, which it knows, or all. */
  freeze(checkpointId: number, since: number | null): FrozenTable[] {
    this.changes?.cut(checkpointId)
    const changes = since === null ? null : (this.changes?.since(since) ?? null)
    if (this.changes === null) this.trackFrom(checkpointId)
    const table = new FrozenDiskTable({
      name: this.spec.name,
      schema: storedSchemaOf(this.spec),
      shape: this.shape,
      maxParallelism: this.settings.maxParallelism,
      since: changes === null ? null : since,
      cached: this.cache.freezeAll(),
      changed: changes?.changed ?? null,
      flags: this.flags.goneCount === 0 ? null : this.flags.bytes.slice(),
      places: this.runs.freeze(changes?.runsOf ?? allRuns),
      timeWord: this.timeColumn < 0 ? -1 : this.cache.layout.keyed[this.timeColumn]!.word,
      // What is over may be in the checkpoint that changes build upon, as it was before.
      merging: {
        ...this.mergeSettings(),
        ...(changes === null ? {} : { expiredAtMs: Number.NEGATIVE_INFINITY }),
      },
      expiry: this.#expiry?.stored ?? null,
    })
    if (changes === null) return [table]
    const gone = frozenGone(
      this.spec,
      this.settings,
      since as number,
      changes,
      this.mergeSettings(),
    )
    return [...gone, table]
  }

  /** Changes count from checkpoint `id` on, which holds what is there now. */
  trackFrom(id: number): void {
    if (this.settings.tracksChanges !== true) return
    this.forgetChanges()
    const fields = storedSchemaOf(this.spec).fields.slice(0, this.cache.keyed)
    this.changes = new DiskChanges({ fields }, id, this.#slotCount)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.forgetChanges()
    this.runs.close()
    this.settings.share.leave()
  }

  /** Beside the cache. */
  get #runMemoryBytes(): number {
    return this.runs.memoryBytes + (this.changes?.bytes ?? 0)
  }

  get #slotCount(): number {
    const { words, stride } = this.cache.memory
    return words.length / stride
  }

  /** As `DiskLookUp.find`. */
  #lookUp(columns: readonly Column[], rowCount: number, slots: Int32Array): number {
    const lookUp = this.found
    const missing = lookUp.find(columns, rowCount, slots)
    if (lookUp.readCount > 0) {
      this.reserveChanges()
      this.changes?.read(lookUp.read, lookUp.readCount)
    }
    return missing
  }

  /** Entries that `resolve` made for the rows that were missing. */
  #accountForNew(slots: Int32Array, missing: number): void {
    const flags = this.flags
    const made = this.found.missing
    let count = 0
    for (let n = 0; n < missing; n++) {
      const slot = slots[made[n] as number] as number
      if (flags.of(slot) !== 0) continue
      flags.set(slot, KNOWN | DIRTY)
      made[count++] = slot
    }
    this.entered(made, count)
    this.reserveChanges()
    this.changes?.made(made, count)
  }

  protected reserveChanges(): void {
    this.changes?.reserve(this.#slotCount)
  }

  /** The next checkpoint is whole. */
  protected forgetChanges(): void {
    this.changes?.release()
    this.changes = null
  }

  /** About as much as the whole would be written: so let it be, and the runs may go. */
  protected limitChanges(): void {
    const leftRows = this.changes?.leftRows ?? 0
    if (leftRows > Math.max(this.#size, LEFT_ROWS_MIN)) this.forgetChanges()
  }

  /** Entries whose key was gone are there again, as new ones. */
  #revive(slots: Int32Array, rowCount: number): void {
    for (let i = 0; i < rowCount; i++) {
      const slot = slots[i] as number
      if ((this.flags.of(slot) & GONE) === 0) continue
      this.cache.reset(slot)
      ONE[0] = slot
      this.cache.beforeWrite(ONE, 1)
      this.flags.set(slot, KNOWN | DIRTY)
      this.changes?.writtenOne(slot)
      this.entered(ONE, 1)
    }
  }

  /** At which the entry of a slot of the cache is due; 0: at none. */
  protected timeOf(_slot: number): number {
    return 0
  }

  protected forget(slot: number): void {
    ONE[0] = slot
    this.cache.remove(ONE, 1)
    this.flags.set(slot, 0)
  }

  /** Lets parts leave the cache until it is within its share. */
  #makeRoom(): void {
    for (let n = 0; n < PARTITIONS && this.cache.size > this.#cachedMax(); n++) {
      const part = this.nextPart
      this.nextPart = (part + 1) % PARTITIONS
      for (const { partition, slots } of this.leavingNext(part)) this.#leave(partition, slots)
    }
  }

  /** What of the cache leaves as part `part` of 32. */
  protected *leavingNext(part: number): Generator<LeavingEntries> {
    const { cache } = this
    const { index, slots } =
      this.shape.order !== null
        ? fullestPartition(cache)
        : { index: part, slots: cache.slotsWhere((hash) => partitionIndexOf(hash) === part) }
    yield { partition: (this.runs as DiskRuns).partitionAt(index), slots }
  }

  #cachedMax(): number {
    const { texts } = this.cache
    const others = this.#runMemoryBytes + texts.bytesUsed - texts.garbageBytes
    this.settings.share.use(this.cache.size * this.entryBytes + others)
    const { bytes } = this.settings.share
    const left = bytes - Math.max(bytes * OTHERS_SHARE_MIN, others)
    return Math.max(bytes * CACHED_SHARE_MIN, left) / this.entryBytes
  }

  #leave(partition: Partition, slots: Int32Array): void {
    const { cache, flags } = this
    const dirty = slots.filter((slot) => (flags.of(slot) & DIRTY) !== 0)
    if (dirty.length > 0) {
      const writer = this.runs.writer(dirty.length)
      const { memory, texts } = cache
      const ordered = orderSlots(cache, this.shape, dirty)
      for (const slot of ordered) {
        writer.addSlot(memory, slot, texts.pool, (flags.of(slot) & GONE) !== 0)
      }
      const run = writer.finish()
      this.changes?.left(partition, run, ordered)
      giveBack(ordered)
      this.runs.add(partition, run)
      this.limitChanges()
    }
    cache.remove(slots, slots.length)
    for (const slot of slots) flags.set(slot, 0)
    giveBack(dirty)
    giveBack(slots)
  }

  /** What a scan sees of it. */
  #scanned(): ScannedTable {
    const [cache, runs, flags] = [this.cache, this.runs, this.flags]
    return {
      ...{ cache, runs, shape: this.shape, mergeSettings: this.mergeSettings() },
      isHidden: (slot) =>
        (flags.of(slot) & GONE) !== 0 || this.#expiry?.isOver(this.memory, slot) === true,
      read: (block, at) => this.adopt(block, at),
      giveBack: (slots) => {
        if (cache.size <= this.#cachedMax()) return
        for (const slot of slots) this.giveBack(slot)
      },
    }
  }

  /** The slot of a record of a run that the cache does not have. */
  protected adopt(block: RecordBlock, at: number): number {
    ONE[0] = this.found.adopt(block, at)
    this.reserveChanges()
    this.changes?.read(ONE, 1)
    return ONE[0]
  }

  /** An entry that was adopted leaves the cache unless it was written to. */
  protected giveBack(slot: number): void {
    if (this.flags.of(slot) === KNOWN) this.forget(slot)
  }

  protected mergeSettings(): MergeSettings {
    const expiredAtMs = this.#expiry?.overMs ?? Number.NEGATIVE_INFINITY
    return { shape: this.shape, dropDeletes: true, expiredAtMs }
  }
}

const ONE = new Int32Array(1)
