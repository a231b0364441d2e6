/**
 * ResidentTable: a table of keyed state whose entries are all in memory.
 *
 * `state.backend.type: hashmap`. A look-up is a pass over the batch for each concern, so that cache
 * misses of many rows overlap: hash all keys, probe the index for all, compare each key column with
 * the records found; what is left (new keys, and rare rows whose hash agrees with another key's)
 * goes row by row. Invariants: an entry keeps its slot until it is removed; slot 0 is no entry and
 * may be written to (rows that are left out go there); nothing writes to a record without
 * `RecordCopies` knowing.
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
  type StoredExpiry,
  storedSchemaOf,
  type TableOptions,
} from '@millrace/core'
import { ChangeLog } from './change-log.ts'
import { CodeSlots, knownSlots } from './code-slots.ts'
import { distinctSlots } from './distinct-slots.ts'
import { EntryTrees } from './entry-trees.ts'
import { frozenChanges } from './frozen-changes.ts'
import { FrozenRecords } from './frozen-records.ts'
import { GrowableMemory } from './growable-memory.ts'
import { moveTexts } from './move-texts.ts'
import {
  copyInts,
  dropUnequal,
  gatherField,
  loadRecords,
  sameAtAll,
  storeRows,
} from './record-columns.ts'
import { RecordCopies } from './record-copies.ts'
import { defaultWords, LIVE, RecordLayout } from './record-layout.ts'
import { RowHashes } from './row-hashes.ts'
import { SlotIndex } from './slot-index.ts'
import { storeStored } from './store-rows.ts'
import { TextHeap } from './text-heap.ts'

const SLOTS_AT_START = 64
const SLOTS_PER_STEP = 4096
/** A larger table is seldom in the caches that a core has to itself. */
const RECORD_BYTES_IN_CACHE = 256 * 1024
const ONE_ROW = new Int32Array(1)
const ONE_SLOT = new Int32Array(1)

export interface ResidentSettings extends TableOptions {
  readonly maxParallelism: number
  /** Stamped on entries that have a time to live. */
  readonly nowMs: () => number
  readonly tracksChanges?: boolean
}

export class ResidentTable implements StateTable {
  readonly spec: StateTableSpec
  readonly layout: RecordLayout
  readonly valueWords: readonly number[]
  readonly keyed: number
  readonly writtenWord: number
  texts = new TextHeap()
  /** Changes when a slot that was given out may stand for another entry. */
  generation = 0
  readonly #settings: ResidentSettings
  readonly #defaults: Int32Array
  #memory: GrowableMemory
  readonly index = new SlotIndex()
  readonly #copies: RecordCopies
  /** Null: no checkpoint was taken that a later one may build upon. */
  #changes: ChangeLog | null = null
  readonly #codeSlots = new CodeSlots()
  #trees: EntryTrees | null = null
  #capacity = SLOTS_AT_START
  /** Slots given out so far, slot 0 included. */
  #top = 1
  #size = 0
  /** First of the free slots below the top, linked through their hash; 0: none. */
  #free = 0
  /** Of the rows that `resolve` or `find` looked up last. */
  readonly lookedUp: RowHashes
  /** Of what was loaded ahead: a result, so that the loads are made. */
  loaded = 0

  constructor(spec: StateTableSpec, settings: ResidentSettings, timers = false) {
    this.spec = spec
    this.#settings = settings
    this.layout = new RecordLayout(spec, timers)
    this.keyed = this.layout.keyed.length
    this.writtenWord = this.layout.writtenWord
    this.lookedUp = new RowHashes(this.layout)
    this.valueWords = this.layout.values.map(({ word }) => word)
    this.#memory = new GrowableMemory(this.layout.stride, SLOTS_AT_START)
    this.#copies = new RecordCopies(() => this.#memory.views.ints, this.layout.stride * 2)
    const defaults = settings.defaults ?? defaultWords(this.layout)
    this.#defaults = new Int32Array(defaults.buffer, defaults.byteOffset, defaults.length * 2)
    this.#writeDefaults(0)
  }

  get size(): number {
    return this.#size
  }

  get memory(): RecordMemory {
    return this.#memory.views
  }

  get memoryBytes(): number {
    const copies = this.#copies.bytes + (this.#changes?.bytes ?? 0)
    return this.#usedBytes + this.index.cells.byteLength + this.texts.bytes + copies
  }

  /** Bytes of addresses that have no memory yet. */
  get reservedBytes(): number {
    return this.#memory.reservedBytes - this.#usedBytes
  }

