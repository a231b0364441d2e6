/**
 * Tokens and their places: what the lexer gives to the parser.
 *
 * Every token, and so every node of the syntax tree, knows where it stands in the statement; errors
 * of all later stages point there. Columns count UTF-16 units from 1; `endColumn` is that of the
 * last character.
 */
export interface Span {
  /** Offset of the first character. */
  readonly start: number
  /** Offset after the last character. */
  readonly end: number
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly endColumn: number
}

export type TokenKind =
  /** A bare word: keyword or identifier. */
  | 'word'
  /** An identifier in backticks. */
  | 'quoted'
  | 'string'
  | 'number'
  | 'symbol'
  /** The opening of a hint: slash, star, plus. */
  | 'hint'
  | 'end'

export interface Token {
  readonly kind: TokenKind
  /** As written; for `quoted` and `string` the value without quotes and escapes. */
  readonly text: string
  /** Upper-case text of a word, else ''. */
  readonly upper: string
  readonly span: Span
}

/** From the first character of `from` to the last of `to`. */
export function spanning(from: Span, to: Span): Span {
  return {
    start: from.start,
    end: to.end,
    line: from.line,
    column: from.column,
    endLine: to.endLine,
    endColumn: to.endColumn,
  }
}
