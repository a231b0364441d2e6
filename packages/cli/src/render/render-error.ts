/**
 * One error as a person reads it: code and message, the place (with the SQL line and carets), the
 * causes, what to do.
 *
 * The only rendering of errors for terminals, so that every command shows the same.
 */
import { describeLocation, type ErrorData, type ErrorLocation } from '@millrace/core'

/** Of a line that is longer so much is shown, and of that so much before the place. */
const EXCERPT_COLUMNS = 160
const EXCERPT_BEFORE = 60

/**
 * Several lines, without a trailing newline. `sql`: the statement that the location's line and
 * column refer to.
 */
export function renderError(error: ErrorData, sql?: string): string {
  const lines = [`[${error.code}] ${error.message}`]
  const excerpt = sql === undefined ? [] : sqlExcerpt(error.location, sql)
  lines.push(...excerpt)
  const place = describeLocation(error.location)
  if (place !== '') lines.push(`  at ${place}`)
  let { cause, hint } = error
  for (let depth = 0; cause !== undefined && depth < 5; depth++, cause = cause.cause) {
    // What the runtime itself threw has no code that helps anybody.
    const code = cause.code === 'INTERNAL_ERROR' ? '' : `[${cause.code}] `
    const where = describeLocation(cause.location)
    lines.push(`  caused by ${code}${cause.message}${where === '' ? '' : ` (${where})`}`)
    hint ??= cause.hint
  }
  if (hint !== undefined) lines.push(`  hint: ${hint}`)
  return lines.join('\n')
}

function sqlExcerpt(location: ErrorLocation | undefined, sql: string): string[] {
  if (location?.line === undefined || location.column === undefined) return []
  const text = sql.split('\n')[location.line - 1]
  if (text === undefined) return []
  const endColumn = location.endLine === location.line ? location.endColumn : undefined
  // `endColumn` is that of the last character.
  const width = Math.max(1, (endColumn ?? location.column) - location.column + 1)
  const gutter = `${location.line} | `
  const { shown, column } = partOf(text, location.column)
  const carets = '^'.repeat(Math.min(width, Math.max(1, shown.length - column + 1)))
  return [`  ${gutter}${shown}`, `  ${' '.repeat(gutter.length + column - 1)}${carets}`]
}

/** Of a long line what surrounds the column; the column there. */
function partOf(text: string, column: number): { shown: string; column: number } {
  if (text.length <= EXCERPT_COLUMNS) return { shown: text, column }
  const from = Math.max(0, Math.min(column - EXCERPT_BEFORE, text.length - EXCERPT_COLUMNS))
  const to = from + EXCERPT_COLUMNS
  const [before, after] = [from > 0 ? '…' : '', to < text.length ? '…' : '']
  return { shown: before + text.slice(from, to) + after, column: column - from + before.length }
}
