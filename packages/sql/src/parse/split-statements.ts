/**
 * A script → its statements, at semicolons outside texts and comments.
 *
 * A statement set (BEGIN STATEMENT SET; … END;) stays one statement. Text that the lexer cannot
 * read becomes one last statement, so that running it reports the error.
 */
import { isMillraceError } from '@millrace/core'
import { tokenize } from './lexer.ts'
import type { Token } from './token.ts'

/** BEGIN STATEMENT SET, EXECUTE STATEMENT SET, also explained. */
const SET_OPENING =
  /^(EXPLAIN( PLAN FOR| CHANGELOG_MODE)? (EXECUTE |BEGIN )?|EXECUTE |BEGIN )STATEMENT SET$/
const SET_OPENING_WORDS_MAX = 6

export interface StatementText {
  /** Without the semicolon. */
  readonly text: string
  /** Where it begins in the script, from 1. */
  readonly line: number
  readonly column: number
  /** Whether a semicolon ended it; a prompt goes on reading while the last one is incomplete. */
  readonly complete: boolean
}

export function splitStatements(script: string): StatementText[] {
  const { tokens, unread } = readable(script)
  const statements: StatementText[] = []
  let first: Token | null = null
  let words = 0
  let set = false
  let previous: Token | null = null
  const finish = (end: number, complete: boolean) => {
    if (first !== null) {
      const { line, column, start } = first.span
      statements.push({ text: script.slice(start, end).trimEnd(), line, column, complete })
    }
    first = null
    words = 0
    set = false
  }
  for (const token of tokens) {
    if (token.kind === 'end') break
    if (token.kind === 'symbol' && token.text === ';') {
      const ended = previous?.upper === 'END'
      if (set && !ended) {
        previous = token
        continue
      }
      finish(token.span.start, true)
      previous = token
      continue
    }
    first ??= token
    words++
    if (words <= SET_OPENING_WORDS_MAX && opensSet(script, first, token)) set = true
    previous = token
    if (set && token.upper === 'END' && !endsStatementSet(tokens, token)) previous = null
  }
  finish(unread ?? script.length, false)
  return appendUnread(statements, script, unread)
}

/** END closes the set only right after a semicolon (or after BEGIN SET;), not that of a CASE. */
function endsStatementSet(tokens: readonly Token[], end: Token): boolean {
  const index = tokens.indexOf(end)
  const before = tokens[index - 1]
  return before !== undefined && (before.text === ';' || before.upper === 'BEGIN')
}

function opensSet(script: string, first: Token, token: Token): boolean {
  const text = script.slice(first.span.start, token.span.end).toUpperCase().replace(/\s+/g, ' ')
  return SET_OPENING.test(text)
}

/** The tokens of the longest readable beginning, up to the semicolon before the unreadable part. */
function readable(script: string): { tokens: Token[]; unread: number | null } {
  try {
    return { tokens: tokenize(script), unread: null }
  } catch (error) {
    if (!isMillraceError(error) || error.location?.line === undefined) throw error
    const lines = script.split('\n').slice(0, error.location.line - 1)
    const at =
      lines.reduce((sum, line) => sum + line.length + 1, 0) + (error.location.column ?? 1) - 1
    const tokens = tokenize(script.slice(0, at))
    const lastSemicolon = tokens.findLast((token) => token.text === ';' && token.kind === 'symbol')
    const unread = lastSemicolon === undefined ? 0 : lastSemicolon.span.end
    return { tokens: tokens.filter((token) => token.span.end <= unread), unread }
  }
}

function appendUnread(
  statements: StatementText[],
  script: string,
  unread: number | null,
): StatementText[] {
  if (unread === null) return statements
  const rest = script.slice(unread)
  const start = unread + (rest.length - rest.trimStart().length)
  const before = script.slice(0, start).split('\n')
  const column = (before[before.length - 1] as string).length + 1
  const text = rest.trim()
  if (text !== '') statements.push({ text, line: before.length, column, complete: false })
  return statements
}
