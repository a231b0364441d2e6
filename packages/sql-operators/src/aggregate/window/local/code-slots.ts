/**
 * CodeSlots: dictionary code and slice → slot, for a single text key whose column comes as codes of
 * a small dictionary.
 *
 * The short cut of the aggregation's first two steps (key id, then slot): one load a row. The cache
 * of a slice is an array by code, under the pool's identity; the two slices seen last are kept at
 * hand, since rows out of order go to and fro across a boundary.
 *
 * Invariant: a cached slot is live: the caches of all slices are dropped when the table's
 * `generation` changes. Measured in window-aggregate.bench.ts.
 */
import type { StringColumn, StringPool } from '@millrace/core'
import type { GroupTable } from './group-table.ts'
import type { KeyDictionary } from './key-dictionary.ts'
import type { SliceCursor } from './slice-cursor.ts'

/** Larger dictionaries take the general way: an array a slice would cost more than it saves. */
const CODES_MAX = 4096
const SLICES_MAX = 64
const NO_SLOTS = new Int32Array(0)

class Interval {
  startMs = Number.NaN
  endMs = Number.NaN
  group = Number.NaN
  groupHash = 0
  late = 0
  slotOfCode: Int32Array = NO_SLOTS
}

export class CodeSlots {
  #pool: StringPool | null = null
  #generation = -1
  #watermarkMs = Number.NaN
  #cursor: SliceCursor | null = null
  /** Codes that the caches have room for. */
  #length = 0
  readonly #slices = new Map<number, Int32Array>()
  #current = new Interval()
  #previous = new Interval()

  static takes(column: StringColumn): boolean {
    return column.codes !== null && column.nulls === null && column.pool.size <= CODES_MAX
  }

  /** As `GroupTable.resolve`, from codes. */
  resolve(
    rowCount: number,
    column: StringColumn,
    times: Float64Array,
    cursor: SliceCursor,
    watermarkMs: number,
    keys: KeyDictionary,
    table: GroupTable,
    slots: Int32Array,
  ): number {
    this.#refresh(column.pool, table, cursor, watermarkMs)
    const codes = column.codes as Int32Array
    let lateCount = 0
    for (let i = 0; i < rowCount; i++) {
      i = fillKnownSlots(i, rowCount, codes, times, this.#current, this.#previous, slots)
      if (i === rowCount) break
      const time = times[i] as number
      const { startMs, endMs } = this.#current
      if (!(time >= startMs && time < endMs)) this.#enter(time, cursor, watermarkMs)
      const { group, groupHash, late, slotOfCode } = this.#current
      let slot = 0
      if (Number.isNaN(group)) lateCount += late
      else {
        const code = codes[i] as number
        slot = slotOfCode[code] as number
        if (slot === 0) {
          slot = table.slotFor(keys.idOfCode(column, code, i), group, groupHash)
          slotOfCode[code] = slot
        }
      }
      slots[i] = slot
    }
    return lateCount
  }

  /** Makes the interval of `time` the current one. */
  #enter(time: number, cursor: SliceCursor, watermarkMs: number): void {
    const next = this.#previous
    this.#previous = this.#current
    this.#current = next
    if (time >= next.startMs && time < next.endMs) return
    cursor.move(time, watermarkMs)
    next.startMs = cursor.startMs
    next.endMs = cursor.endMs
    next.group = cursor.group
    next.groupHash = cursor.groupHash
    next.late = cursor.late ? 1 : 0
    next.slotOfCode = Number.isNaN(cursor.group) ? NO_SLOTS : this.#slotsOf(cursor.group)
  }

  #slotsOf(group: number): Int32Array {
    const known = this.#slices.get(group)
    if (known !== undefined) return known
    if (this.#slices.size >= SLICES_MAX) this.#slices.clear()
    const made = new Int32Array(this.#length)
    this.#slices.set(group, made)
    return made
  }

  #refresh(pool: StringPool, table: GroupTable, cursor: SliceCursor, watermarkMs: number): void {
    const same =
      pool === this.#pool && table.generation === this.#generation && pool.size <= this.#length
    if (same && cursor === this.#cursor && watermarkMs === this.#watermarkMs) return
    this.#cursor = cursor
    if (!same) {
      this.#slices.clear()
      if (pool.size > this.#length) this.#length = Math.max(64, pool.size * 2)
    }
    this.#pool = pool
    this.#generation = table.generation
    this.#watermarkMs = watermarkMs
    this.#current = new Interval()
    this.#previous = new Interval()
  }
}

/**
 * Slots of rows from `from` on while they are known; returns the first row whose slot is not, or
 * `to`. Apart from the rest so that it is small and complete when it is compiled: compiled with the
 * rare cases, it was thrown away and compiled anew whenever one first came.
 */
function fillKnownSlots(
  from: number,
  to: number,
  codes: Int32Array,
  times: Float64Array,
  current: Interval,
  previous: Interval,
  slots: Int32Array,
): number {
  const { startMs, endMs, slotOfCode } = current
  const { startMs: otherStartMs, endMs: otherEndMs, slotOfCode: otherSlotOfCode } = previous
  for (let i = from; i < to; i++) {
    const time = times[i] as number
    let slot = 0
    if (time >= startMs && time < endMs) slot = slotOfCode[codes[i] as number] as number
    else if (time >= otherStartMs && time < otherEndMs) {
      slot = otherSlotOfCode[codes[i] as number] as number
    }
    if (!(slot > 0)) return i
    slots[i] = slot
  }
  return to
}
