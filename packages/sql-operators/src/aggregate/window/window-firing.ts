/**
 * WindowFiring: emits the groups of one window after another, a batch at a time, and stops when the
 * output is full.
 *
 * TUMBLE and window-wise groups leave as they are; a HOP window's slices are merged into a table of
 * its own first, a part of the keys at a time where they are more than the memory. Invariant:
 * windows fire in the order of their ends, each (key, window) once; a slice is freed when the last
 * window that holds it has fired.
 */
import {
  BATCH_ROWS_TARGET,
  type Column,
  ColumnBatch,
  Float64Column,
  type Output,
  type StateTable,
  type TimeEntries,
} from '@millrace/core'
import type { WindowProperty } from '../../operator-config.ts'
import { accumulatorsOf } from '../accumulate/accumulators.ts'
import { MergedWindow } from './merged-window.ts'
import type { RestoredWatermarks } from './restored-watermarks.ts'
import type { WindowGroups } from './window-groups.ts'
import type { WindowSlices } from './window-slices.ts'

export class WindowFiring {
  readonly #groups: WindowGroups
  readonly #slices: WindowSlices
  readonly #properties: readonly WindowProperty[]
  readonly #output: Output
  readonly #nowMs: () => number
  readonly #restored: RestoredWatermarks
  /** Merge slices; else a group is a whole window. */
  readonly #merging: boolean
  /** The window in hand. */
  #windowEnd = Number.NaN
  /** Of the window in hand: the groups themselves, or its merged slices. */
  #table: StateTable
  readonly #merged: MergedWindow | null
  /** What is left of it: entries not taken yet, parts of its keys, and the batch in hand. */
  #entries: TimeEntries | null = null
  #sliceEnds: readonly number[] = []
  #part = 0
  #parts = 0
  #slots: Int32Array = NO_SLOTS
  #next = 0
  /** Windows up to this watermark have fired. */
  #firedMs: number = Number.NEGATIVE_INFINITY
  #targetMs: number = Number.NEGATIVE_INFINITY

  constructor(
    groups: WindowGroups,
    slices: WindowSlices,
    merging: boolean,
    properties: readonly WindowProperty[],
    output: Output,
    nowMs: () => number,
    restored: RestoredWatermarks,
  ) {
    this.#groups = groups
    this.#slices = slices
    this.#merging = merging
    this.#properties = properties
    this.#output = output
    this.#nowMs = nowMs
    this.#restored = restored
    this.#table = groups.table
    this.#merged = merging && slices.sliceMs < slices.sizeMs ? new MergedWindow(groups) : null
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

  /**
   * End of the earliest window with rows that has not fired; null when there is none
   * through the target.
   */
  #nextWindowEnd(): number | null {
    const { firstMs } = this.#groups.table
    if (firstMs === Number.POSITIVE_INFINITY) return null
    const end = this.#merging
      ? Math.max(
          this.#slices.firstWindowEnd(firstMs),
          this.#slices.firstWindowEndAfter(this.#firedMs),
        )
      : firstMs
    return end - 1 <= this.#targetMs ? end : null
  }

  #begin(end: number): void {
    const { table } = this.#groups
    this.#windowEnd = end
    if (this.#merged === null) {
      this.#table = table
      this.#entries = table.entriesAt(end)
      return
    }
    const ends: number[] = []
    const { sizeMs, sliceMs } = this.#slices
    for (let sliceEnd = end - sizeMs + sliceMs; sliceEnd <= end; sliceEnd += sliceMs) {
      ends.push(sliceEnd)
    }
    this.#table = this.#merged.table
    this.#sliceEnds = ends
    this.#part = 0
    this.#parts = table.partsAt(ends)
  }

  /** Emits what is left of the window in hand; false: the output is full. */
  #emitWindow(): boolean {
    if (Number.isNaN(this.#windowEnd)) return true
    do {
      const slots = this.#slots
      while (this.#next < slots.length) {
        if (!this.#output.isAvailable()) return false
        const from = this.#next
        const to = Math.min(slots.length, from + BATCH_ROWS_TARGET)
        this.#output.emitBatch(this.#batch(from, to))
        this.#next = to
      }
    } while (this.#takeNext())
    this.#free()
    this.#firedMs = Math.max(this.#firedMs, this.#windowEnd - 1)
    this.#windowEnd = Number.NaN
    return true
  }

  /** The next entries of the window in hand; false: there are none. */
  #takeNext(): boolean {
    let slots: Int32Array
    if (this.#merged === null) {
      slots = this.#entries!.next()
      if (slots.length === 0) return false
    } else {
      if (this.#part === this.#parts) return false
      slots = this.#merged.merge(this.#sliceEnds, this.#part++, this.#parts)
    }
    this.#slots = this.#restored.unfired(this.#table, slots, this.#windowEnd)
    this.#next = 0
    return true
  }

  #batch(from: number, to: number): ColumnBatch {
    const table = this.#table
    const { loops } = this.#merged ?? this.#groups
    const columns: Column[] = [
      ...table.keyColumns(this.#slots, from, to).slice(0, table.spec.key.fields.length),
      ...loops.resultColumns(accumulatorsOf(table), table.texts.pool, this.#slots, from, to),
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

  /** Slices that no later window holds go. */
  #free(): void {
    const { table } = this.#groups
    for (;;) {
      const first = table.firstMs
      const last = this.#merging ? this.#slices.lastWindowEnd(first) : first
      if (first === Number.POSITIVE_INFINITY || last > this.#windowEnd) break
      this.#groups.remove(first)
    }
    this.#merged?.table.clear()
    this.#table = table
    this.#entries = null
    this.#slots = NO_SLOTS
    this.#next = 0
  }
}

const NO_SLOTS = new Int32Array(0)
