/**
 * ValueCounts: how often each value of an aggregate's argument stands in each group.
 *
 * Under DISTINCT (a value counts while its count is above 0) and under MIN and MAX over a changelog (when the
 * extreme is retracted the
 * next one must be known). State of its own beside the accumulator words, one keyed table an input.
 */
import { type Column, type Value, valueAt } from '@millrace/core'

export class ValueCounts {
  /** By input, by slot. */
  readonly #maps: (Map<Value, number> | undefined)[][]

  constructor(inputCount: number) {
    this.#maps = Array.from({ length: inputCount }, () => [])
  }

  /** Adds `sign` to the count of the row's value; 1 when the value came to be there, -1 when it went, else 0. */
  change(input: number, slot: number, column: Column, row: number, sign: number): number {
    return this.add(input, slot, valueAt(column, row), sign)
  }

  add(input: number, slot: number, value: Value, sign: number): number {
    const maps = this.#maps[input]!
    let map = maps[slot]
    if (map === undefined) {
      map = new Map()
      maps[slot] = map
    }
    const before = map.get(value) ?? 0
    const after = before + sign
    if (after === 0) map.delete(value)
    else map.set(value, after)
    return before <= 0 && after > 0 ? 1 : before > 0 && after <= 0 ? -1 : 0
  }

  of(input: number, slot: number): ReadonlyMap<Value, number> | undefined {
    return this.#maps[input]![slot]
  }

  free(slot: number): void {
    for (const maps of this.#maps) maps[slot] = undefined
  }

  /** After the slots were renumbered: `oldSlots[new]` is the old one. */
  renumber(oldSlots: Int32Array): void {
    for (let input = 0; input < this.#maps.length; input++) {
      const old = this.#maps[input]!
      const moved: (Map<Value, number> | undefined)[] = []
      for (let slot = 1; slot < oldSlots.length; slot++) moved[slot] = old[oldSlots[slot]!]
      this.#maps[input] = moved
    }
  }
}
