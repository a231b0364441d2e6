/**
 * exactlyOnceOutput: the lines that a reader of committed output sees are the expected rows, each
 * as often as expected.
 *
 * For a Kafka sink the lines are the values that a read_committed consumer gets; for files see
 * `exactlyOnceFiles`. A row that is missing while an unexpected one has the same leading column is
 * told as wrong, with both. Of an output that broke off, rows may be missing.
 */
import type { RowsExpectation } from '../workload/expected-output.ts'
import { compareRows } from './compare-rows.ts'
import { observedRows } from './observed-rows.ts'
import { type Violation, violation } from './violation.ts'

export function exactlyOnceOutput(
  expectation: RowsExpectation,
  lines: Iterable<string>,
  options: { readonly checker?: string; readonly brokenOff?: boolean } = {},
): Violation[] {
  const { checker = 'exactly-once-output', brokenOff = false } = options
  const { rows, torn } = observedRows(lines, expectation.columns)
  const { missing, doubled, unexpected } = compareRows(expectation.rows, rows)
  const found: Violation[] = []
  const say = (count: number, what: string, details: readonly string[]) => {
    if (count > 0) found.push(violation(checker, `${count} ${what}`, details))
  }
  const columns = expectation.columns.join(', ')
  say(torn.length, 'lines are no whole row', torn)
  say(doubled.length, `rows are there more often than expected (${columns})`, doubled)
  const { wrong, absent, strange } = pairByKey(missing, unexpected)
  say(wrong.length, `rows are wrong (${columns})`, wrong)
  say(
    brokenOff ? 0 : absent.length,
    `of ${expectation.rows.length} expected rows are missing (${columns})`,
    absent,
  )
  say(strange.length, `rows are not expected (${columns})`, strange)
  return found
}

/** Values that make a row recognisable: its texts (keys, window bounds). */
function keyOf(row: string): string {
  const values = JSON.parse(row) as unknown[]
  return JSON.stringify(values.filter((value) => typeof value === 'string'))
}

function pairByKey(missing: readonly string[], unexpected: readonly string[]) {
  // While output is still to come, every row that is missing is just that.
  if (unexpected.length === 0) return { wrong: [], absent: missing, strange: [] }
  const byKey = new Map<string, string[]>()
  for (const row of unexpected) {
    const key = keyOf(row)
    byKey.set(key, [...(byKey.get(key) ?? []), row])
  }
  const wrong: string[] = []
  const absent: string[] = []
  for (const row of missing) {
    const found = byKey.get(keyOf(row))?.shift()
    if (found === undefined) absent.push(row)
    else wrong.push(`${found}, not ${row}`)
  }
  return { wrong, absent, strange: [...byKey.values()].flat() }
}
