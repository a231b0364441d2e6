/**
 * The tightest expressions: literals, names, calls, CASE, CAST, parentheses, and the calls with a
 * grammar of their own (EXTRACT, FLOOR … TO, POSITION … IN, SUBSTRING … FROM, TRIM).
 *
 * An expression contains primaries that contain expressions: the looser levels come
 * in as `Grammar`.
 */
import { notSupported } from '../error-codes.ts'
import { parseInterval } from './parse-interval.ts'
import { parseType } from './parse-type.ts'
import type { ExpressionSyntax, Identifier, WordSyntax } from './syntax-tree.ts'
import type { Span, Token } from './token.ts'
import type { TokenStream } from './token-stream.ts'

/** What primaries contain. */
export interface Grammar {
  readonly expression: (tokens: TokenStream) => ExpressionSyntax
  /** An operand of a predicate: no comparison, AND or OR outside parentheses. */
  readonly operand: (tokens: TokenStream) => ExpressionSyntax
}

const CONSTANT_CALLS = new Set([
  'CURRENT_TIMESTAMP',
  'CURRENT_DATE',
  'CURRENT_TIME',
  'LOCALTIMESTAMP',
  'LOCALTIME',
  'CURRENT_ROW_TIMESTAMP',
])
const INTERVAL_UNITS = new Set(['YEAR', 'MONTH', 'DAY', 'HOUR', 'MINUTE', 'SECOND'])
const UNIT_FIRST = new Set(['TIMESTAMPADD', 'TIMESTAMPDIFF'])
/** Words that may begin a call although they are reserved. */
const RESERVED_CALLS = new Set(['LEFT', 'RIGHT'])

export function parsePrimary(tokens: TokenStream, grammar: Grammar): ExpressionSyntax {
  const token = tokens.current
  switch (token.kind) {
    case 'number':
      tokens.advance()
      return { kind: 'number', text: token.text, span: token.span }
    case 'string':
      tokens.advance()
      return { kind: 'string', value: token.text, span: token.span }
    case 'symbol':
      if (token.text === '(') return parseParenthesised(tokens, grammar)
      throw tokens.expected('an expression')
    case 'quoted':
      return parseName(tokens)
    case 'word':
      return parseWord(tokens, grammar, token)
    default:
      throw tokens.expected('an expression')
  }
}

function parseParenthesised(tokens: TokenStream, grammar: Grammar): ExpressionSyntax {
  const start = tokens.expect('(').span
  if (tokens.atAny(['SELECT', 'WITH', 'VALUES'])) {
    throw notSupported('A sub-query as an expression', tokens.current.span)
  }
  const inner = grammar.expression(tokens)
  if (tokens.at(',')) throw notSupported('A row of values as an expression', tokens.current.span)
  tokens.expect(')')
  const difference = inner.kind === 'binary' && inner.operator === '-'
  if (difference && INTERVAL_UNITS.has(tokens.current.upper)) {
    throw notSupported('A difference of times in a unit, (a - b) DAY', tokens.current.span)
  }
  return { ...inner, span: tokens.from(start) }
}

function parseWord(tokens: TokenStream, grammar: Grammar, token: Token): ExpressionSyntax {
  const next = tokens.peek(1)
  if (next.kind === 'string' && next.span.start === token.span.end) {
    const prefixed = parsePrefixedText(tokens, token, next)
    if (prefixed !== null) return prefixed
  }
  switch (token.upper) {
    case 'TRUE':
    case 'FALSE':
      tokens.advance()
      return { kind: 'boolean', value: token.upper === 'TRUE', span: token.span }
    case 'NULL':
    case 'UNKNOWN':
      tokens.advance()
      return { kind: 'null', span: token.span }
    case 'INTERVAL':
      return parseInterval(tokens)
    case 'CASE':
      return parseCase(tokens, grammar)
    case 'CAST':
    case 'TRY_CAST':
      return parseCast(tokens, grammar, token.upper === 'TRY_CAST')
    case 'EXISTS':
      throw notSupported('EXISTS', token.span)
    case 'EXTRACT':
      return parseExtract(tokens, grammar)
    case 'TIME':
      if (next.kind === 'string') throw notSupported('The type TIME', token.span)
      break
    case 'DATE':
    case 'TIMESTAMP':
      if (next.kind === 'string') {
        tokens.advance()
        tokens.advance()
        return {
          kind: 'temporal',
          type: token.upper,
          text: next.text,
          span: tokens.from(token.span),
        }
      }
      break
    case 'ARRAY':
    case 'MAP':
      if (next.text === '[') throw notSupported(`The type ${token.upper}`, token.span)
      break
    case 'ROW':
      if (next.text === '(') throw notSupported('The type ROW', token.span)
      break
  }
  if (CONSTANT_CALLS.has(token.upper) && next.text !== '(' && next.text !== '.') {
    tokens.advance()
    return call(token.text, token.span, [], token.span)
  }
  if (RESERVED_CALLS.has(token.upper) && next.text === '(') return parseCall(tokens, grammar)
  if (!tokens.atIdentifier()) throw tokens.expected('an expression')
  return next.kind === 'symbol' && next.text === '('
    ? parseCall(tokens, grammar)
    : parseName(tokens)
}

