/**
 * What a job shows that was restored when the time to live of all its state was over: it knows
 * nothing any more, so that it takes back only what it has shown itself.
 */
import { parseChange } from './changelog-output.ts'
import { RESTORE_LAW } from './restored-output.ts'
import { type Violation, violation } from './violation.ts'

/** `lines` in the order in which each subtask printed them. */
export function forgottenState(lines: readonly string[], columns: readonly string[]): Violation[] {
  const shown = new Map<string, number>()
  const remembered: string[] = []
  const torn: string[] = []
  for (const line of lines) {
    const change = parseChange(line)
    if (change?.values.length !== columns.length) {
      torn.push(line)
      continue
    }
    const row = JSON.stringify(change.values)
    const count = shown.get(row) ?? 0
    const adds = change.kind === '+I' || change.kind === '+U'
    if (!adds && count === 0) remembered.push(`${change.kind}${row}`)
    shown.set(row, adds ? count + 1 : Math.max(0, count - 1))
  }
  const found: Violation[] = []
  for (const [details, what] of [
    [torn, 'lines of the restored run are no whole change'],
    [remembered, 'changes are of rows that were forgotten when the job was restored'],
  ] as const) {
    if (details.length > 0) found.push(violation(RESTORE_LAW, `${details.length} ${what}`, details))
  }
  return found
}
