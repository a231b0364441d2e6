/**
 * The law of restoring: what a job has shown up to a checkpoint, and what another one shows that
 * is restored from it at another parallelism and reads the rest of the same input, are together
 * what the oracle says.
 *
 * It needs no model of any operator's state: a key group that is lost, doubled or not its
 * subtask's, an offset, a watermark or a timer that a checkpoint does not have, all end in rows
 * that are missing, doubled or wrong.
 */
import type { ChangelogExpectation, Expectation } from '../workload/expected-output.ts'
import type { Guarantee } from '../workload/workload.ts'
import { atLeastOnceOutput } from './at-least-once-output.ts'
import { parseChange } from './changelog-output.ts'
import { compareRows } from './compare-rows.ts'
import { exactlyOnceOutput } from './exactly-once-output.ts'
import { lateRows } from './late-rows.ts'
import { observedRows } from './observed-rows.ts'
import { type Violation, violation } from './violation.ts'

export const RESTORE_LAW = 'restore-law'

export interface RestoredOutput {
  readonly expectation: Expectation
  readonly guarantee: Guarantee
  /** Up to the checkpoint; of sinks that commit nothing, maybe more. */
  readonly before: readonly string[]
  readonly after: readonly string[]
}

export function restoredOutput(output: RestoredOutput): Violation[] {
  const { expectation, guarantee, before, after } = output
  const lines = [...before, ...after]
  switch (expectation.kind) {
    case 'late':
      return named(lateRows(expectation, { lines, guarantee, droppedCount: null }))
    case 'changelog':
      return restoredChangelog(expectation, before, after)
    case 'rows': {
      if (guarantee === 'exactly-once') {
        return exactlyOnceOutput(expectation, lines, { checker: RESTORE_LAW })
      }
      const { rows } = observedRows(after, expectation.columns)
      const { doubled } = compareRows(expectation.rows, rows)
      const found = named(atLeastOnceOutput(expectation, lines))
      if (doubled.length === 0) return found
      const text = `${doubled.length} rows came more often than expected from one restored run`
      return [...found, violation(RESTORE_LAW, text, doubled)]
    }
  }
}

function named(violations: readonly Violation[]): Violation[] {
  return violations.map((each) => ({ ...each, checker: RESTORE_LAW }))
}

/**
 * The restored run had no fault: what it took away from the result and added to it is exact. The
 * result less that is what the checkpoint knew: one row of a key at most, and each was printed
 * before.
 */
function restoredChangelog(
  { columns, keyColumns, rows }: ChangelogExpectation,
  before: readonly string[],
  after: readonly string[],
): Violation[] {
  const known = new Map<string, number>()
  for (const row of rows) known.set(row, (known.get(row) ?? 0) + 1)
  const torn: string[] = []
  for (const line of after) {
    const change = parseChange(line)
    if (change?.values.length !== columns.length) torn.push(line)
    else {
      const row = JSON.stringify(change.values)
      const adds = change.kind === '+I' || change.kind === '+U'
      known.set(row, (known.get(row) ?? 0) + (adds ? -1 : 1))
    }
  }
  const printed = new Set(
    before.flatMap((line) => {
      const change = parseChange(line)
      return change?.kind === '+I' || change?.kind === '+U' ? [JSON.stringify(change.values)] : []
    }),
  )
  const positions = keyColumns.map((name) => columns.indexOf(name))
  const byKey = new Map<string, number>()
  for (const [row, count] of known) {
    const values = JSON.parse(row) as string[]
    const key = JSON.stringify(positions.map((position) => values[position]))
    byKey.set(key, (byKey.get(key) ?? 0) + Math.max(0, count))
  }
  const entries = [...known]
  const keyed = positions.length < columns.length
  const found: Violation[] = []
  for (const [details, what] of [
    [torn, 'lines of the restored run are no whole change'],
    [
      entries.filter(([, count]) => count < 0).map(([row]) => row),
      'rows are in the result of the restored run and not expected',
    ],
    [
      entries.filter(([row, count]) => count > 0 && !printed.has(row)).map(([row]) => row),
      'rows are missing from the result of the restored run, or were taken from it without having been there',
    ],
    [
      keyed ? [...byKey].filter(([, count]) => count > 1).map(([key]) => key) : [],
      'keys had several rows in the checkpoint',
    ],
  ] as const) {
    if (details.length > 0) found.push(violation(RESTORE_LAW, `${details.length} ${what}`, details))
  }
  return found
}
