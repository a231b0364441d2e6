/**
 * ResidentTimers: a resident table whose entries are due at a time, their first sub column.
 *
 * A heap of the times that have entries over a list of slots each, linked through the records.
 * Firing a time touches its own entries alone. The lists come back with the rows of a restore, so
 * nothing of them is stored. Invariant: a time is in the heap once while it has a list; one whose
 * entries have gone keeps both, empty, until it is the first.
 */
import {
  BATCH_ROWS_TARGET,
  type EntryScan,
  type StateTableSpec,
  type TimeEntries,
  type TimerTable,
} from '@millrace/core'
import { stateError } from '../error-codes.ts'
import { partOf } from './key-parts.ts'
import { type ResidentSettings, ResidentTable } from './resident-table.ts'
import { TimeHeap } from './time-heap.ts'

/** Of a time in the heap and its list, about. */
const TIME_BYTES = 96

interface SlotList {
  first: number
  last: number
  count: number
}

export class ResidentTimers extends ResidentTable implements TimerTable {
  readonly #lists = new Map<number, SlotList>()
  readonly #heap = new TimeHeap()
  readonly #timeWord: number

  constructor(spec: StateTableSpec, settings: ResidentSettings) {
    super(spec, settings, true)
    this.#timeWord = this.layout.keyed[this.layout.keyCount]!.word
  }

  get firstMs(): number {
    for (;;) {
      const first = this.#heap.first
      const list = this.#lists.get(first)
      if (list === undefined || list.count > 0) return first
      this.#lists.delete(first)
      this.#heap.removeFirst()
    }
  }

  override get memoryBytes(): number {
    return super.memoryBytes + this.#heap.size * TIME_BYTES
  }

  entriesAt(timeMs: number, part = 0, parts = 1): TimeEntries {
    return new ListEntries(this, this.#lists.get(timeMs)?.first ?? 0, part, parts)
  }

  /** All of them are in memory as it is. */
  partsAt(): number {
    return 1
  }

  removeAt(timeMs: number): void {
    const slots = this.slotsAt(timeMs, 0, 1)
    this.remove(slots, slots.length)
  }

  /** Slots of the entries of a time whose keys are of part `part`. */
  slotsAt(timeMs: number, part: number, parts: number): Int32Array {
    const list = this.#lists.get(timeMs)
    if (list === undefined) return new Int32Array(0)
    const slots = new Int32Array(list.count)
    let count = 0
    for (let slot = list.first; slot !== 0; slot = this.nextOf(slot)) {
      if (parts > 1 && partOf(this.keyHashOf(slot), parts) !== part) continue
      slots[count++] = slot
    }
    return slots.subarray(0, count)
  }

  /** Of the earliest times: nothing asks for `firstMs`. */
  forgetEmptyTimes(): void {
    void this.firstMs
  }

  /** The entry made after that of `slot` for the same time; 0: there is none. */
  nextOf(slot: number): number {
    const { stride, timerInt } = this.layout
    return this.memory.ints[slot * stride * 2 + timerInt] as number
  }

  override scan(): EntryScan {
    throw readByTime(this.spec)
  }

  override clear(): void {
    super.clear()
    this.#lists.clear()
    this.#heap.clear()
  }

  protected override entryMade(slot: number): void {
    const { ints, words } = this.memory
    const { stride, timerInt } = this.layout
    const timeMs = words[slot * stride + this.#timeWord] as number
    const list = this.#lists.get(timeMs)
    const at = slot * stride * 2 + timerInt
    ints[at] = 0
    ints[at + 1] = list?.last ?? 0
    if (list === undefined) {
      this.#lists.set(timeMs, { first: slot, last: slot, count: 1 })
      this.#heap.add(timeMs)
      return
    }
    if (list.count === 0) list.first = slot
    else ints[list.last * stride * 2 + timerInt] = slot
    list.last = slot
    list.count++
  }

  protected override entryGone(slot: number): void {
    const { ints, words } = this.memory
    const { stride, timerInt } = this.layout
    const timeMs = words[slot * stride + this.#timeWord] as number
    const list = this.#lists.get(timeMs)!
    if (--list.count === 0) {
      list.first = 0
      list.last = 0
      return
    }
    const next = ints[slot * stride * 2 + timerInt] as number
    const before = ints[slot * stride * 2 + timerInt + 1] as number
    if (before === 0) list.first = next
    else ints[before * stride * 2 + timerInt] = next
    if (next === 0) list.last = before
    else ints[next * stride * 2 + timerInt + 1] = before
  }
}

/** What asks for the entries of a key is told. */
export function readByTime({ name }: StateTableSpec): Error {
  return stateError('STATE_SNAPSHOT_INVALID', `Read '${name}' by time: its entries are timers.`)
}

/** The list of a time, in the order in which its entries were made. */
class ListEntries implements TimeEntries {
  readonly #timers: ResidentTimers
  readonly #slots = new Int32Array(BATCH_ROWS_TARGET)
  readonly #part: number
  readonly #parts: number
  #next: number

  constructor(timers: ResidentTimers, first: number, part: number, parts: number) {
    this.#timers = timers
    this.#next = first
    this.#part = part
    this.#parts = parts
  }

  next(): Int32Array {
    const timers = this.#timers
    const slots = this.#slots
    let count = 0
    let slot = this.#next
    while (slot !== 0 && count < slots.length) {
      if (partOf(timers.keyHashOf(slot), this.#parts) === this.#part) slots[count++] = slot
      slot = timers.nextOf(slot)
    }
    this.#next = slot
    return slots.subarray(0, count)
  }
}