/**
 * `E'a\tb'` with the escapes of C, `N'…'` and `_UTF8'…'` as they stand; null: the
 * word is no prefix.
 */
function parsePrefixedText(
  tokens: TokenStream,
  prefix: Token,
  text: Token,
): ExpressionSyntax | null {
  const { upper } = prefix
  if (upper === 'X') throw notSupported('A binary literal', prefix.span)
  if (upper !== 'E' && upper !== 'N' && upper !== '_UTF8') return null
  tokens.advance()
  tokens.advance()
  const value = upper === 'E' ? unescaped(text.text) : text.text
  return { kind: 'string', value, span: tokens.from(prefix.span) }
}

const ESCAPED: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|(.))/gs, (_whole, code?: string, letter?: string) =>
    code === undefined
      ? (ESCAPED[letter ?? ''] ?? letter ?? '')
      : String.fromCharCode(Number(`0x${code}`)),
  )
}

function parseName(tokens: TokenStream): ExpressionSyntax {
  const first = tokens.identifier('a column')
  const parts: Identifier[] = [first]
  while (tokens.at('.') && tokens.peek(1).text !== '*') {
    tokens.advance()
    parts.push(tokens.identifier('a column'))
  }
  if (tokens.at('[')) throw notSupported('Access to array and map elements', tokens.current.span)
  return { kind: 'name', parts, span: tokens.from(first.span) }
}

function call(
  name: string,
  nameSpan: Span,
  args: readonly ExpressionSyntax[],
  span: Span,
): ExpressionSyntax {
  return { kind: 'call', name, nameSpan, args, star: false, distinct: false, filter: null, span }
}

/** OVERLAY(text PLACING by FROM start [FOR count]), or with commas. */
function parseOverlay(tokens: TokenStream, grammar: Grammar, name: Token): ExpressionSyntax {
  tokens.expect('(')
  const args = [grammar.expression(tokens)]
  const commas = tokens.accept(',')
  if (!commas) tokens.expect('PLACING')
  args.push(grammar.expression(tokens))
  tokens.expect(commas ? ',' : 'FROM')
  args.push(grammar.expression(tokens))
  if (tokens.accept(commas ? ',' : 'FOR')) args.push(grammar.expression(tokens))
  tokens.expect(')')
  return call('OVERLAY', name.span, args, tokens.from(name.span))
}

/** Functions whose arguments have a grammar of their own that is not read yet. */
const OWN_GRAMMAR_LATER = new Set(
  'JSON_VALUE JSON_QUERY JSON_EXISTS JSON_OBJECT JSON_OBJECTAGG JSON_ARRAY JSON_ARRAYAGG'.split(
    ' ',
  ),
)

function parseCall(tokens: TokenStream, grammar: Grammar): ExpressionSyntax {
  const name = tokens.advance()
  if (OWN_GRAMMAR_LATER.has(name.upper)) throw notSupported(name.upper, name.span)
  switch (name.upper) {
    case 'POSITION':
      return parsePosition(tokens, grammar, name)
    case 'TRIM':
      return parseTrim(tokens, grammar, name)
    case 'SUBSTRING':
      return parseSubstring(tokens, grammar, name)
    case 'OVERLAY':
      return parseOverlay(tokens, grammar, name)
  }
  tokens.expect('(')
  const args: ExpressionSyntax[] = []
  let star = false
  let distinct = false
  if (tokens.at('*')) {
    tokens.advance()
    star = true
  } else if (!tokens.at(')')) {
    distinct = tokens.accept('DISTINCT')
    if (!distinct) tokens.accept('ALL')
    if (UNIT_FIRST.has(name.upper)) {
      args.push(word(tokens, 'a unit such as SECOND'))
      tokens.expect(',')
    }
    do args.push(grammar.expression(tokens))
    while (tokens.accept(','))
    if (
      (name.upper === 'FLOOR' || name.upper === 'CEIL' || name.upper === 'CEILING') &&
      tokens.accept('TO')
    ) {
      args.push(word(tokens, 'a unit such as HOUR'))
    }
  }
  if (tokens.at('ORDER')) throw notSupported('ORDER BY inside a call', tokens.current.span)
  tokens.expect(')')
  return parseAfterCall(tokens, grammar, name, args, star, distinct)
}

