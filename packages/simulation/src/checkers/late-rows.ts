/**
 * lateRows: a window holds every row that came in time, and each late one or not, but whole;
 * where the input alone decides (one partition, read by one reader to its end), exactly
 * those that it must.
 *
 * A column of the result adds up a bit for each late row, so that the result itself says which late
 * rows are in; the oracle then gives the one right row. Windows that only late rows fall into may
 * be there or not. A row of a HOP window that one window took is in every later window that holds
 * it, too: those fire after it. With tumbling windows and no restart, rows taken and rows counted
 * as dropped are all rows.
 */
import type { LateExpectation, LateGroup } from '../workload/expected-output.ts'
import { canonicalRow } from '../workload/expected-output.ts'
import { observedRows } from './observed-rows.ts'
import { type Violation, violation } from './violation.ts'

const CHECKER = 'late-rows'

export interface LateObservation {
  readonly lines: Iterable<string>
  readonly guarantee: 'exactly-once' | 'at-least-once'
  /** numLateRecordsDropped of all subtasks of a run without restarts; null: not known. */
  readonly droppedCount: number | null
}

export function lateRows(expectation: LateExpectation, observation: LateObservation): Violation[] {
  const { rows, objects, torn } = observedRows(observation.lines, expectation.columns)
  const groups = new Map(expectation.groups.map((group) => [group.key, group]))
  const taken = new Map<string, ReadonlySet<number>>()
  const wrong: string[] = []
  const doubled: string[] = []
  const unexpected: string[] = []
  for (const [i, object] of objects.entries()) {
    const row = rows[i] as string
    const key = canonicalRow(object, expectation.keyColumns)
    const group = groups.get(key)
    if (group === undefined) {
      unexpected.push(row)
      continue
    }
    const late = lateRowsOf(object[expectation.bitsColumn])
    const right = rightRow(group, late)
    const before = taken.get(key)
    if (before !== undefined && observation.guarantee === 'exactly-once') doubled.push(row)
    if (right !== row) wrong.push(`${row}, not ${right ?? 'with those late rows'}`)
    else taken.set(key, before === undefined ? late : new Set([...before, ...late]))
  }
  const missing = expectation.groups.filter(
    (group) => (group.required || (group.taken?.size ?? 0) > 0) && !taken.has(group.key),
  )
  const found: Violation[] = []
  for (const [details, what] of [
    [torn, 'lines are no whole row'],
    [wrong, 'windows are wrong'],
    [doubled, 'windows came out more than once'],
    [unexpected, 'windows are not expected'],
    [missing.map(({ key }) => key), 'windows with rows in time are missing'],
    [forgotten(expectation, taken), 'late rows are in a window and not in a later one'],
  ] as const) {
    if (details.length > 0) found.push(violation(CHECKER, `${details.length} ${what}`, details))
  }
  if (found.length === 0) found.push(...miscounted(expectation, observation, taken))
  return found
}

function lateRowsOf(bits: unknown): ReadonlySet<number> {
  const late = new Set<number>()
  const sum = BigInt(typeof bits === 'number' ? bits : 0)
  for (let n = 0; sum >> BigInt(n) > 0n; n++) if ((sum >> BigInt(n)) & 1n) late.add(n)
  return late
}

/** Null: these late rows do not fall into the window, or it is empty. */
function rightRow(group: LateGroup, late: ReadonlySet<number>): string | null {
  for (const n of late) if (!group.lateRows.includes(n)) return null
  if (group.taken !== null && !sameSet(group.taken, late)) return null
  return group.required || late.size > 0 ? group.rowWith(late) : null
}

function sameSet(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  return a.size === b.size && [...a].every((n) => b.has(n))
}

function forgotten(
  expectation: LateExpectation,
  taken: ReadonlyMap<string, ReadonlySet<number>>,
): string[] {
  const details: string[] = []
  const first = new Map<number, number>()
  for (const { key, startMs } of expectation.groups) {
    for (const n of taken.get(key) ?? []) {
      first.set(n, Math.min(first.get(n) ?? Number.POSITIVE_INFINITY, startMs))
    }
  }
  for (const { key, startMs, lateRows: candidates } of expectation.groups) {
    for (const n of candidates) {
      const from = first.get(n)
      if (from === undefined || startMs <= from || taken.get(key)?.has(n) === true) continue
      details.push(`late row ${n} in ${key}`)
    }
  }
  return details
}

function miscounted(
  expectation: LateExpectation,
  { droppedCount }: LateObservation,
  taken: ReadonlyMap<string, ReadonlySet<number>>,
): Violation[] {
  if (droppedCount === null || !expectation.isTumbling) return []
  const inside = new Set([...taken.values()].flatMap((late) => [...late])).size
  const { lateRowCount } = expectation
  if (inside + droppedCount === lateRowCount) return []
  const text = `${inside} late rows are in windows and ${droppedCount} were counted as dropped; there are ${lateRowCount}`
  return [violation(CHECKER, text, [])]
}
