/**
 * RecordCopies: copies of records that a checkpoint needs as they were at its barrier.
 *
 * A freeze copies nothing. While a frozen state is there, a record that it needs is copied before
 * it is written to for the first time; without one nothing is asked. Record by record, not page by
 * page: keys of one batch lie all over a large table, and a batch behind a barrier copied 256 times
 * as much. Invariant: a record that a frozen state reads from the live memory has not been written
 * since the freeze.
 */
import { giveBack } from './give-back.ts'
import { copyInts } from './record-columns.ts'
import { SlotIndex } from './slot-index.ts'

/** Records of a piece of memory for copies. */
const PIECE_SHIFT = 8
const PIECE_MASK = (1 << PIECE_SHIFT) - 1
/** Odd, so that different slots have different hashes. */
const SPREAD = 0x9e3779b1

export class RecordCopies {
  #frozen: FrozenCopies[] = []
  readonly #intsOf: () => Int32Array
  readonly #strideInts: number

  /** `ints` gives the records as they lie now, `strideInts` integers each. */
  constructor(ints: () => Int32Array, strideInts: number) {
    this.#intsOf = ints
    this.#strideInts = strideInts
  }

  /** Before any of these records is written. */
  beforeWrite(slots: Int32Array, count: number): void {
    for (let f = 0; f < this.#frozen.length; f++) {
      const frozen = this.#frozen[f] as FrozenCopies
      for (let i = 0; i < count; i++) frozen.keep(slots[i] as number)
    }
  }

  beforeWriteOf(slot: number): void {
    for (let f = 0; f < this.#frozen.length; f++) (this.#frozen[f] as FrozenCopies).keep(slot)
  }

  /** The first `slotCount` records as they are now, until it is released. */
  freeze(slotCount: number): FrozenCopies {
    const frozen: FrozenCopies = new FrozenCopies(slotCount, this.#intsOf, this.#strideInts, () => {
      this.#frozen = this.#frozen.filter((other) => other !== frozen)
    })
    this.#frozen.push(frozen)
    return frozen
  }

  /** Records are written to another memory from here on: the present one stays as it is. */
  leaveMemory(): void {
    const ints = this.#intsOf()
    for (const frozen of this.#frozen) frozen.keepAll(ints)
    this.#frozen = []
  }

  /** Bytes of copies. */
  get bytes(): number {
    let bytes = 0
    for (const frozen of this.#frozen) bytes += frozen.bytes
    return bytes
  }
}

export class FrozenCopies {
  readonly slotCount: number
  /** Where the record that was located last begins in it. */
  ints: Int32Array
  /** A bit a slot: it was copied, or nobody needs it. */
  readonly #settled: Int32Array
  /** Slots, spread, to the places of their copies; the first place is 1. */
  readonly #places = new SlotIndex()
  readonly #pieces: Int32Array[] = []
  #count = 0
  #live: () => Int32Array
  readonly #strideInts: number
  readonly #released: () => void
  /** Slots before it are read no more. */
  #firstSlot = 0
  /** A bit a slot: nothing else is read; null: all is. */
  #wanted: Int32Array | null = null
  #isNeeded: ((hash: number) => boolean) | null = null
  /** Integer of a record with its hash. */
  #hashInt = 0

  constructor(slotCount: number, live: () => Int32Array, strideInts: number, released: () => void) {
    this.slotCount = slotCount
    this.#live = live
    this.ints = live()
    this.#strideInts = strideInts
    this.#released = released
    this.#settled = new Int32Array((slotCount >>> 5) + 1)
  }

  get bytes(): number {
    const copies = this.#pieces.length * (this.#strideInts << (PIECE_SHIFT + 2))
    return this.#settled.byteLength + copies + this.#places.cells.byteLength
  }

  /** Slots without a bit will not be read, nor those beyond its end. */
  restrictTo(wanted: Int32Array): void {
    this.#wanted = wanted
  }

  /** By integer `hashInt` of a record. */
  needOnly(hashInt: number, isNeeded: (hash: number) => boolean): void {
    this.#hashInt = hashInt
    this.#isNeeded = isNeeded
  }

  /** The record of `slot` is about to be written. */
  keep(slot: number): void {
    if (slot >= this.slotCount) return
    const word = slot >>> 5
    const bit = 1 << (slot & 31)
    const settled = this.#settled[word] as number
    if ((settled & bit) !== 0) return
    if (slot < this.#firstSlot) return
    if (this.#wanted !== null && ((this.#wanted[word] ?? 0) & bit) === 0) return
    const hash = this.#live()[slot * this.#strideInts + this.#hashInt] as number
    if (this.#isNeeded !== null && !this.#isNeeded(hash)) return
    this.#settled[word] = settled | bit
    this.#copy(slot)
  }

  /** `ints` are not written to any more. */
  keepAll(ints: Int32Array): void {
    this.#live = () => ints
  }

  /** Where the record of a slot begins in `ints`, as it was frozen. */
  locate(slot: number): number {
    const settled = this.#settled[slot >>> 5] as number
    if ((settled & (1 << (slot & 31))) === 0) {
      this.ints = this.#live()
      return slot * this.#strideInts
    }
    const place = this.#places.slotAt(this.#places.first(Math.imul(slot, SPREAD))) - 1
    this.ints = this.#pieces[place >>> PIECE_SHIFT] as Int32Array
    return (place & PIECE_MASK) * this.#strideInts
  }

  /** All records where they lie now; null when some have been written to since. */
  get untouched(): Int32Array | null {
    return this.#count === 0 ? this.#live() : null
  }

  releaseBefore(slot: number): void {
    this.#firstSlot = slot
    if (slot >= this.slotCount) this.release()
  }

  release(): void {
    for (const piece of this.#pieces) giveBack(piece)
    this.#pieces.length = 0
    giveBack(this.#places.cells)
    this.#places.clear()
    this.#released()
  }

  #copy(slot: number): void {
    const place = this.#count++
    const { [place >>> PIECE_SHIFT]: piece = this.#addPiece() } = this.#pieces
    const count = this.#strideInts
    copyInts(this.#live(), slot * count, piece, (place & PIECE_MASK) * count, count)
    const hash = Math.imul(slot, SPREAD)
    this.#places.insertAt(this.#places.first(hash), hash, place + 1)
  }

  #addPiece(): Int32Array {
    const piece = new Int32Array(this.#strideInts << PIECE_SHIFT)
    this.#pieces.push(piece)
    return piece
  }
}
