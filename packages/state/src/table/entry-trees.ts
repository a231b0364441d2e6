/**
 * EntryTrees: the entries of each key in order of their sub columns, for `scan`.
 *
 * A treap a key whose links lie in the records: a search tree by (sub columns), a heap by a hash of
 * the slot, so that its depth stays logarithmic without any balancing state. Built at the first
 * scan; tables that are never scanned pay nothing. Invariants: every live entry is in the tree of
 * its key; links are no part of what a checkpoint stores.
 */
import {
  type Column,
  ColumnBatch,
  type EntryScan,
  hashRows,
  mix32,
  type RecordMemory,
  type ScanOrder,
} from '@millrace/core'
import { compareRecords, sameKeys } from './compare-records.ts'
import { sameAt } from './record-columns.ts'
import type { RecordLayout } from './record-layout.ts'
import { SlotIndex } from './slot-index.ts'
import type { TextHeap } from './text-heap.ts'

const PAIRS_MAX = 2048

/** What the trees see of their table. */
export interface TreeRecords {
  readonly layout: RecordLayout
  readonly memory: RecordMemory
  readonly texts: TextHeap
  keyHashOf(slot: number): number
  /** Whether a scan passes the entry over. */
  isForgotten(slot: number): boolean
}

export class EntryTrees {
  readonly #table: TreeRecords
  /** By the hash of a key: the root of its tree. */
  readonly #roots = new SlotIndex()

  constructor(table: TreeRecords) {
    this.#table = table
  }

  add(slot: number): void {
    const hash = this.#table.keyHashOf(slot)
    const at = this.#placeOf(hash, slot)
    const root = this.#roots.slotAt(at)
    if (root === 0) {
      this.#setLinks(slot, 0, 0)
      this.#roots.insertAt(at, hash, slot)
      return
    }
    const [smaller, larger] = this.#split(root, slot)
    this.#setLinks(slot, 0, 0)
    const grown = this.#merge(this.#merge(smaller, slot), larger)
    if (grown !== root) this.#roots.replace(hash, root, grown)
  }

  remove(slot: number): void {
    const hash = this.#table.keyHashOf(slot)
    const root = this.#roots.slotAt(this.#placeOf(hash, slot))
    const left = this.#without(root, slot)
    if (left !== root) this.#roots.replace(hash, root, left)
  }

  clear(): void {
    this.#roots.clear()
  }

  scan(keys: readonly Column[], rowCount: number, order: ScanOrder | null): EntryScan {
    const hashes = new Int32Array(rowCount)
    const indexes = keys.map((_, index) => index)
    hashRows(new ColumnBatch(rowCount, keys as Column[]), indexes, hashes)
    const descending = order?.direction === 'descending'
    const entriesMax = order?.entriesMax ?? Number.POSITIVE_INFINITY
    return new TreeScan(this, keys, hashes, descending, entriesMax)
  }

  /** Root of the tree of a key; 0 without entries. */
  rootOf(keys: readonly Column[], row: number, hash: number): number {
    const { layout, memory, texts } = this.#table
    let at = this.#roots.first(hash)
    for (;;) {
      const root = this.#roots.slotAt(at)
      if (root === 0) return 0
      let same = true
      for (let c = 0; c < layout.keyCount && same; c++) {
        same = sameAt(keys[c] as Column, row, layout.keyed[c]!, memory, texts, root)
      }
      if (same) return root
      at = this.#roots.next(at, hash)
    }
  }

  isForgotten(slot: number): boolean {
    return this.#table.isForgotten(slot)
  }

  /** The first entry of a tree from the end where a scan begins; 0 without entries. */
  first(root: number, descending: boolean): number {
    let slot = root
    for (let next = root; next !== 0; next = this.child(next, descending)) slot = next
    return slot
  }

  /** The entry of its key that comes next; 0: none. Entries may be added and removed between. */
  next(slot: number, descending: boolean): number {
    const { layout, memory, texts } = this.#table
    let found = 0
    let at = this.#roots.slotAt(this.#placeOf(this.#table.keyHashOf(slot), slot))
    while (at !== 0) {
      const order = compareRecords(layout, memory, texts, at, slot)
      const isBehind = descending ? order < 0 : order > 0
      if (isBehind) found = at
      at = this.child(at, isBehind === descending)
    }
    return found
  }

