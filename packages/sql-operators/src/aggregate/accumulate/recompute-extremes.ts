/**
 * MIN and MAX over a changelog: the first and the last of the counted values of the groups that a
 * batch touched.
 */
import {
  type Column,
  ColumnBatch,
  gatherRows,
  type ScanOrder,
  type StateTable,
  type StringColumn,
  type StringPool,
} from '@millrace/core'
import type { AccumulatorPlan } from './accumulator-plan.ts'
import { accumulatorsOf } from './accumulators.ts'
import type { ValueCounts } from './value-counts.ts'

/** Entries of a key that are looked at first: a count below 0 is rare. */
const ENTRIES_FIRST = 1
const ENTRIES_GROWTH = 16

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
    const { words, longs, stride, first } = accumulatorsOf(table)
    const values = counts.tables[word.input]!
    const found = new Uint8Array(count)
    const isText = word.storage === 'str'
    forExtremes(values, keys, count, word.kind === 'min', (rows, extremes) => {
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i]!
        const at = slots[row]! * stride + first + w
        found[row] = 1
        if (extremes.kind === 'str') words[at] = keepText(table, words[at]!, extremes, i)
        else if (extremes.kind === 'i64') longs[at] = extremes.values[i]!
        else words[at] = extremes.values[i]!
      }
    })
    if (!isText) return
    for (let row = 0; row < count; row++) {
      if (found[row] === 1) continue
      const at = slots[row]! * stride + first + w
      table.texts.drop(words[at]!)
      words[at] = -1
    }
  })
}

/**
 * Gives the smallest or largest value of each key that has one: rows of `keys`, each once, and
 * their values.
 */
function forExtremes(
  values: StateTable,
  keys: readonly Column[],
  count: number,
  smallest: boolean,
  take: (rows: readonly number[], extremes: Column) => void,
): void {
  const direction = smallest ? 'ascending' : 'descending'
  let rows = Int32Array.from({ length: count }, (_, row) => row)
  let columns = keys
  for (let entriesMax = ENTRIES_FIRST; rows.length > 0; entriesMax *= ENTRIES_GROWTH) {
    const passed = takeFirst(values, columns, rows, { direction, entriesMax }, take)
    // A count below 0 is of a value that was retracted before it was inserted: it is not there
    // yet. Keys of which all that were looked at are such have maybe more.
    rows = rows.filter((_, i) => passed[i] === entriesMax)
    if (rows.length === 0) return
    columns = gatherRows(new ColumnBatch(count, keys as Column[]), rows, rows.length).columns
  }
}

/** Gives for each row how many entries it passed over; Infinity: it has taken one. */
function takeFirst(
  values: StateTable,
  keys: readonly Column[],
  rows: Int32Array,
  order: ScanOrder,
  take: (rows: readonly number[], extremes: Column) => void,
): Float64Array {
  const passed = new Float64Array(rows.length)
  const scan = values.scan(keys, rows.length, order)
  const word = values.valueWords[0]!
  for (let n = scan.next(); typeof n === 'number' && n > 0; n = scan.next()) {
    const { words, stride } = values.memory
    const taken: number[] = []
    const entries: number[] = []
    for (let p = 0; p < n; p++) {
      const row = scan.rows[p]!
      if (passed[row] === Number.POSITIVE_INFINITY) continue
      if (words[scan.slots[p]! * stride + word]! > 0) {
        passed[row] = Number.POSITIVE_INFINITY
        taken.push(rows[row]!)
        entries.push(scan.slots[p]!)
      } else passed[row]!++
    }
    if (taken.length === 0) continue
    // Now: slots are good until the next pairs.
    take(taken, values.keyColumns(Int32Array.from(entries), 0, entries.length).at(-1) as Column)
  }
  return passed
}

/**
 * The entry to hold of `table`'s texts for row `row` of `column`: the one that is held where it is
 * the same text.
 */
function keepText(table: StateTable, held: number, column: StringColumn, row: number): number {
  const { texts } = table
  const entry = column.codes![row]!
  if (held >= 0 && sameText(texts.pool, held, column.pool, entry)) return held
  texts.drop(held)
  return texts.add(column.pool, entry)
}

function sameText(a: StringPool, p: number, b: StringPool, q: number): boolean {
  const length = a.lengths[p]!
  if (length !== b.lengths[q]) return false
  for (let i = 0; i < length; i++) {
    if (a.bytes[a.starts[p]! + i] !== b.bytes[b.starts[q]! + i]) return false
  }
  return true
}
