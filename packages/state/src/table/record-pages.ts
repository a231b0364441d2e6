/**
 * RecordPages: what of a table's memory was written since when, and copies of what a
 * checkpoint has frozen.
 *
 * A freeze takes a new epoch and copies nothing. The first write to a page of an epoch marks it
 * and, while a frozen state needs the page as it was, keeps a copy for it; all later writes to it
 * cost one comparison. Invariant: a page that a frozen state reads from the live memory has not
 * been written since the freeze.
 */

/** 256 records a page: a copy takes about a microsecond. */
export const PAGE_SHIFT = 8

export class RecordPages {
  /** Of each page the epoch of its last write. */
  #writtenIn = new Int32Array(64)
  #epoch = 1
  readonly #frozen = new Set<FrozenPages>()
  readonly #intsOf: () => Int32Array
  readonly pageInts: number

  /** `ints` gives the records as they lie now, `strideInts` integers each. */
  constructor(ints: () => Int32Array, strideInts: number) {
    this.#intsOf = ints
    this.pageInts = strideInts << PAGE_SHIFT
  }

  /** Before any of these records is written. */
  beforeWrite(slots: Int32Array, count: number): void {
    const writtenIn = this.#writtenIn
    const epoch = this.#epoch
    for (let i = 0; i < count; i++) {
      const page = (slots[i] as number) >>> PAGE_SHIFT
      if (writtenIn[page] !== epoch) this.#write(page)
    }
  }

  beforeWriteOf(slot: number): void {
    const page = slot >>> PAGE_SHIFT
    if (this.#writtenIn[page] !== this.#epoch) this.#write(page)
  }

  /** Room for the marks of `slotCount` records. */
  reserve(slotCount: number): void {
    const pages = (slotCount >>> PAGE_SHIFT) + 1
    if (pages <= this.#writtenIn.length) return
    const grown = new Int32Array(pages * 2)
    grown.set(this.#writtenIn)
    this.#writtenIn = grown
  }

  /** The first `slotCount` records as they are now, until it is released. */
  freeze(slotCount: number): FrozenPages {
    this.#epoch++
    const frozen = new FrozenPages(slotCount, this.#intsOf, this.pageInts, () =>
      this.#frozen.delete(frozen),
    )
    this.#frozen.add(frozen)
    return frozen
  }

  /** Bytes of copies. */
  get copiedBytes(): number {
    let bytes = 0
    for (const frozen of this.#frozen) bytes += frozen.copiedBytes
    return bytes
  }

  #write(page: number): void {
    this.#writtenIn[page] = this.#epoch
    let copy: Int32Array | null = null
    for (const frozen of this.#frozen) {
      if (!frozen.needs(page)) continue
      copy ??= this.#intsOf().slice(page * this.pageInts, (page + 1) * this.pageInts)
      frozen.keep(page, copy)
    }
  }
}

export class FrozenPages {
  readonly slotCount: number
  readonly #copies = new Map<number, Int32Array>()
  readonly #live: () => Int32Array
  readonly #pageInts: number
  readonly #released: () => void
  /** Pages before it are read no more. */
  #firstPage = 0

  constructor(slotCount: number, live: () => Int32Array, pageInts: number, released: () => void) {
    this.slotCount = slotCount
    this.#live = live
    this.#pageInts = pageInts
    this.#released = released
  }

  needs(page: number): boolean {
    if (page < this.#firstPage || page << PAGE_SHIFT >= this.slotCount) return false
    return !this.#copies.has(page)
  }

  keep(page: number, copy: Int32Array): void {
    this.#copies.set(page, copy)
  }

  get copiedBytes(): number {
    return this.#copies.size * this.#pageInts * 4
  }

  /** The integers of a page as frozen; its first is at `offsetOf(page)`. */
  page(page: number): Int32Array {
    return this.#copies.get(page) ?? this.#live()
  }

  offsetOf(page: number): number {
    return this.#copies.has(page) ? 0 : page * this.#pageInts
  }

  /** All records where they lie now; null when some have been written to since. */
  get untouched(): Int32Array | null {
    return this.#copies.size === 0 ? this.#live() : null
  }

  releaseBefore(slot: number): void {
    const firstPage = slot >>> PAGE_SHIFT
    for (const page of this.#copies.keys()) if (page < firstPage) this.#copies.delete(page)
    this.#firstPage = firstPage
  }

  release(): void {
    this.#copies.clear()
    this.#released()
  }
}
