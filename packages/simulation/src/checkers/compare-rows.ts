/** Two multisets of canonical rows: what is missing, doubled, unexpected. */
export interface RowDifference {
  /** Expected and absent, or too few times. */
  readonly missing: readonly string[]
  /** Expected, and there more often than expected. */
  readonly doubled: readonly string[]
  /** Not expected at all. */
  readonly unexpected: readonly string[]
}

export function compareRows(expected: Iterable<string>, observed: Iterable<string>): RowDifference {
  const open = counts(expected)
  const known = new Set(open.keys())
  const doubled: string[] = []
  const unexpected: string[] = []
  for (const row of observed) {
    const count = open.get(row) ?? 0
    if (count > 0) open.set(row, count - 1)
    else if (known.has(row)) doubled.push(row)
    else unexpected.push(row)
  }
  const missing: string[] = []
  for (const [row, count] of open) for (let n = 0; n < count; n++) missing.push(row)
  return { missing, doubled, unexpected }
}

function counts(rows: Iterable<string>): Map<string, number> {
  const result = new Map<string, number>()
  for (const row of rows) result.set(row, (result.get(row) ?? 0) + 1)
  return result
}
