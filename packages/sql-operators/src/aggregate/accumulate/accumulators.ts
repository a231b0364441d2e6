/**
 * Accumulators: records whose words from `first` on are those of an accumulator plan.
 *
 * What loops and results see of a table, be it a state table (keys before the words) or a local one
 * (nothing but words).
 */
import type { RecordMemory, StateTable } from '@millrace/core'

/** Where the words stand within a record. */
export interface Place {
  /** 8-byte words from record to record. */
  readonly stride: number
  readonly first: number
}

export interface Accumulators extends RecordMemory, Place {}

/**
 * Of a state table whose value fields are the plan's words; valid until the table resolves again.
 */
export function accumulatorsOf(table: StateTable): Accumulators {
  const { stride, words, longs, ints } = table.memory
  return { stride, words, longs, ints, first: table.valueWords[0] ?? 0 }
}

/**
 * What the update loop sees of an input whose values are counted: the entry of each row, and
 * where its count is.
 */
export interface CountedInput {
  readonly slots: Int32Array
  readonly words: Float64Array
  readonly stride: number
  readonly word: number
}
