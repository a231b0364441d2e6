/**
 * GroupTable: (key id, slice) → slot, and the slot's accumulator words.
 *
 * Second step of every aggregation: `resolve` gives each row its slot, the generated loops then
 * work on `words[slot × stride …]` (`longs` is the same memory as 64-bit integers). Slot 0 is no
 * group: rows to be left out go there, which spares a branch a row.
 *
 * Invariant: slots are handed out in order and never reused before `compact`; a freed slot's group
 * is NaN, which matches nothing. The slots of one slice form a list (`firstOfSlice`,
 * `nextInSlice`), so that firing touches only its own.
 */
import { growArray, hashFloat64 } from '@millrace/core'
import type { SliceCursor } from './slice-cursor.ts'

const NO_SLOT = 0

export class GroupTable {
  readonly stride: number
  /**
   * Words of a new group, as 32-bit halves: copying a 64-bit integer as a double could change it
   * (NaN patterns).
   */
  readonly #template: Int32Array
  words: Float64Array
  longs: BigInt64Array
  ints: Int32Array
  /** Its records are words alone. */
  readonly first = 0
  keyOf: Int32Array
  groupOf: Float64Array
  nextInSlice: Int32Array
  readonly firstOfSlice = new Map<number, number>()
  /** Slots handed out, slot 0 included. */
  size = 1
  freed = 0
  /** Changes whenever a slot that was handed out may stand for something else. */
  generation = 0
  #table: Int32Array
  #shift: number

  constructor(template: Float64Array) {
    this.stride = template.length
    this.#template = new Int32Array(template.buffer, template.byteOffset, template.length * 2)
    this.words = new Float64Array(64 * this.stride)
    this.longs = new BigInt64Array(this.words.buffer)
    this.ints = new Int32Array(this.words.buffer)
    this.ints.set(this.#template)
    this.keyOf = new Int32Array(64)
    this.groupOf = new Float64Array(64).fill(Number.NaN)
    this.nextInSlice = new Int32Array(64)
    this.#table = new Int32Array(256)
    this.#shift = 24
  }

  get liveCount(): number {
    return this.size - 1 - this.freed
  }

  /**
   * Slots of rows 0 … rowCount by key id and time (`times[i] + timeShift`) into `slots`; gives the
   * number of late rows. Measured in window-aggregate.bench.ts.
   */
  resolve(
    rowCount: number,
    keyIds: Int32Array,
    times: Float64Array,
    timeShift: number,
    cursor: SliceCursor,
    watermarkMs: number,
    slots: Int32Array,
  ): number {
    let table = this.#table
    let keyOf = this.keyOf
    let groupOf = this.groupOf
    let shift = this.#shift
    let start = cursor.startMs
    let end = cursor.endMs
    let group = cursor.group
    let groupHash = cursor.groupHash
    let late = cursor.late ? 1 : 0
    let lateCount = 0
    for (let i = 0; i < rowCount; i++) {
      const time = (times[i] as number) + timeShift
      if (!(time >= start && time < end)) {
        cursor.move(time, watermarkMs)
        start = cursor.startMs
        end = cursor.endMs
        group = cursor.group
        groupHash = cursor.groupHash
        late = cursor.late ? 1 : 0
      }
      if (Number.isNaN(group)) {
        lateCount += late
        slots[i] = NO_SLOT
        continue
      }
      const key = keyIds[i] as number
      let at = Math.imul(key ^ groupHash, 0x9e3779b1) >>> shift
      let slot = table[at] as number
      while (slot !== NO_SLOT && (keyOf[slot] !== key || groupOf[slot] !== group)) {
        at = (at + 1) & (table.length - 1)
        slot = table[at] as number
      }
      if (slot === NO_SLOT) {
        slot = this.#insert(at, key, group)
        table = this.#table
        keyOf = this.keyOf
        groupOf = this.groupOf
        shift = this.#shift
      }
      slots[i] = slot
    }
    return lateCount
  }

  /** The slot of one (key, group), made when missing. */
  slotFor(key: number, group: number, groupHash: number): number {
    const table = this.#table
    let at = Math.imul(key ^ groupHash, 0x9e3779b1) >>> this.#shift
    let slot = table[at] as number
    while (slot !== NO_SLOT && (this.keyOf[slot] !== key || this.groupOf[slot] !== group)) {
      at = (at + 1) & (table.length - 1)
      slot = table[at] as number
    }
    return slot === NO_SLOT ? this.#insert(at, key, group) : slot
  }

  #insert(at: number, key: number, group: number): number {
    if (this.size === this.keyOf.length) this.#growSlots()
    const slot = this.size++
    this.keyOf[slot] = key
    this.groupOf[slot] = group
    this.resetWords(slot)
    this.nextInSlice[slot] = this.firstOfSlice.get(group) ?? NO_SLOT
    this.firstOfSlice.set(group, slot)
    this.#table[at] = slot
    if (this.size * 2 > this.#table.length) this.#rehash(this.#table.length * 2)
    return slot
  }

  resetWords(slot: number): void {
    const template = this.#template
    const halves = this.ints
    const base = slot * template.length
    for (let w = 0; w < template.length; w++) halves[base + w] = template[w] as number
  }

  #growSlots(): void {
    const length = this.keyOf.length * 2
    this.keyOf = growArray(this.keyOf, length)
    this.groupOf = growArray(this.groupOf, length)
    this.nextInSlice = growArray(this.nextInSlice, length)
    this.words = growArray(this.words, length * this.stride)
    this.longs = new BigInt64Array(this.words.buffer)
    this.ints = new Int32Array(this.words.buffer)
  }

  #rehash(length: number): void {
    this.#table = new Int32Array(length)
    this.#shift = 32 - Math.log2(length)
    const mask = length - 1
    let lastGroup = Number.NaN
    let groupHash = 0
    for (let slot = 1; slot < this.size; slot++) {
      const group = this.groupOf[slot] as number
      if (Number.isNaN(group)) continue
      if (group !== lastGroup) {
        lastGroup = group
        groupHash = hashFloat64(group)
      }
      let at = Math.imul((this.keyOf[slot] as number) ^ groupHash, 0x9e3779b1) >>> this.#shift
      while (this.#table[at] !== NO_SLOT) at = (at + 1) & mask
      this.#table[at] = slot
    }
  }

  /** Live slots in order. */
  liveSlots(): Int32Array {
    const live = new Int32Array(this.liveCount)
    let count = 0
    for (let slot = 1; slot < this.size; slot++) {
      const group = this.groupOf[slot] as number
      if (!Number.isNaN(group)) live[count++] = slot
    }
    return live
  }

  /** Empties the table, keeping its arrays. */
  clear(): void {
    this.generation++
    this.groupOf.fill(Number.NaN, 0, this.size)
    this.#table.fill(NO_SLOT)
    this.firstOfSlice.clear()
    this.size = 1
    this.freed = 0
    this.resetWords(0)
  }
}
