/**
 * RecordBlock: some rows of a run as they are on disk, a few dozen side by side.
 *
 *     block  = record* · texts · padding to 8 bytes · rows u32 · where texts begin u32
 *     record = as in the table's memory (`RecordLayout`); flag MARK: the key is gone; the word of a
 *              text: where it begins among the texts i32 (-1: NULL) · length i32
 *
 * Between the cache's records and the disk: without texts a row is copied as it is, both ways, and
 * nothing is decoded. Invariant: rows are in ascending order of their hashes (unsigned); with sub
 * columns in that of `RecordOrder`.
 */
import {
  type Column,
  copyBytes,
  growArray,
  type RecordMemory,
  type StringPool,
} from '@millrace/core'
import { giveBack } from '../table/give-back.ts'
import { copyInts } from '../table/record-columns.ts'
import { MARK, type RecordLayout } from '../table/record-layout.ts'
import { RecordOrder, type RecordSource } from './record-order.ts'

const FOOTER_BYTES = 8
const BYTES_AT_START = 4096

/** Of the flags: the key is gone, whatever older runs say. */
export const GONE_FLAG = MARK

/** What blocks of a table have in common. */
export interface BlockShape {
  readonly layout: RecordLayout
  /** Words of a record that stand for texts. */
  readonly textWords: readonly number[]
  /** Of a table whose entries of a key lie in order; null: by hashes alone. */
  readonly order: RecordOrder | null
  /** Integer of a record with the hash by which it lies in a run. */
  readonly hashInt: number
}

export function blockShapeOf(layout: RecordLayout): BlockShape {
  const texts = layout.stored.filter(({ type }) => type === 'str')
  return {
    layout,
    textWords: texts.map(({ word }) => word),
    order: layout.keyHashInt === 0 ? null : new RecordOrder(layout),
    hashInt: layout.keyHashInt,
  }
}

/** Entries that are not read by key alone: by the hash of key and sub columns. */
export function timersShapeOf(layout: RecordLayout): BlockShape {
  return { ...blockShapeOf(layout), order: null, hashInt: 0 }
}

/** Memory that blocks are read into; one of them at a time is open. */
export class RecordBlock implements RecordSource {
  readonly shape: BlockShape
  readonly strideInts: number
  bytes!: Uint8Array
  ints!: Int32Array
  words!: Float64Array
  longs!: BigInt64Array
  /** Of the open block: where its first record is in `ints`, and how many there are. */
  firstInt = 0
  rowCount = 0
  /** Where its texts begin in `bytes`. */
  textStart = 0

  constructor(shape: BlockShape) {
    this.shape = shape
    this.strideInts = shape.layout.stride * 2
    this.#allocate(BYTES_AT_START)
  }

  /** The first `length` bytes, to be filled. */
  room(length: number): Uint8Array {
    if (length > this.bytes.length) this.#allocate(Math.ceil((length * 1.5) / 8) * 8)
    return this.bytes.subarray(0, length)
  }

  /** As `room`, with no byte beyond it. */
  exactly(length: number): Uint8Array {
    this.#allocate(length)
    return this.bytes
  }

  /** Nothing more is read into it. */
  giveBack(): void {
    giveBack(this.bytes)
  }

  /** Opens the block in bytes `start` … `start + length`. */
  open(start: number, length: number): void {
    const footer = (start + length - FOOTER_BYTES) >> 2
    this.firstInt = start >> 2
    this.rowCount = this.ints[footer] as number
    this.textStart = start + (this.ints[footer + 1] as number)
  }

  /** The integer at which the first record of `hash` begins; -1: there is none. */
  find(hash: number): number {
    const { ints, strideInts, firstInt } = this
    const wanted = hash >>> 0
    let low = 0
    let high = this.rowCount
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ints[firstInt + middle * strideInts] as number) >>> 0 < wanted) low = middle + 1
      else high = middle
    }
    const at = firstInt + low * strideInts
    return low < this.rowCount && ints[at] === hash ? at : -1
  }

  /** The next record of the same hash; -1: there is none. */
  findNext(at: number): number {
    const next = at + this.strideInts
    const end = this.firstInt + this.rowCount * this.strideInts
    return next < end && this.ints[next] === this.ints[at] ? next : -1
  }

  /** Where the entry of `record` begins, in a block of a table with sub columns; -1: nowhere. */
  findRecord(order: RecordOrder, record: RecordSource): number {
    const { strideInts, firstInt } = this
    let low = 0
    let high = this.rowCount - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const at = firstInt + middle * strideInts
      const difference = order.compare(this, at, record, 0)
      if (difference === 0) return at
      if (difference < 0) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  get textBytes(): Uint8Array {
    return this.bytes
  }

  startOfText(at: number): number {
    const start = this.ints[at] as number
    return start < 0 ? start : this.textStart + start
  }

  lengthOfText(at: number): number {
    return this.ints[at + 1] as number
  }

  /** Whether the record at `at` has what is row `row` of `columns` as its first columns. */
  hasKey(at: number, columns: readonly Column[], row: number): boolean {
    const { keyed } = this.shape.layout
    for (let c = 0; c < columns.length && c < keyed.length; c++) {
      const { word, nullInt, nullBit } = keyed[c] as (typeof keyed)[number]
      const column = columns[c] as Column
      const isNull = column.nulls !== null && column.nulls[row] === 1
      if (column.kind === 'str') {
        const start = this.ints[at + word * 2] as number
        if (isNull || start < 0) {
          if (isNull && start < 0) continue
          return false
        }
        const { pool, codes } = column
        const entry = codes === null ? row : (codes[row] as number)
        const length = this.ints[at + word * 2 + 1] as number
        if (length !== pool.lengths[entry]) return false
        const from = pool.starts[entry] as number
        if (!sameBytes(this.bytes, this.textStart + start, pool.bytes, from, length)) return false
        continue
      }
      const heldNull = ((this.ints[at + nullInt] as number) & nullBit) !== 0
      if (isNull !== heldNull) return false
      if (isNull) continue
      const place = (at >> 1) + word
      if (column.kind === 'i64') {
        if (this.longs[place] !== column.values[row]) return false
      } else if (!Object.is(this.words[place], Number(column.values[row]))) return false
    }
    return true
  }

  #allocate(length: number): void {
    const buffer = new ArrayBuffer(length)
    this.bytes = new Uint8Array(buffer)
    this.ints = new Int32Array(buffer)
    this.words = new Float64Array(buffer)
    this.longs = new BigInt64Array(buffer)
  }
}