function parseAfterCall(
  tokens: TokenStream,
  grammar: Grammar,
  name: Token,
  args: readonly ExpressionSyntax[],
  star: boolean,
  distinct: boolean,
): ExpressionSyntax {
  let filter: ExpressionSyntax | null = null
  if (tokens.at('FILTER', '(')) {
    tokens.expect('FILTER', '(', 'WHERE')
    filter = grammar.expression(tokens)
    tokens.expect(')')
  }
  for (const treatment of ['IGNORE', 'RESPECT']) {
    if (!tokens.at(treatment, 'NULLS')) continue
    throw notSupported(`${treatment} NULLS`, tokens.current.span)
  }
  if (tokens.at('OVER')) throw notSupported('OVER', tokens.current.span)
  if (tokens.at('[')) throw notSupported('Access to array and map elements', tokens.current.span)
  if (tokens.at('WITHIN', 'GROUP')) throw notSupported('WITHIN GROUP', tokens.current.span)
  return {
    kind: 'call',
    name: name.text,
    nameSpan: name.span,
    args,
    star,
    distinct,
    filter,
    span: tokens.from(name.span),
  }
}

function word(tokens: TokenStream, what: string): WordSyntax {
  const token = tokens.current
  if (token.kind !== 'word') throw tokens.expected(what)
  tokens.advance()
  return { kind: 'word', word: token.upper, span: token.span }
}

/** `EXTRACT(unit FROM x)` → EXTRACT(unit, x). */
function parseExtract(tokens: TokenStream, grammar: Grammar): ExpressionSyntax {
  const name = tokens.expect('EXTRACT')
  tokens.expect('(')
  const unit = word(tokens, 'a unit such as HOUR')
  tokens.expect('FROM')
  const operand = grammar.expression(tokens)
  tokens.expect(')')
  return call(name.text, name.span, [unit, operand], tokens.from(name.span))
}

/** `POSITION(a IN b)` → POSITION(a, b). */
function parsePosition(tokens: TokenStream, grammar: Grammar, name: Token): ExpressionSyntax {
  tokens.expect('(')
  const needle = grammar.operand(tokens)
  tokens.expect('IN')
  const text = grammar.expression(tokens)
  tokens.expect(')')
  return call(name.text, name.span, [needle, text], tokens.from(name.span))
}

/** `TRIM([BOTH | LEADING | TRAILING] [characters FROM] text)` → TRIM(side, text, characters). */
function parseTrim(tokens: TokenStream, grammar: Grammar, name: Token): ExpressionSyntax {
  tokens.expect('(')
  const sideToken = tokens.current
  const side =
    ['BOTH', 'LEADING', 'TRAILING'].find((candidate) => tokens.accept(candidate)) ?? 'BOTH'
  let characters: ExpressionSyntax = { kind: 'string', value: ' ', span: sideToken.span }
  let text: ExpressionSyntax
  if (tokens.accept('FROM')) text = grammar.expression(tokens)
  else {
    text = grammar.expression(tokens)
    if (tokens.accept('FROM')) {
      characters = text
      text = grammar.expression(tokens)
    }
  }
  tokens.expect(')')
  const sideWord: WordSyntax = { kind: 'word', word: side, span: sideToken.span }
  return call(name.text, name.span, [sideWord, text, characters], tokens.from(name.span))
}

/** `SUBSTRING(text FROM start [FOR length])` and the form with commas. */
function parseSubstring(tokens: TokenStream, grammar: Grammar, name: Token): ExpressionSyntax {
  tokens.expect('(')
  const args = [grammar.expression(tokens)]
  if (tokens.accept('FROM')) {
    args.push(grammar.expression(tokens))
    if (tokens.accept('FOR')) args.push(grammar.expression(tokens))
  } else while (tokens.accept(',')) args.push(grammar.expression(tokens))
  tokens.expect(')')
  return call(name.text, name.span, args, tokens.from(name.span))
}

function parseCase(tokens: TokenStream, grammar: Grammar): ExpressionSyntax {
  const start = tokens.expect('CASE').span
  const operand = tokens.at('WHEN') ? null : grammar.expression(tokens)
  const branches: { when: ExpressionSyntax; result: ExpressionSyntax }[] = []
  tokens.expect('WHEN')
  do {
    const when = grammar.expression(tokens)
    if (tokens.at(',')) throw notSupported('Several values in one WHEN', tokens.current.span)
    tokens.expect('THEN')
    branches.push({ when, result: grammar.expression(tokens) })
  } while (tokens.accept('WHEN'))
  const otherwise = tokens.accept('ELSE') ? grammar.expression(tokens) : null
  tokens.expect('END')
  return { kind: 'case', operand, branches, otherwise, span: tokens.from(start) }
}

function parseCast(tokens: TokenStream, grammar: Grammar, safe: boolean): ExpressionSyntax {
  const start = tokens.advance().span
  tokens.expect('(')
  const operand = grammar.expression(tokens)
  tokens.expect('AS')
  const type = parseType(tokens)
  tokens.expect(')')
  return { kind: 'cast', operand, type, safe, span: tokens.from(start) }
}
