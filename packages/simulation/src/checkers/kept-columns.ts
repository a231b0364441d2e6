/**
 * Output lines and expectations in some of their columns: what a query and an edited one have in
 * common.
 */
import type { Expectation } from '../workload/expected-output.ts'
import { parseChange } from './changelog-output.ts'

/** Lines of a sink, JSON objects or printed changes of `columns`; a torn line stays as it is. */
export function linesIn(
  lines: readonly string[],
  columns: readonly string[],
  common: readonly string[],
): string[] {
  return lines.map((line) => {
    const change = parseChange(line)
    if (change !== null) {
      if (change.values.length !== columns.length) return line
      return `${change.kind}[${common.map((name) => change.values[columns.indexOf(name)]).join(', ')}]`
    }
    const row = parsed(line)
    if (row === null || !columns.every((name) => Object.hasOwn(row, name))) return line
    return JSON.stringify(Object.fromEntries(common.map((name) => [name, row[name]])))
  })
}

function parsed(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

export function expectationIn(expectation: Expectation, common: readonly string[]): Expectation {
  if (expectation.kind === 'late') return expectation
  const places = common.map((name) => expectation.columns.indexOf(name))
  const rows = expectation.rows.map((row) => {
    const values = JSON.parse(row) as unknown[]
    return JSON.stringify(places.map((place) => values[place]))
  })
  return { ...expectation, columns: common, rows }
}
