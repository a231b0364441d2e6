/**
 * SlotIndex: 32-bit hash → slots, by open addressing.
 *
 * First step of every look-up of a table. A cell is the whole hash and a slot, side by side, so
 * that a probe reads one cache line and a record is read only when all 32 bits agree. The upper
 * bits of the hash are the place: doubling reads and writes in order. Invariant: slot 0 is no
 * entry; at most two thirds of the cells are taken.
 */

/** A larger index is seldom in the caches that a core has to itself. */
const CELLS_IN_CACHE = 64 * 1024

export class SlotIndex {
  /** Cell c: hash in 2c, slot in 2c + 1. */
  cells = new Int32Array(128)
  /** Of a hash, to its place. */
  shift = 26
  count = 0
  /** Of what was loaded ahead: a result, so that the loads are made. */
  loaded = 0

  /**
   * For rows 0 … rowCount the first slot with the row's hash, or 0. Of a large index the first
   * cells are loaded ahead by loads that nothing waits for, so that cache misses of many rows
   * overlap: 36 instead of 55 ns a row among five million keys.
   */
  candidates(hashes: Int32Array, rowCount: number, slots: Int32Array): void {
    const { cells, shift } = this
    const mask = (cells.length >> 1) - 1
    if (cells.length > CELLS_IN_CACHE) {
      let sum = 0
      for (let i = 0; i < rowCount; i++) {
        sum = (sum + (cells[2 * ((hashes[i] as number) >>> shift)] as number)) | 0
      }
      this.loaded = sum
    }
    for (let i = 0; i < rowCount; i++) {
      const hash = hashes[i] as number
      let at = hash >>> shift
      let slot = cells[2 * at + 1] as number
      while (slot !== 0 && cells[2 * at] !== hash) {
        at = (at + 1) & mask
        slot = cells[2 * at + 1] as number
      }
      slots[i] = slot
    }
  }

  /** The place of the first cell of `hash`, or of the free one where it would be: for `next`. */
  first(hash: number): number {
    return this.#from(hash >>> this.shift, hash)
  }

  /** The next one after a cell that was another entry of the same hash. */
  next(at: number, hash: number): number {
    return this.#from((at + 1) & ((this.cells.length >> 1) - 1), hash)
  }

  slotAt(at: number): number {
    return this.cells[2 * at + 1] as number
  }

  /** Puts a slot into a free cell that `first` or `next` gave. */
  insertAt(at: number, hash: number, slot: number): void {
    this.cells[2 * at] = hash
    this.cells[2 * at + 1] = slot
    this.count++
    if (this.count * 3 > this.cells.length) this.#double()
  }

  /** Puts a slot into the first free cell of its hash. */
  insert(hash: number, slot: number): void {
    let at = this.first(hash)
    while (this.slotAt(at) !== 0) at = this.next(at, hash)
    this.insertAt(at, hash, slot)
  }

  /** Replaces the slot of an entry, or takes the entry out (slot 0). */
  replace(hash: number, slot: number, by: number): void {
    const { cells } = this
    const mask = (cells.length >> 1) - 1
    let at = hash >>> this.shift
    while (cells[2 * at + 1] !== slot) at = (at + 1) & mask
    if (by !== 0) {
      cells[2 * at + 1] = by
      return
    }
    this.count--
    // Entries behind it move up as far as their own place allows, so that no gap
    // parts them from it.
    let gap = at
    for (let from = (at + 1) & mask; cells[2 * from + 1] !== 0; from = (from + 1) & mask) {
      const home = (cells[2 * from] as number) >>> this.shift
      if (((from - home) & mask) < ((from - gap) & mask)) continue
      cells[2 * gap] = cells[2 * from] as number
      cells[2 * gap + 1] = cells[2 * from + 1] as number
      gap = from
    }
    cells[2 * gap + 1] = 0
  }

  /** Slots of the entries whose hash `isWanted`, nearly in the order of their hashes. */
  slotsWhere(isWanted: (hash: number) => boolean): Int32Array {
    const { cells } = this
    let slots = new Int32Array(1024)
    let count = 0
    for (let c = 0; c < cells.length; c += 2) {
      const slot = cells[c + 1] as number
      if (slot === 0 || !isWanted(cells[c] as number)) continue
      if (count === slots.length) slots = grown(slots)
      slots[count++] = slot
    }
    return slots.subarray(0, count)
  }

  clear(): void {
    this.cells = new Int32Array(128)
    this.shift = 26
    this.count = 0
  }

  #from(start: number, hash: number): number {
    const { cells } = this
    const mask = (cells.length >> 1) - 1
    let at = start
    while (cells[2 * at + 1] !== 0 && cells[2 * at] !== hash) at = (at + 1) & mask
    return at
  }

  #double(): void {
    const old = this.cells
    const cells = new Int32Array(old.length * 2)
    const mask = (cells.length >> 1) - 1
    const shift = this.shift - 1
    for (let c = 0; c < old.length; c += 2) {
      const slot = old[c + 1] as number
      if (slot === 0) continue
      const hash = old[c] as number
      let at = hash >>> shift
      while (cells[2 * at + 1] !== 0) at = (at + 1) & mask
      cells[2 * at] = hash
      cells[2 * at + 1] = slot
    }
    this.cells = cells
    this.shift = shift
    // Its pages go back now, not when garbage is collected.
    ;(old.buffer as ArrayBuffer).transfer(0)
  }
}

function grown(slots: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(slots.length * 2)
  larger.set(slots)
  return larger
}
