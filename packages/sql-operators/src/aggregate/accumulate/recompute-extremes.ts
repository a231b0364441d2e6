/**
 * MIN and MAX over a changelog: the first and the last of the counted values of the groups that a
 * batch touched.
 */
import type { Column, StateTable, StringColumn, StringPool } from '@millrace/core'
import type { AccumulatorPlan } from './accumulator-plan.ts'
import { accumulatorsOf } from './accumulators.ts'
import type { ValueCounts } from './value-counts.ts'

/** `slots[0 … count)` of `table`, whose key columns are `keys`. */
export function recomputeExtremes(
  plan: AccumulatorPlan,
  counts: ValueCounts,
  table: StateTable,
  slots: Int32Array,
  count: number,
  keys: readonly Column[],
): void {
  plan.words.forEach((word, w) => {
    if (word.kind !== 'min' && word.kind !== 'max') return
    const values = counts.tables[word.input]!
    const entries = extremeEntries(values, keys, count, word.kind === 'min')
    const extremes = values.keyColumns(entries, 0, count).at(-1) as Column
    const { words, longs, stride, first } = accumulatorsOf(table)
    for (let i = 0; i < count; i++) {
      const at = slots[i]! * stride + first + w
      if (extremes.kind === 'str') {
        words[at] = keepText(table, words[at]!, extremes, entries[i] === 0 ? -1 : i)
      } else if (entries[i] !== 0) {
        if (extremes.kind === 'i64') longs[at] = extremes.values[i]!
        else words[at] = extremes.values[i]!
      }
    }
  })
}

/** For each key the entry of its smallest or largest value that is there; 0 without one. */
function extremeEntries(
  values: StateTable,
  keys: readonly Column[],
  count: number,
  smallest: boolean,
): Int32Array {
  const entries = new Int32Array(count)
  const direction = smallest ? 'ascending' : 'descending'
  // A count below 0 is of a value that was retracted before it was inserted: it is not there
  // yet, and rare.
  for (const entriesMax of [1, Number.POSITIVE_INFINITY]) {
    const scan = values.scan(keys, count, { direction, entriesMax })
    const { words, stride } = values.memory
    const word = values.valueWords[0]!
    let passed = false
    for (let n = scan.next(); typeof n === 'number' && n > 0; n = scan.next()) {
      for (let p = 0; p < n; p++) {
        const row = scan.rows[p]!
        if (entries[row] !== 0) continue
        if (words[scan.slots[p]! * stride + word]! > 0) entries[row] = scan.slots[p]!
        else passed = true
      }
    }
    if (!passed) break
  }
  return entries
}

/**
 * The entry to hold of `table`'s texts for row `row` of `column` (-1: none), the one that is held
 * where it is the same text.
 */
function keepText(table: StateTable, held: number, column: StringColumn, row: number): number {
  const { texts } = table
  const entry = row < 0 ? -1 : column.codes![row]!
  if (held >= 0 && entry >= 0 && sameText(texts.pool, held, column.pool, entry)) return held
  texts.drop(held)
  return entry < 0 ? -1 : texts.add(column.pool, entry)
}

function sameText(a: StringPool, p: number, b: StringPool, q: number): boolean {
  const length = a.lengths[p]!
  if (length !== b.lengths[q]) return false
  for (let i = 0; i < length; i++) {
    if (a.bytes[a.starts[p]! + i] !== b.bytes[b.starts[q]! + i]) return false
  }
  return true
}
