/**
 * ValueCounts: how often each value of an aggregate's argument stands in each group.
 *
 * Under DISTINCT (a value counts while its count is above 0) and under MIN and MAX over a changelog (when the
 * extreme is retracted the
 * next one must be known). State of its own beside the accumulator words, one keyed table an input.
 */
import { type Column, type Value, valueAt } from '@millrace/core'

/** Stands for -0, a value of its own, which a Map takes for 0. */
const NEGATIVE_ZERO = Symbol('-0')
type ValueKey = Value | typeof NEGATIVE_ZERO

export class ValueCounts {
  /** By input, by slot. */
  readonly #maps: (Map<ValueKey, number> | undefined)[][]

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
    const key = Object.is(value, -0) ? NEGATIVE_ZERO : value
    const before = map.get(key) ?? 0
    const after = before + sign
    if (after === 0) map.delete(key)
    else map.set(key, after)
    return before <= 0 && after > 0 ? 1 : before > 0 && after <= 0 ? -1 : 0
  }

  *of(input: number, slot: number): Generator<readonly [Value, number]> {
    for (const [key, count] of this.#maps[input]![slot] ?? []) {
      yield [key === NEGATIVE_ZERO ? -0 : key, count]
    }
  }

  free(slot: number): void {
    for (const maps of this.#maps) maps[slot] = undefined
  }

  /** After the slots were renumbered: `oldSlots[new]` is the old one. */
  renumber(oldSlots: Int32Array): void {
    for (let input = 0; input < this.#maps.length; input++) {
      const old = this.#maps[input]!
      const moved: (Map<ValueKey, number> | undefined)[] = []
      for (let slot = 1; slot < oldSlots.length; slot++) moved[slot] = old[oldSlots[slot]!]
      this.#maps[input] = moved
    }
  }
}
