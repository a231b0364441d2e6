/** An error with the part of the statement that it is about, underlined: for terminals. */
import type { ErrorData, MillraceError } from '@millrace/core'

const LINE_SHOWN_MAX = 120

/**
 *     Unknown column 'temprature'; did you mean 'temperature'?
 *     (line 2, column 5)
 *         temprature,
 *         ^^^^^^^^^^
 *     Columns: sensor_id, temperature.
 */
export function formatSqlError(
  error: Pick<MillraceError | ErrorData, 'message' | 'hint' | 'location'>,
  sql: string,
): string {
  const lines = [error.message]
  const { line, column } = error.location ?? {}
  const text = line === undefined ? undefined : sql.split(/\r?\n/)[line - 1]
  if (line !== undefined && column !== undefined) {
    lines[0] += ` (line ${line}, column ${column})`
    if (text !== undefined) lines.push(...excerpt(text, column, endColumnOf(error, text)))
  }
  if (error.hint !== undefined) lines.push(error.hint)
  return lines.join('\n')
}

function endColumnOf(error: Pick<MillraceError | ErrorData, 'location'>, text: string): number {
  const { line, column = 1, endLine, endColumn } = error.location ?? {}
  if (endLine !== undefined && endLine !== line) return text.length
  return Math.max(endColumn ?? column, column)
}

function excerpt(text: string, column: number, endColumn: number): string[] {
  const from = column > LINE_SHOWN_MAX - 20 ? column - 40 : 0
  const shown = text.slice(from, from + LINE_SHOWN_MAX).replaceAll('\t', ' ')
  const start = column - 1 - from
  const length = Math.min(endColumn - column + 1, Math.max(shown.length - start, 1))
  return [`    ${shown}`, `    ${' '.repeat(start)}${'^'.repeat(Math.max(length, 1))}`]
}
