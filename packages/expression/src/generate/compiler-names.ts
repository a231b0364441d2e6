/**
 * The names under which embedded statements meet the function around them.
 *
 * Generated code is text, so these names are its interface: whoever writes the function
 * declares them.
 */

/** Names that the generated code finds its surroundings under. */
export interface CompilerNames {
  readonly columns: string
  readonly rowCount: string
  readonly context: string
  readonly row: string
}
export const DEFAULT_NAMES: CompilerNames = {
  columns: 'columns',
  rowCount: 'rowCount',
  context: 'context',
  row: 'i',
}

/** Names of a bound column's parts in the generated code. */
export interface BoundColumn {
  /** The Column object. */
  readonly column: string
  /** Its values (not for strings). */
  readonly values: string
  /** Its nulls, always an array; '' for a NOT NULL column. */
  readonly nulls: string
  /** Codes of a string column, possibly null. */
  readonly codes: string
}
