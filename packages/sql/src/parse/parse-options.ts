/** Lists of `'key' = 'value'`: WITH clauses and hints. An option given twice is an error. */
import { notSupported, raise } from '../error-codes.ts'
import type { OptionList, OptionSyntax } from './syntax-tree.ts'
import type { TokenStream } from './token-stream.ts'

/** `('k' = 'v', …)`. */
export function parseOptions(tokens: TokenStream): OptionList {
  tokens.expect('(')
  const options: OptionSyntax[] = []
  if (tokens.accept(')')) return options
  do {
    const option = parseOption(tokens)
    if (options.some((other) => other.key === option.key)) {
      throw raise('SQL_TABLE_OPTIONS', option.keySpan, `The option '${option.key}' is given twice.`)
    }
    options.push(option)
  } while (tokens.accept(','))
  tokens.expect(')')
  return options
}

/** `'k' = 'v'`. */
export function parseOption(tokens: TokenStream): OptionSyntax {
  const key = tokens.expectString("an option such as 'connector' = 'kafka'")
  tokens.expect('=')
  const value = tokens.expectString("a value in 'single quotes'")
  return { key: key.text, value: value.text, keySpan: key.span, valueSpan: value.span }
}

/**
 * A hint after a table's name: slash-star-plus OPTIONS('k'='v') star-slash. Other hints are
 * refused by name.
 */
export function parseHints(tokens: TokenStream): OptionList {
  tokens.expect('/*+')
  if (!tokens.at('OPTIONS')) {
    throw notSupported(`The hint ${tokens.current.text}`, tokens.current.span, 'Known: OPTIONS.')
  }
  tokens.advance()
  const options = parseOptions(tokens)
  if (tokens.at(',')) throw notSupported('A second hint', tokens.current.span)
  tokens.expect('*/')
  return options
}

/**
 * Hints after SELECT: slash-star-plus STATE_TTL('t' = '1 d'), … star-slash. Of entries for one name
 * the first counts: that of the first hint, and within a hint the last one, as in the reference.
 */
export function parseSelectHints(tokens: TokenStream): OptionList {
  tokens.expect('/*+')
  const entries: OptionSyntax[] = []
  do {
    if (!tokens.at('STATE_TTL')) {
      const hint = tokens.at('OPTIONS') ? 'Write it behind the table’s name.' : 'Known: STATE_TTL.'
      const what = `The hint ${tokens.current.text} after SELECT`
      throw notSupported(what, tokens.current.span, hint)
    }
    tokens.advance()
    tokens.expect('(')
    const own: OptionSyntax[] = []
    do own.unshift(parseOption(tokens))
    while (tokens.accept(','))
    tokens.expect(')')
    entries.push(...own)
  } while (tokens.accept(',') || !tokens.at('*/'))
  tokens.expect('*/')
  return entries
}