  child(slot: number, right: boolean): number {
    const { layout, memory } = this.#table
    return memory.ints[slot * layout.stride * 2 + layout.linkInt + (right ? 1 : 0)] as number
  }

  #placeOf(hash: number, slot: number): number {
    const { layout, memory, texts } = this.#table
    let at = this.#roots.first(hash)
    for (;;) {
      const root = this.#roots.slotAt(at)
      if (root === 0 || root === slot || sameKeys(layout, memory, texts, root, slot)) return at
      at = this.#roots.next(at, hash)
    }
  }

  /** The entries of a tree before and after `slot`. */
  #split(root: number, slot: number): [number, number] {
    if (root === 0) return [0, 0]
    const { layout, memory, texts } = this.#table
    if (compareRecords(layout, memory, texts, root, slot) < 0) {
      const [smaller, larger] = this.#split(this.child(root, true), slot)
      this.#setLinks(root, this.child(root, false), smaller)
      return [root, larger]
    }
    const [smaller, larger] = this.#split(this.child(root, false), slot)
    this.#setLinks(root, larger, this.child(root, true))
    return [smaller, root]
  }

  /** One tree of two, all entries of the first before those of the second. */
  #merge(a: number, b: number): number {
    if (a === 0) return b
    if (b === 0) return a
    if (mix32(a) > mix32(b)) {
      this.#setLinks(a, this.child(a, false), this.#merge(this.child(a, true), b))
      return a
    }
    this.#setLinks(b, this.#merge(a, this.child(b, false)), this.child(b, true))
    return b
  }

  #without(root: number, slot: number): number {
    if (root === slot) return this.#merge(this.child(root, false), this.child(root, true))
    const { layout, memory, texts } = this.#table
    const left = this.child(root, false)
    const right = this.child(root, true)
    if (compareRecords(layout, memory, texts, root, slot) < 0) {
      this.#setLinks(root, left, this.#without(right, slot))
    } else this.#setLinks(root, this.#without(left, slot), right)
    return root
  }

  #setLinks(slot: number, left: number, right: number): void {
    const { layout, memory } = this.#table
    const at = slot * layout.stride * 2 + layout.linkInt
    memory.ints[at] = left
    memory.ints[at + 1] = right
  }
}

class TreeScan implements EntryScan {
  readonly rows = new Int32Array(PAIRS_MAX)
  readonly slots = new Int32Array(PAIRS_MAX)
  readonly #trees: EntryTrees
  readonly #keys: readonly Column[]
  readonly #hashes: Int32Array
  readonly #descending: boolean
  readonly #entriesMax: number
  /** Entries of the row in hand that are due, each with its far side still to go. */
  readonly #path: number[] = []
  #row = -1
  #given = 0

  constructor(
    trees: EntryTrees,
    keys: readonly Column[],
    hashes: Int32Array,
    descending: boolean,
    entriesMax: number,
  ) {
    this.#trees = trees
    this.#keys = keys
    this.#hashes = hashes
    this.#descending = descending
    this.#entriesMax = entriesMax
  }

  next(): number {
    let count = 0
    while (count < PAIRS_MAX) {
      const slot = this.#given < this.#entriesMax ? this.#path.pop() : undefined
      if (slot === undefined) {
        if (++this.#row >= this.#hashes.length) break
        this.#given = 0
        this.#path.length = 0
        const hash = this.#hashes[this.#row] as number
        this.#descend(this.#trees.rootOf(this.#keys, this.#row, hash))
        continue
      }
      if (!this.#trees.isForgotten(slot)) {
        this.rows[count] = this.#row
        this.slots[count++] = slot
        this.#given++
      }
      this.#descend(this.#trees.child(slot, !this.#descending))
    }
    return count
  }

  #descend(from: number): void {
    for (let slot = from; slot !== 0; slot = this.#trees.child(slot, this.#descending)) {
      this.#path.push(slot)
    }
  }
}
