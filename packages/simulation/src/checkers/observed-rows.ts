/**
 * Observed output lines → canonical rows.
 *
 * A line that is no JSON object, or has other columns than the sink's table, is torn: part of a
 * record, or two.
 */
import { canonicalRow } from '../workload/expected-output.ts'

export interface ObservedRows {
  readonly rows: readonly string[]
  /** The parsed objects, by the same index as `rows`. */
  readonly objects: readonly Readonly<Record<string, unknown>>[]
  readonly torn: readonly string[]
}

export function observedRows(lines: Iterable<string>, columns: readonly string[]): ObservedRows {
  const rows: string[] = []
  const objects: Readonly<Record<string, unknown>>[] = []
  const torn: string[] = []
  for (const line of lines) {
    const object = parsedObject(line)
    if (object === null || !hasColumns(object, columns)) torn.push(line)
    else {
      rows.push(canonicalRow(object, columns))
      objects.push(object)
    }
  }
  return { rows, objects, torn }
}

function parsedObject(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

function hasColumns(object: Record<string, unknown>, columns: readonly string[]): boolean {
  return (
    Object.keys(object).length === columns.length &&
    columns.every((name) => Object.hasOwn(object, name))
  )
}
