/**
 * One error as a person reads it: code and message, the place (with the SQL line and carets), the causes, what to do.
 *
 * The only rendering of errors for terminals, so that every command shows the same.
 */
import { describeLocation, type ErrorData, type ErrorLocation } from '@millrace/core'

/** Several lines, without a trailing newline. `sql`: the statement that the location's line and column refer to. */
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
  const carets = '^'.repeat(Math.min(width, Math.max(1, text.length - location.column + 1)))
  return [`  ${gutter}${text}`, `  ${' '.repeat(gutter.length + location.column - 1)}${carets}`]
}
