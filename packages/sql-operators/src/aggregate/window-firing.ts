/**
 * WindowFiring: emits the groups of one window after another, a batch at a time, and stops when the output is full.
 *
 * TUMBLE and window-wise groups leave as they are; a HOP window's slices are merged into a table of its own first.
 * Invariant: windows fire
 * in the order of their ends, each (key, window) once; a slice is freed when the last window that holds it has fired.
 */
import {
  BATCH_ROWS_TARGET,
  type Column,
  ColumnBatch,
  Float64Column,
  hashFloat64,
  type Output,
} from '@millrace/core'
import type { WindowProperty } from '../operator-config.ts'
import type { Aggregation } from './aggregation.ts'
import { emptyWords } from './generate-loops.ts'
import { GroupTable } from './group-table.ts'
import type { WindowSlices } from './window-slices.ts'

export class WindowFiring {
  readonly #aggregation: Aggregation
  readonly #slices: WindowSlices
  readonly #properties: readonly WindowProperty[]
  readonly #output: Output
  readonly #nowMs: () => number
  /** Merge slices; else a group is a whole window. */
  readonly #merging: boolean
  /** The window in hand. */
  #windowEnd = Number.NaN
  #table: GroupTable
  #slots: Int32Array = new Int32Array(0)
  #next = 0
  /** Windows up to this watermark have fired. */
  #firedMs: number = Number.NEGATIVE_INFINITY
  #targetMs: number = Number.NEGATIVE_INFINITY

  constructor(
    aggregation: Aggregation,
    slices: WindowSlices,
    merging: boolean,
    properties: readonly WindowProperty[],
    output: Output,
    nowMs: () => number,
  ) {
    this.#aggregation = aggregation
    this.#slices = slices
    this.#merging = merging
    this.#properties = properties
    this.#output = output
    this.#nowMs = nowMs
    this.#table = aggregation.table
  }

  /** Windows that end at or before `watermarkMs + 1` have fired already: after a restore. */
  startAt(watermarkMs: number): void {
    this.#firedMs = watermarkMs
    this.#targetMs = watermarkMs
  }

  get isDone(): boolean {
    return this.#firedMs === this.#targetMs
  }

  /** Fires windows that end at or before `watermarkMs + 1`; gives whether all are out. */
  fireThrough(watermarkMs: number): boolean {
    if (watermarkMs > this.#targetMs) this.#targetMs = watermarkMs
    return this.resume()
  }

  resume(): boolean {
    for (;;) {
      if (!this.#emitWindow()) return false
      const end = this.#nextWindowEnd()
      if (end === null) {
        this.#firedMs = this.#targetMs
        return true
      }
      this.#begin(end)
    }
  }

  /** End of the earliest window with rows that has not fired; null when there is none through the target. */
  #nextWindowEnd(): number | null {
    let earliest = Number.POSITIVE_INFINITY
    const firstOpen = this.#slices.firstWindowEndAfter(this.#firedMs)
    for (const group of this.#aggregation.table.firstOfSlice.keys()) {
      const end = this.#merging ? Math.max(this.#slices.firstWindowEnd(group), firstOpen) : group
      if (end < earliest) earliest = end
    }
    return earliest - 1 <= this.#targetMs && earliest !== Number.POSITIVE_INFINITY ? earliest : null
  }

  #begin(end: number): void {
    const { table } = this.#aggregation
    this.#windowEnd = end
    this.#next = 0
    if (this.#merging && this.#slices.sliceMs < this.#slices.sizeMs) {
      this.#mergeSlices(end)
      return
    }
    this.#table = table
    this.#slots = slotsOfSlice(table, end)
  }

  #mergeSlices(end: number): void {
    const { table, plan } = this.#aggregation
    const { sizeMs } = this.#slices
    const merged = new GroupTable(emptyWords(plan))
    const hash = hashFloat64(end)
    for (const sliceEnd of [...table.firstOfSlice.keys()].sort((a, b) => a - b)) {
      if (sliceEnd <= end - sizeMs || sliceEnd > end) continue
      for (const slot of slotsOfSlice(table, sliceEnd)) {
        const to = merged.slotFor(table.keyOf[slot]!, end, hash)
        this.#aggregation.mergeSlot(slot, merged, to)
      }
    }
    this.#table = merged
    this.#slots = merged.liveSlots()
  }

  /** Emits what is left of the window in hand; false: the output is full. */
  #emitWindow(): boolean {
    if (Number.isNaN(this.#windowEnd)) return true
    const slots = this.#slots
    while (this.#next < slots.length) {
      if (!this.#output.isAvailable()) return false
      const from = this.#next
      const to = Math.min(slots.length, from + BATCH_ROWS_TARGET)
      this.#output.emitBatch(this.#batch(from, to))
      this.#next = to
    }
    this.#free()
    this.#firedMs = Math.max(this.#firedMs, this.#windowEnd - 1)
    this.#windowEnd = Number.NaN
    return true
  }

  #batch(from: number, to: number): ColumnBatch {
    const aggregation = this.#aggregation
    const columns: Column[] = [
      ...aggregation.keyColumns(this.#table, this.#slots, from, to),
      ...aggregation.resultColumns(this.#table, this.#slots, from, to),
    ]
    for (const property of this.#properties) {
      const values = new Float64Array(to - from).fill(this.#property(property))
      columns.push(new Float64Column(values, null))
    }
    return new ColumnBatch(to - from, columns)
  }

  #property(property: WindowProperty): number {
    switch (property) {
      case 'window_start':
        return this.#windowEnd - this.#slices.sizeMs
      case 'window_end':
        return this.#windowEnd
      case 'window_time':
        return this.#windowEnd - 1
      case 'proctime':
        return this.#nowMs()
    }
  }

  #free(): void {
    const { table, counts } = this.#aggregation
    for (const group of [...table.firstOfSlice.keys()]) {
      const last = this.#merging ? this.#slices.lastWindowEnd(group) : group
      if (last > this.#windowEnd) continue
      if (counts !== null) for (const slot of slotsOfSlice(table, group)) counts.free(slot)
      table.freeSlice(group)
    }
    this.#table = table
    this.#slots = new Int32Array(0)
  }
}

/** Slots of a slice, oldest first. */
export function slotsOfSlice(table: GroupTable, group: number): Int32Array {
  let count = 0
  let slot = table.firstOfSlice.get(group) ?? 0
  for (let s = slot; s !== 0; s = table.nextInSlice[s]!) count++
  const slots = new Int32Array(count)
  while (slot !== 0) {
    slots[--count] = slot
    slot = table.nextInSlice[slot]!
  }
  return slots
}
