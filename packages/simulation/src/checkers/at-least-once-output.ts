/**
 * atLeastOnceOutput: every expected row is there as often as expected or more, and nothing else is.
 */
import type { RowsExpectation } from '../workload/expected-output.ts'
import { compareRows } from './compare-rows.ts'
import { observedRows } from './observed-rows.ts'
import { type Violation, violation } from './violation.ts'

const CHECKER = 'at-least-once-output'

export function atLeastOnceOutput(
  expectation: RowsExpectation,
  lines: Iterable<string>,
): Violation[] {
  const { rows, torn } = observedRows(lines, expectation.columns)
  const { missing, unexpected } = compareRows(expectation.rows, rows)
  const found: Violation[] = []
  if (torn.length > 0) {
    found.push(violation(CHECKER, `${torn.length} lines are no whole row`, torn))
  }
  if (missing.length > 0) {
    const text = `${missing.length} of ${expectation.rows.length} expected rows are missing`
    found.push(violation(CHECKER, text, missing))
  }
  if (unexpected.length > 0) {
    const text = `${unexpected.length} rows are not expected`
    found.push(violation(CHECKER, text, unexpected))
  }
  return found
}
