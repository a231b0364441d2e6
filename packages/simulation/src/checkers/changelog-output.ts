/**
 * changelogOutput: the changes that a sink saw, applied one after another, give the
 * expected result.
 *
 * In one attempt every retraction must name a row that is there, every row is there once. Later
 * attempts repeat changes from an earlier checkpoint on, in other steps maybe; even so a retraction
 * names a row that was printed before, since what a checkpoint knows was printed. Where groups only
 * grow, every key that was printed is in the result, and no attempt inserts a key twice; where they
 * count their rows, no attempt prints a row twice, and the last word of each key is the result.
 * Elsewhere it may be a passing state of a lost attempt, which the next one skipped: that one has
 * the result from its checkpoint, so it was printed before.
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

/**
 * A line of the print connector, `id:2> +I[a, b]`; null when it is none. No printed
 * value holds `, `.
 */
export function parseChange(line: string): Change | null {
  const match = /^(?:[^>[]*> )?(\+I|-U|\+U|-D)\[(.*)\]$/s.exec(line)
  if (match === null) return null
  return { kind: match[1] as ChangeKind, values: (match[2] as string).split(', ') }
}

/**
 * `changes` in the order in which each subtask wrote them; a key's changes come from one subtask.
 */
export function changelogOutput(
  expectation: ChangelogExpectation,
  lines: Iterable<string>,
  attempts: number,
): Violation[] {
  const torn: string[] = []
  const changes: Change[] = []
  for (const line of lines) {
    const change = parseChange(line)
    if (change?.values.length === expectation.columns.length) changes.push(change)
    else torn.push(line)
  }
  const found: Violation[] = []
  const strict = attempts === 1
  if (torn.length > 0) {
    found.push(violation(CHECKER, `${torn.length} lines are no whole change`, torn))
  }
  const byKey = keyedBy(keyPositions(expectation))
  if (!strict) found.push(...repeatedWrongly(expectation, changes, byKey, attempts))
  const result = strict
    ? appliedStrictly(changes, found)
    : expectation.counting
      ? lastWords(changes, byKey)
      : everPrinted(changes)
  const { missing, doubled, unexpected } = compareRows(expectation.rows, result)
  for (const [rows, what] of [
    [missing, `of ${expectation.rows.length} expected rows are missing from the result`],
    [doubled, 'rows are in the result more than once'],
    // What an attempt printed before it was lost may have been a passing state that the next
    // one never had.
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

type KeyOf = (values: readonly string[]) => string

function keyedBy(positions: readonly number[]): KeyOf {
  return (values) => JSON.stringify(positions.map((position) => values[position]))
}

function lastWords(changes: readonly Change[], keyOf: KeyOf): string[] {
  const words = new Map<string, string>()
  for (const { kind, values } of changes) {
    // A retraction of a lost attempt need not be repeated, nor taken back, by the next: its row
    // was there before.
    if (kind === '+I' || kind === '+U') words.set(keyOf(values), JSON.stringify(values))
  }
  return [...words.values()]
}

function everPrinted(changes: readonly Change[]): string[] {
  const rows = new Set<string>()
  for (const { kind, values } of changes) {
    if (kind === '+I' || kind === '+U') rows.add(JSON.stringify(values))
  }
  return [...rows]
}

/** What no attempt can have printed, whatever checkpoints they began with. */
function repeatedWrongly(
  { growing, counting, rows }: ChangelogExpectation,
  changes: readonly Change[],
  keyOf: KeyOf,
  attempts: number,
): Violation[] {
  const printed = new Map<string, number>()
  const inserted = new Map<string, number>()
  const groundless: string[] = []
  for (const { kind, values } of changes) {
    const row = JSON.stringify(values)
    if (kind === '+I' || kind === '+U') printed.set(row, (printed.get(row) ?? 0) + 1)
    else if (!printed.has(row)) groundless.push(`${kind}${row}`)
    if (kind === '+I') inserted.set(keyOf(values), (inserted.get(keyOf(values)) ?? 0) + 1)
  }
  const known = new Set(rows.map((row) => keyOf(JSON.parse(row) as string[])))
  const keys = new Set(changes.map(({ values }) => keyOf(values)))
  const strange = growing ? [...keys].filter((key) => !known.has(key)) : []
  const again = growing ? [...inserted].filter(([, count]) => count > attempts) : []
  const repeated = counting ? [...printed].filter(([, count]) => count > attempts) : []
  const found: Violation[] = []
  for (const [details, what] of [
    [groundless, 'retractions name a row that was never printed'],
    [strange, 'keys are not expected'],
    [again.map(([key, n]) => `${key} ${n} times`), `keys came more often than ${attempts} times`],
    [
      repeated.map(([row, n]) => `${row} ${n} times`),
      `rows came more often than ${attempts} times`,
    ],
  ] as const) {
    if (details.length > 0) found.push(violation(CHECKER, `${details.length} ${what}`, details))
  }
  return found
}
