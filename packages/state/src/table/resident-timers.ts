/**
 * ResidentTimers: a resident table whose entries are due at a time, their first sub column.
 *
 * A heap of the times that have entries over a list of slots each, linked through the records.
 * Firing a time touches its own entries alone. The lists come back with the rows of a restore, so
 * nothing of them is stored. Invariant: a time is in the heap once while it has a list; one whose
 * entries have gone keeps both, empty, until it is the first.
 */
import type { StateTableSpec, TimerTable } from '@millrace/core'
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

  times(fromMs: number, toMs: number): number[] {
    return [...this.#lists]
      .filter(([timeMs, { count }]) => count > 0 && timeMs >= fromMs && timeMs <= toMs)
      .map(([timeMs]) => timeMs)
      .sort((a, b) => a - b)
  }

  slotsAt(timeMs: number): Int32Array {
    const list = this.#lists.get(timeMs)
    if (list === undefined) return new Int32Array(0)
    const slots = new Int32Array(list.count)
    const { ints } = this.memory
    const { stride, timerInt } = this.layout
    let slot = list.first
    for (let i = 0; i < list.count; i++) {
      slots[i] = slot
      slot = ints[slot * stride * 2 + timerInt] as number
    }
    return slots
  }

  advance(toMs: number, fire: (timeMs: number, slots: Int32Array) => boolean): boolean {
    for (;;) {
      const timeMs = this.firstMs
      if (!(timeMs <= toMs) || timeMs === Number.POSITIVE_INFINITY) return true
      const slots = this.slotsAt(timeMs)
      if (!fire(timeMs, slots)) return false
      this.remove(slots, slots.length)
    }
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
