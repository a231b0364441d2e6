/**
 * ValueCounts: how often each value of an aggregate's argument stands in each group.
 *
 * Under DISTINCT (a value counts while its count is above 0) and under MIN and MAX over a
 * changelog (when the extreme is retracted the next one must be known). A state table an input,
 * beside that of the groups: (group; value) → count, in order of the values. Before the update
 * loop `resolve` finds the entries of the batch; the loop counts; `settle` takes out those that
 * came to 0.
 */
import {
  type Column,
  ColumnBatch,
  type Field,
  type Float64Column,
  gatherRows,
  type KeyedState,
  type LogicalType,
  type StateTable,
  type StateTableSpec,
} from '@millrace/core'
import type { AccumulatorPlan } from './accumulator-plan.ts'
import { sinceMark } from './accumulator-schema.ts'
import type { CountedInput } from './accumulators.ts'

const COUNT: Field = { name: '$count', type: { kind: 'DOUBLE', nullable: false } }

/** Table of input `input`; `end` comes first among its sub columns when groups are windows. */
export function valueCountsSpec(
  plan: AccumulatorPlan,
  input: number,
  keyFields: readonly Field[],
  end: { readonly field: Field; readonly due: { readonly keptMs: number } } | null,
  ttlMs: number,
): StateTableSpec {
  const { argument, origin, since } = plan.inputs[input]!
  const type = argument!.type as LogicalType
  const value: Field = { name: '$value', type }
  return {
    name: origin === null ? `values-${input}` : `values of ${origin}${sinceMark(since)}`,
    key: { fields: keyFields },
    sub:
      end === null
        ? { columns: { fields: [value] }, ordered: true }
        : { columns: { fields: [end.field, value] }, ordered: true, due: end.due },
    value: { fields: [COUNT] },
    ttlMs,
  }
}

export class ValueCounts {
  /** By input; null: not counted. */
  readonly tables: readonly (StateTable | null)[]
  readonly #slots: Int32Array[]
  #touched = new Int32Array(0)

  /** `specs`: by input, null for one that is not counted. `windows`: groups are windows. */
  constructor(state: KeyedState, specs: readonly (StateTableSpec | null)[], windows: boolean) {
    this.tables = specs.map((spec) => {
      if (spec === null) return null
      return windows ? state.timers(spec) : state.table(spec)
    })
    this.#slots = specs.map(() => new Int32Array(0))
  }

  /**
   * Entries of rows 0 … rowCount of groups `keys` (key columns, and ends): rows without a value,
   * filtered out, or in no group (`slots` 0) get none. `columns`: `[argument 0, filter 0,
   * argument 1, …]`.
   */
  resolve(
    rowCount: number,
    keys: readonly Column[],
    slots: Int32Array,
    columns: readonly (Column | null)[],
  ): (CountedInput | null)[] {
    return this.tables.map((table, input) => {
      if (table === null) return null
      const value = columns[2 * input] as Column
      const found = this.#resolveInput(input, table, rowCount, [...keys, value], slots, columns)
      const { words, stride } = table.memory
      return { slots: found, words, stride, word: table.valueWords[0]! }
    })
  }

  /** After the update: values whose count came to 0 are not there any more. */
  settle(rowCount: number): void {
    this.tables.forEach((table, input) => {
      if (table === null) return
      const slots = this.#slots[input] as Int32Array
      if (this.#touched.length < rowCount) this.#touched = new Int32Array(rowCount)
      const touched = this.#touched
      const count = table.distinct(slots, rowCount, touched)
      const { words, stride } = table.memory
      const word = table.valueWords[0]!
      let gone = 0
      for (let i = 0; i < count; i++) {
        if (words[touched[i]! * stride + word] === 0) touched[gone++] = touched[i]!
      }
      table.remove(touched, gone)
      table.reset(0)
    })
  }

  #resolveInput(
    input: number,
    table: StateTable,
    rowCount: number,
    columns: Column[],
    groups: Int32Array,
    all: readonly (Column | null)[],
  ): Int32Array {
    if ((this.#slots[input] as Int32Array).length < rowCount) {
      this.#slots[input] = new Int32Array(rowCount)
    }
    const slots = this.#slots[input] as Int32Array
    const { nulls } = all[2 * input] as Column
    const filter = all[2 * input + 1] as Column | null
    const rows = new Int32Array(rowCount)
    let count = 0
    for (let i = 0; i < rowCount; i++) {
      if (groups[i] === 0 || (nulls !== null && nulls[i] === 1)) continue
      if (filter !== null && !isTrue(filter, i)) continue
      rows[count++] = i
    }
    if (count === rowCount) table.resolve(columns, rowCount, slots)
    else {
      const part = gatherRows(new ColumnBatch(rowCount, columns), rows, count)
      const found = new Int32Array(count)
      table.resolve(part.columns, count, found)
      slots.fill(0, 0, rowCount)
      for (let i = 0; i < count; i++) slots[rows[i]!] = found[i]!
    }
    table.beforeWrite(slots, rowCount)
    return slots
  }
}

function isTrue(column: Column, row: number): boolean {
  if (column.nulls !== null && column.nulls[row] === 1) return false
  return (column as Float64Column).values[row] === 1
}
