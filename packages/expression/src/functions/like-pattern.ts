/**
 * SQL LIKE patterns → matchers: `%` any run, `_` any one that ends no line, an escape character
 * before either makes it plain.
 */
import { expressionError } from '../error-codes.ts'

/** What `_` stands for: as in the reference, any character but the end of a line. */
const NO_LINE_BREAK = '[^\\n\\r\\u0085\\u2028\\u2029]'

/**
 * A matcher of whole texts. Patterns of plain text with `%` at the ends need no regular expression.
 */
export function likeMatcher(pattern: string, escapeBy?: string): (text: string) => boolean {
  if (escapeBy !== undefined && [...escapeBy].length !== 1) {
    throw expressionError(
      'FUNCTION_VALUE_INVALID',
      `Give ESCAPE one character; it is '${escapeBy}'.`,
    )
  }
  const simple = /^(%?)([^%_]*)(%?)$/.exec(pattern)
  if (simple !== null && (escapeBy === undefined || !pattern.includes(escapeBy))) {
    const [, before, body, after] = simple as unknown as [string, string, string, string]
    if (before === '' && after === '') return (text) => text === body
    if (before === '') return (text) => text.startsWith(body)
    if (after === '' && body !== '') return (text) => text.endsWith(body)
    return (text) => text.includes(body)
  }
  const compiled = new RegExp(`^${likeSource(pattern, escapeBy)}$`, 'su')
  return (text) => compiled.test(text)
}

function likeSource(pattern: string, escapeBy: string | undefined): string {
  let source = ''
  const characters = [...pattern]
  for (let i = 0; i < characters.length; i++) {
    let character = characters[i] as string
    if (character === escapeBy) {
      i++
      if (i === characters.length) {
        throw expressionError(
          'FUNCTION_VALUE_INVALID',
          `Put a character after ESCAPE '${escapeBy}' in a LIKE pattern; it is '${pattern}'.`,
        )
      }
      character = characters[i] as string
    } else if (character === '%') {
      source += '.*'
      continue
    } else if (character === '_') {
      source += NO_LINE_BREAK
      continue
    }
    source += character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&')
  }
  return source
}
