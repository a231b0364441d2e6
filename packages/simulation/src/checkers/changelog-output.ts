/**
 * changelogOutput: the changes that a sink saw, applied one after another, give the expected result.
 *
 * `strict`: a run without failures; every retraction must name a row that is there, every row is there once. Otherwise
 * changes may have been repeated from an earlier checkpoint on: the last word of each key counts.
 */
import type { ChangelogExpectation } from '../workload/expected-output.ts'
import { compareRows } from './compare-rows.ts'
import { type Violation, violation } from './violation.ts'

const CHECKER = 'changelog-output'

export type ChangeKind = '+I' | '-U' | '+U' | '-D'
export interface Change {
  readonly kind: ChangeKind
  readonly values: readonly string[]
}

/** A line of the print connector, `id:2> +I[a, b]`; null when it is none. No printed value holds `, `. */
export function parseChange(line: string): Change | null {
  const match = /^(?:[^>[]*> )?(\+I|-U|\+U|-D)\[(.*)\]$/s.exec(line)
  if (match === null) return null
  return { kind: match[1] as ChangeKind, values: (match[2] as string).split(', ') }
}

/** `changes` in the order in which each subtask wrote them; a key's changes come from one subtask. */
export function changelogOutput(
  expectation: ChangelogExpectation,
  lines: Iterable<string>,
  strict: boolean,
): Violation[] {
  const torn: string[] = []
  const changes: Change[] = []
  for (const line of lines) {
    const change = parseChange(line)
    if (change?.values.length === expectation.columns.length) changes.push(change)
    else torn.push(line)
  }
  const found: Violation[] = []
  if (torn.length > 0) {
    found.push(violation(CHECKER, `${torn.length} lines are no whole change`, torn))
  }
  const result = strict
    ? appliedStrictly(changes, found)
    : lastWords(changes, keyPositions(expectation))
  const { missing, doubled, unexpected } = compareRows(expectation.rows, result)
  for (const [rows, what] of [
    [missing, `of ${expectation.rows.length} expected rows are missing from the result`],
    [doubled, 'rows are in the result more than once'],
    // What an attempt printed before it was lost may have been a passing state that the next one never had.
    [strict ? unexpected : [], 'rows of the result are not expected'],
  ] as const) {
    if (rows.length > 0) found.push(violation(CHECKER, `${rows.length} ${what}`, rows))
  }
  return found
}

function keyPositions({ columns, keyColumns }: ChangelogExpectation): number[] {
  return keyColumns.map((name) => columns.indexOf(name))
}

function appliedStrictly(changes: readonly Change[], found: Violation[]): string[] {
  const rows = new Map<string, number>()
  const groundless: string[] = []
  for (const { kind, values } of changes) {
    const row = JSON.stringify(values)
    const count = rows.get(row) ?? 0
    const adds = kind === '+I' || kind === '+U'
    if (!adds && count === 0) groundless.push(`${kind}${row}`)
    rows.set(row, adds ? count + 1 : Math.max(0, count - 1))
  }
  if (groundless.length > 0) {
    const text = `${groundless.length} retractions name no row that is there`
    found.push(violation(CHECKER, text, groundless))
  }
  return [...rows].flatMap(([row, count]) => Array.from({ length: count }, () => row))
}

function lastWords(changes: readonly Change[], positions: readonly number[]): string[] {
  const byKey = new Map<string, string>()
  for (const { kind, values } of changes) {
    const key = JSON.stringify(positions.map((position) => values[position]))
    // A retraction of a lost attempt need not be repeated, nor taken back, by the next: its row was there before.
    if (kind === '+I' || kind === '+U') byKey.set(key, JSON.stringify(values))
  }
  return [...byKey.values()]
}
