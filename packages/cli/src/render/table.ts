/**
 * Rows as a bordered table, streamed: widths are settled by the header and the first page, longer
 * cells are cut with an ellipsis.
 */

export interface TableLayout {
  readonly widths: readonly number[]
  readonly rightAligned: readonly boolean[]
}

const USUAL_WIDTHS: Readonly<Record<string, number>> = {
  BOOLEAN: 6,
  TINYINT: 4,
  SMALLINT: 6,
  INTEGER: 11,
  BIGINT: 20,
  FLOAT: 14,
  DOUBLE: 23,
  DECIMAL: 20,
  DATE: 10,
  TIME_WITHOUT_TIME_ZONE: 12,
  TIMESTAMP_WITHOUT_TIME_ZONE: 26,
  TIMESTAMP_WITH_LOCAL_TIME_ZONE: 26,
  INTERVAL_DAY_TIME: 16,
  INTERVAL_YEAR_MONTH: 7,
  CHAR: 20,
  VARCHAR: 20,
}

const NUMERIC = /^(TINYINT|SMALLINT|INTEGER|BIGINT|FLOAT|DOUBLE|DECIMAL)$/

/**
 * Columns wide enough for `rows`, at most `maxWidth`, at least as wide as the header and, while
 * more may follow, as values of the type usually are.
 */
export function layoutTable(
  headers: readonly { readonly name: string; readonly type: string }[],
  rows: readonly (readonly string[])[],
  maxWidth: number,
  /** More rows may follow, with longer values. */
  streaming = false,
): TableLayout {
  const widths = headers.map(({ name, type }, column) => {
    let width = Math.max(name.length, streaming ? usualWidth(type) : 0)
    for (const row of rows) width = Math.max(width, displayWidth(row[column] ?? ''))
    return Math.max(Math.min(width, maxWidth), Math.min(name.length, maxWidth))
  })
  return { widths, rightAligned: headers.map(({ type }) => NUMERIC.test(type)) }
}

/** A cut number or time would be another one, so these are wide enough for any. */
function usualWidth(type: string): number {
  return USUAL_WIDTHS[type] ?? 2
}

export function borderLine(layout: TableLayout): string {
  return `+${layout.widths.map((width) => '-'.repeat(width + 2)).join('+')}+`
}

export function rowLine(layout: TableLayout, cells: readonly string[]): string {
  const shown = layout.widths.map((width, column) =>
    fit(cells[column] ?? '', width, layout.rightAligned[column] ?? false),
  )
  return `| ${shown.join(' | ')} |`
}

function fit(cell: string, width: number, right: boolean): string {
  const text = displayWidth(cell) > width ? `${[...cell].slice(0, width - 1).join('')}…` : cell
  const padding = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return right ? padding + text : text + padding
}

/** Cells of a terminal that the text takes: wide East Asian characters and emoji take two. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of text) {
    const code = character.codePointAt(0) as number
    const wide =
      (code >= 0x1100 && code <= 0x115f) ||
      (code >= 0x2e80 && code <= 0xa4cf) ||
      (code >= 0xac00 && code <= 0xd7a3) ||
      (code >= 0xf900 && code <= 0xfaff) ||
      (code >= 0xfe30 && code <= 0xfe6f) ||
      (code >= 0xff00 && code <= 0xff60) ||
      (code >= 0x1f300 && code <= 0x1faff)
    width += wide ? 2 : 1
  }
  return width
}

/** A value in plain text, or null, as a cell. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return '<NULL>'
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE'
  if (typeof value === 'string') return value.replaceAll('\n', '\\n')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