/** Whether two records have the same key. */
export function sameKeys(a: RecordBlock, at: number, b: RecordBlock, other: number): boolean {
  for (const { type, word, nullInt, nullBit } of a.shape.layout.keyed) {
    const [x, y] = [at + word * 2, other + word * 2]
    if (type === 'str') {
      const [start, length] = [a.ints[x] as number, a.ints[x + 1] as number]
      const begin = b.ints[y] as number
      if (length !== b.ints[y + 1] || start < 0 !== begin < 0) return false
      const [from, to] = [a.textStart + start, b.textStart + begin]
      if (start >= 0 && !sameBytes(a.bytes, from, b.bytes, to, length)) return false
      continue
    }
    const nulls = ((a.ints[at + nullInt] as number) ^ (b.ints[other + nullInt] as number)) & nullBit
    if (nulls !== 0) return false
    if (a.ints[x] === b.ints[y] && a.ints[x + 1] === b.ints[y + 1]) continue
    // Bits of NaN may differ.
    if (type !== 'f64' || !Object.is(a.words[x >> 1], b.words[y >> 1])) return false
  }
  return true
}

function sameBytes(
  a: Uint8Array,
  from: number,
  b: Uint8Array,
  other: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (a[from + i] !== b[other + i]) return false
  return true
}

/** Puts a block together, record by record. */
export class BlockBuilder {
  readonly #shape: BlockShape
  readonly #strideInts: number
  #ints: Int32Array
  #texts: Uint8Array
  #textBytes = 0
  rowCount = 0

  constructor(shape: BlockShape, rows: number) {
    this.#shape = shape
    this.#strideInts = shape.layout.stride * 2
    this.#ints = new Int32Array((rows + 8) * this.#strideInts)
    this.#texts = new Uint8Array(shape.textWords.length === 0 ? 0 : rows * 32)
  }

  get bytes(): number {
    return this.rowCount * this.#strideInts * 4 + padded(this.#textBytes) + FOOTER_BYTES
  }

  /** The record of a slot of a table, whose texts are entries of `pool`. */
  addSlot(memory: RecordMemory, slot: number, pool: StringPool, isGone: boolean): void {
    const from = slot * this.#strideInts
    const at = this.#copy(memory.ints, from)
    if (isGone) this.#ints[at + 1] = (this.#ints[at + 1] as number) | GONE_FLAG
    const { textWords } = this.#shape
    for (let t = 0; t < textWords.length; t++) {
      const word = textWords[t] as number
      const entry = memory.words[slot * memory.stride + word] as number
      if (entry < 0) this.#text(at + word * 2, pool.bytes, -1, 0)
      else {
        const [start, length] = [pool.starts[entry] as number, pool.lengths[entry] as number]
        this.#text(at + word * 2, pool.bytes, start, length)
      }
    }
  }

  /** The record of another block. */
  addRecord(block: RecordBlock, from: number): void {
    const at = this.#copy(block.ints, from)
    const { textWords } = this.#shape
    for (let t = 0; t < textWords.length; t++) {
      const word = textWords[t] as number
      const start = block.ints[from + word * 2] as number
      const length = block.ints[from + word * 2 + 1] as number
      this.#text(at + word * 2, block.bytes, start < 0 ? -1 : block.textStart + start, length)
    }
  }

  /** Writes the block to `into[at …]`, of `bytes` bytes, and begins another. */
  finishInto(into: Uint8Array, at: number): void {
    const recordBytes = this.rowCount * this.#strideInts * 4
    into.set(new Uint8Array(this.#ints.buffer, 0, recordBytes), at)
    into.set(this.#texts.subarray(0, this.#textBytes), at + recordBytes)
    const end = at + recordBytes + padded(this.#textBytes)
    into.fill(0, at + recordBytes + this.#textBytes, end)
    FOOTER[0] = this.rowCount
    FOOTER[1] = recordBytes
    into.set(FOOTER_VIEW, end)
    this.rowCount = 0
    this.#textBytes = 0
  }

  #copy(ints: Int32Array, from: number): number {
    const count = this.#strideInts
    const at = this.rowCount++ * count
    if (at + count > this.#ints.length) this.#ints = growArray(this.#ints, at + count)
    copyInts(ints, from, this.#ints, at, count)
    return at
  }

  #text(at: number, bytes: Uint8Array, start: number, length: number): void {
    this.#ints[at] = start < 0 ? -1 : this.#textBytes
    this.#ints[at + 1] = start < 0 ? 0 : length
    if (start < 0) return
    const end = this.#textBytes + length
    if (end > this.#texts.length) this.#texts = growArray(this.#texts, end)
    copyBytes(bytes, start, this.#texts, this.#textBytes, length)
    this.#textBytes = end
  }
}

const FOOTER = new Int32Array(2)
const FOOTER_VIEW = new Uint8Array(FOOTER.buffer)

function padded(bytes: number): number {
  return (bytes + 7) & ~7
}