  get #usedBytes(): number {
    return this.#top * this.layout.stride * 8
  }

  resolve(columns: readonly Column[], rowCount: number, slots: Int32Array): null {
    this.collectTexts()
    if (this.#resolveByCode(columns, rowCount, slots)) return null
    this.#lookUp(columns, rowCount, slots)
    this.makeMissing(columns, rowCount, slots)
    return null
  }

  find(columns: readonly Column[], rowCount: number, slots: Int32Array): null {
    this.#lookUp(columns, rowCount, slots)
    for (let i = 0; i < rowCount; i++) {
      if (slots[i] === 0) slots[i] = this.findRow(columns, i, this.lookedUp.hashes[i] as number)
    }
    return null
  }

  scan(keys: readonly Column[], rowCount: number, order?: ScanOrder): EntryScan {
    return this.trees.scan(keys, rowCount, order ?? null)
  }

  /** Built when they are asked for first. */
  get trees(): EntryTrees {
    if (this.#trees === null) {
      this.#trees = new EntryTrees(this)
      for (const slots of this.#liveSlots()) for (const slot of slots) this.#trees.add(slot)
    }
    return this.#trees
  }

  beforeWrite(slots: Int32Array, count: number): void {
    this.#copies.beforeWrite(slots, count)
    this.#changes?.written(slots, count)
    if (this.writtenWord >= 0) this.stamp(slots, count)
  }

  /** They are written now. */
  protected stamp(slots: Int32Array, count: number): void {
    const { writtenWord, stride } = this.layout
    const { words } = this.memory
    const nowMs = this.#settings.nowMs()
    for (let i = 0; i < count; i++) words[(slots[i] as number) * stride + writtenWord] = nowMs
  }

  distinct(slots: Int32Array, count: number, into: Int32Array): number {
    return distinctSlots(this.memory, slots, count, into)
  }

  remove(slots: Int32Array, count: number): void {
    this.#changes?.leaving(this, slots, count)
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number
      if (slot !== 0 && this.isLive(slot)) this.#removeOne(slot)
    }
    if (this.#size === 0 && this.#top > SLOTS_PER_STEP) this.clear()
  }

  slots(): Iterable<Int32Array> {
    return this.#liveSlots()
  }

  *#liveSlots(): Generator<Int32Array> {
    for (let from = 1; from < this.#top; from += SLOTS_PER_STEP) {
      const to = Math.min(this.#top, from + SLOTS_PER_STEP)
      const live = new Int32Array(to - from)
      let count = 0
      for (let slot = from; slot < to; slot++) if (this.isLive(slot)) live[count++] = slot
      if (count > 0) yield live.subarray(0, count)
    }
  }

  keyColumns(slots: Int32Array, from: number, to: number): Column[] {
    return this.layout.keyed.map((place) =>
      gatherField(place, this.memory, this.texts, slots, from, to),
    )
  }

  /** All columns of `storedSchemaOf`. */
  storedColumns(slots: Int32Array, from: number, to: number): Column[] {
    return this.layout.stored.map((place) =>
      gatherField(place, this.memory, this.texts, slots, from, to),
    )
  }

  put(rows: ColumnBatch): void {
    const { rowCount, columns, rowKinds } = rows
    const slots = new Int32Array(rowCount)
    if (rowKinds !== null && rowKinds[0] === RowKind.DELETE) {
      this.find(columns.slice(0, this.keyed), rowCount, slots)
      this.remove(slots, rowCount)
      return
    }
    this.resolve(columns.slice(0, this.keyed), rowCount, slots)
    this.#copies.beforeWrite(slots, rowCount)
    this.#changes?.written(slots, rowCount)
    storeStored(this.layout, columns, rowCount, this.memory, this.texts, slots)
  }

  /** Every entry goes; the memory too when it is large. */
  clear(): void {
    if (this.#changes !== null) {
      for (const slots of this.#liveSlots()) this.#changes.leaving(this, slots, slots.length)
    }
    this.#copies.leaveMemory()
    this.#memory = new GrowableMemory(this.layout.stride, SLOTS_AT_START)
    this.#capacity = SLOTS_AT_START
    this.#writeDefaults(0)
    this.index.clear()
    this.#trees?.clear()
    this.texts = new TextHeap()
    this.#top = 1
    this.#size = 0
    this.#free = 0
    this.generation++
  }

  freezeAll(): FrozenRecords {
    const copies = this.#copies.freeze(this.#top)
    const settings = { ...this.#settings, expiry: this.storedExpiry }
    return new FrozenRecords(this.spec, this.layout, copies, this.texts, settings)
  }

  /** What changed since checkpoint `since`, where that is known; else all, as one table. */
  freeze(checkpointId: number, since: number | null): FrozenTable[] {
    const all = this.freezeAll()
    this.#changes?.cut(checkpointId)
    const changes = since === null ? null : (this.#changes?.since(since) ?? null)
    if (this.#changes === null) this.trackFrom(checkpointId)
    return since === null || changes === null ? [all] : frozenChanges(all, since, changes)
  }

  /** Changes count from checkpoint `id` on, which holds what is there now. */
  trackFrom(id: number): void {
    if (this.#settings.tracksChanges !== true) return
    const fields = storedSchemaOf(this.spec).fields.slice(0, this.keyed)
    this.#changes = new ChangeLog({ fields }, id, this.#capacity)
  }

  /** Of what is frozen now; null: nothing is forgotten, or its owner sees to that. */
  protected get storedExpiry(): StoredExpiry | null {
    return null
  }

  /** Whether nobody may see the entry any more. */
  isForgotten(_slot: number): boolean {
    return false
  }

  /** Slots given out so far, slot 0 included. */
  get topSlot(): number {
    return this.#top
  }

  /** As `SlotIndex.slotsWhere`. */
  slotsWhere(isWanted: (hash: number) => boolean): Int32Array {
    return this.index.slotsWhere(isWanted)
  }

  isLive(slot: number): boolean {
    return ((this.memory.ints[slot * this.layout.stride * 2 + 1] as number) & LIVE) !== 0
  }

  hashOf(slot: number): number {
    return this.memory.ints[slot * this.layout.stride * 2] as number
  }

  keyHashOf(slot: number): number {
    return this.memory.ints[slot * this.layout.stride * 2 + this.layout.keyHashInt] as number
  }

  /** Words of a slot's value as those of a new entry. */
  reset(slot: number): void {
    this.#copies.beforeWriteOf(slot)
    this.#changes?.writtenOne(slot)
    for (const place of this.layout.values) {
      if (place.type === 'str') this.#dropText(slot, place.word)
    }
    this.#writeDefaults(slot)
  }

  /** For entries that came to be or are about to go; `ResidentTimers` keeps its lists so. */
  protected entryMade(_slot: number): void {}
  protected entryGone(_slot: number): void {}

  #lookUp(columns: readonly Column[], rowCount: number, slots: Int32Array): void {
    this.lookedUp.hash(columns, rowCount)
    this.index.candidates(this.lookedUp.hashes, rowCount, slots)
    if (this.#usedBytes > RECORD_BYTES_IN_CACHE) {
      this.loaded = loadRecords(this.memory, slots, rowCount)
    }
    const { keyed } = this.layout
    for (let c = 0; c < keyed.length; c++) {
      dropUnequal(columns[c] as Column, keyed[c]!, this.memory, this.texts, rowCount, slots)
    }
  }

  /**
   * Entries for the rows without a slot: places in the index for all, then their records, a pass a
   * column. A row whose hash is there already, because a row before it has the same key or by
   * chance, comes last and by itself: only then can it be compared.
   */
  makeMissing(columns: readonly Column[], rowCount: number, slots: Int32Array): void {
    let missing = 0
    for (let i = 0; i < rowCount; i++) if (slots[i] === 0) this.lookedUp.newRows[missing++] = i
    if (missing === 0) return
    const { hashes, newRows: rows } = this.lookedUp
    const index = this.index
    let count = 0
    let later = 0
    for (let n = 0; n < missing; n++) {
      const row = rows[n] as number
      const hash = hashes[row] as number
      const at = index.first(hash)
      if (index.slotAt(at) !== 0) {
        rows[later++] = row
        continue
      }
      const slot = this.#takeSlot()
      index.insertAt(at, hash, slot)
      slots[row] = slot
      this.lookedUp.madeSlots[count] = slot
      this.lookedUp.madeRows[count++] = row
    }
    this.#writeNew(columns, this.lookedUp.madeRows, this.lookedUp.madeSlots, count)
    for (let n = 0; n < later; n++) {
      const row = rows[n] as number
      slots[row] = this.#findOrMake(columns, row, hashes[row] as number)
    }
  }

  /** The records of slots that are in the index. */
  #writeNew(columns: readonly Column[], rows: Int32Array, slots: Int32Array, count: number): void {
    this.#copies.beforeWrite(slots, count)
    this.#changes?.written(slots, count)
    this.#changes?.made(slots, count)
    const { keyed, stride, keyHashInt } = this.layout
    const { ints } = this.memory
    for (let n = 0; n < count; n++) {
      const row = rows[n] as number
      const at = (slots[n] as number) * stride * 2
      ints[at] = this.lookedUp.hashes[row] as number
      ints[at + 1] = LIVE
      if (keyHashInt > 0) ints[at + keyHashInt] = this.lookedUp.keyHashes[row] as number
    }
    for (let c = 0; c < keyed.length; c++) {
      storeRows(columns[c] as Column, rows, count, keyed[c]!, this.memory, this.texts, slots)
    }
    for (let n = 0; n < count; n++) this.#writeDefaults(slots[n] as number)
    if (this.writtenWord >= 0) this.stamp(slots, count)
    this.#size += count
    for (let n = 0; n < count; n++) {
      this.#trees?.add(slots[n] as number)
      this.entryMade(slots[n] as number)
    }
  }

  /** As `find`, for one row. */
  findRow(columns: readonly Column[], row: number, hash: number): number {
    const index = this.index
    const { keyed } = this.layout
    let at = index.first(hash)
    for (;;) {
      const slot = index.slotAt(at)
      if (slot === 0) return slot
      if (sameAtAll(columns, row, keyed, this.memory, this.texts, slot)) return slot
      at = index.next(at, hash)
    }
  }

  #findOrMake(columns: readonly Column[], row: number, hash: number): number {
    const found = this.findRow(columns, row, hash)
    if (found !== 0) return found
    const slot = this.#takeSlot()
    this.index.insert(hash, slot)
    ONE_ROW[0] = row
    ONE_SLOT[0] = slot
    this.#writeNew(columns, ONE_ROW, ONE_SLOT, 1)
    return slot
  }

  /**
   * The slot of a new entry, whose record is a copy of that at `ints[at …]`; words of texts are
   * still those of the copy: once they are its own it is `adopted`. It is not noted as a change.
   */
  adopt(ints: Int32Array, at: number): number {
    const slot = this.#takeSlot()
    this.index.insert(ints[at] as number, slot)
    this.#copies.beforeWriteOf(slot)
    copyInts(ints, at, this.memory.ints, slot * this.layout.stride * 2, this.layout.stride * 2)
    this.#size++
    return slot
  }

  adopted(slot: number): void {
    this.#trees?.add(slot)
    this.entryMade(slot)
  }

  #takeSlot(): number {
    const slot = this.#free
    if (slot !== 0) {
      this.#free = this.hashOf(slot)
      return slot
    }
    if (this.#top === this.#capacity) {
      this.#capacity = this.#memory.grow(this.#capacity + 1)
      this.#changes?.reserve(this.#capacity)
    }
    return this.#top++
  }

  #removeOne(slot: number): void {
    this.entryGone(slot)
    this.#trees?.remove(slot)
    this.#copies.beforeWriteOf(slot)
    this.index.replace(this.hashOf(slot), slot, 0)
    for (const place of this.layout.stored) {
      if (place.type === 'str') this.#dropText(slot, place.word)
    }
    const { ints } = this.memory
    const at = slot * this.layout.stride * 2
    ints.fill(0, at, at + this.layout.stride * 2)
    ints[at] = this.#free
    this.#free = slot
    this.#size--
    this.generation++
  }

  #writeDefaults(slot: number): void {
    const { stride, valueStart } = this.layout
    const defaults = this.#defaults
    copyInts(defaults, 0, this.memory.ints, (slot * stride + valueStart) * 2, defaults.length)
  }

  #dropText(slot: number, word: number): void {
    this.texts.drop(this.memory.words[slot * this.layout.stride + word] as number)
  }

  /** A single text key that comes as codes of a dictionary: one load a row. */
  #resolveByCode(columns: readonly Column[], rowCount: number, slots: Int32Array): boolean {
    const column = columns[0]
    if (this.keyed !== 1 || column?.kind !== 'str' || column.codes === null) return false
    const { pool, codes, nulls } = column
    if (pool.size > rowCount * 4 && !this.#codeSlots.knows(pool)) return false
    const known = this.#codeSlots.of(pool, this.generation)
    if (knownSlots(known, codes, nulls, rowCount, slots) === rowCount) return true
    this.lookedUp.hash(columns, rowCount)
    for (let i = 0; i < rowCount; i++) {
      if (slots[i] !== 0) continue
      const isNull = nulls !== null && nulls[i] === 1
      const code = codes[i] as number
      const cached = isNull ? 0 : (known[code] as number)
      const slot =
        cached !== 0 ? cached : this.#findOrMake(columns, i, this.lookedUp.hashes[i] as number)
      if (!isNull) known[code] = slot
      slots[i] = slot
    }
    return true
  }

  /** Moves the texts that records hold into a new heap once most of the old one is garbage. */
  collectTexts(): void {
    const old = this.texts
    if (!old.isMostlyGarbage) return
    this.texts = new TextHeap()
    for (const slots of this.#liveSlots()) {
      this.#copies.beforeWrite(slots, slots.length)
      moveTexts(this.layout, this.memory, slots, old, this.texts)
    }
    for (const { word } of this.layout.values) this.memory.words[word] = 0
    this.#writeDefaults(0)
  }
}
