/**
 * Expressions, by precedence climbing.
 *
 * Loosest to tightest: OR, AND, NOT, predicates (comparison, IS, BETWEEN, IN, LIKE), + - ||, *
 * / %, sign, primary. All binary operators associate to the left. Names and types are not
 * looked at here.
 */
import { notSupported } from '../error-codes.ts'
import { type Grammar, parsePrimary } from './parse-primary.ts'
import type { BinaryOperator, ExpressionSyntax } from './syntax-tree.ts'
import { spanning } from './token.ts'
import { NESTING_MAX, type TokenStream } from './token-stream.ts'

const LEVEL = { or: 1, and: 2, not: 3, predicate: 4, additive: 5, multiplicative: 6 } as const
const BINARY: Readonly<Record<string, { operator: BinaryOperator; level: number }>> = {
  OR: { operator: 'OR', level: LEVEL.or },
  AND: { operator: 'AND', level: LEVEL.and },
  '=': { operator: '=', level: LEVEL.predicate },
  '<>': { operator: '<>', level: LEVEL.predicate },
  '!=': { operator: '<>', level: LEVEL.predicate },
  '<': { operator: '<', level: LEVEL.predicate },
  '<=': { operator: '<=', level: LEVEL.predicate },
  '>': { operator: '>', level: LEVEL.predicate },
  '>=': { operator: '>=', level: LEVEL.predicate },
  '+': { operator: '+', level: LEVEL.additive },
  '-': { operator: '-', level: LEVEL.additive },
  '||': { operator: '||', level: LEVEL.additive },
  '*': { operator: '*', level: LEVEL.multiplicative },
  '/': { operator: '/', level: LEVEL.multiplicative },
  '%': { operator: '%', level: LEVEL.multiplicative },
}

export function parseExpression(tokens: TokenStream): ExpressionSyntax {
  return parseFrom(tokens, LEVEL.or)
}

/** An operand of a predicate: `a` in `POSITION(a IN b)`, the bounds of BETWEEN. */
export function parseOperand(tokens: TokenStream): ExpressionSyntax {
  return parseFrom(tokens, LEVEL.additive)
}

const GRAMMAR: Grammar = { expression: parseExpression, operand: parseOperand }

function parseFrom(tokens: TokenStream, level: number): ExpressionSyntax {
  return tokens.nested(() => {
    let left = parsePrefix(tokens, level)
    for (let chain = 0; ; chain++) {
      if (chain > NESTING_MAX) throw tokens.tooDeep()
      const next = parseSuffix(tokens, left, level)
      if (next === null) return left
      left = next
    }
  })
}

function parsePrefix(tokens: TokenStream, level: number): ExpressionSyntax {
  const token = tokens.current
  if (token.upper === 'NOT' && level <= LEVEL.not) {
    tokens.advance()
    const operand = parseFrom(tokens, LEVEL.not)
    return { kind: 'unary', operator: 'NOT', operand, span: spanning(token.span, operand.span) }
  }
  if (token.kind === 'symbol' && (token.text === '-' || token.text === '+')) {
    tokens.advance()
    const operand = tokens.nested(() => parsePrefix(tokens, LEVEL.multiplicative + 1))
    const span = spanning(token.span, operand.span)
    if (token.text === '-' && operand.kind === 'number' && !operand.text.startsWith('-')) {
      return { kind: 'number', text: `-${operand.text}`, span }
    }
    return { kind: 'unary', operator: token.text, operand, span }
  }
  return parsePrimary(tokens, GRAMMAR)
}

/** What follows `left` at this level or tighter; null when nothing does. */
function parseSuffix(
  tokens: TokenStream,
  left: ExpressionSyntax,
  level: number,
): ExpressionSyntax | null {
  const token = tokens.current
  const key = token.kind === 'word' ? token.upper : token.kind === 'symbol' ? token.text : ''
  const binary = Object.hasOwn(BINARY, key) ? BINARY[key] : undefined
  if (binary !== undefined) {
    if (binary.level < level) return null
    tokens.advance()
    refuseQuantifier(tokens)
    const right = parseFrom(tokens, binary.level + 1)
    const span = spanning(left.span, right.span)
    return { kind: 'binary', operator: binary.operator, left, right, span }
  }
  return level <= LEVEL.predicate ? parsePredicate(tokens, left) : null
}

/** `= ANY (SELECT …)`; ALL and SOME alike. */
function refuseQuantifier(tokens: TokenStream): void {
  const { current } = tokens
  const isQuantifier = ['ALL', 'ANY', 'SOME'].includes(current.upper)
  if (!isQuantifier || tokens.peek(1).text !== '(') return
  if (!['SELECT', 'WITH', 'VALUES'].includes(tokens.peek(2).upper)) return
  throw notSupported(`${current.upper} with a sub-query`, current.span)
}

function parsePredicate(tokens: TokenStream, operand: ExpressionSyntax): ExpressionSyntax | null {
  if (tokens.at('IS')) return parseIs(tokens, operand)
  const negated = tokens.at('NOT')
  const word = tokens.peek(negated ? 1 : 0)
  if (word.upper === 'SIMILAR' && tokens.peek(negated ? 2 : 1).upper === 'TO') {
    throw notSupported('SIMILAR TO', word.span, 'Use LIKE or REGEXP.')
  }
  if (!['BETWEEN', 'IN', 'LIKE'].includes(word.upper)) return null
  if (negated) tokens.advance()
  tokens.advance()
  if (word.upper === 'BETWEEN') {
    return parseBetween(tokens, operand, negated)
  }
  if (word.upper === 'IN') return parseIn(tokens, operand, negated)
  const pattern = parseOperand(tokens)
  const escaped = tokens.accept('ESCAPE') ? parseOperand(tokens) : null
  const span = spanning(operand.span, (escaped ?? pattern).span)
  return { kind: 'like', operand, pattern, escape: escaped, negated, span }
}

/** SYMMETRIC takes the bounds in either order. */
function parseBetween(
  tokens: TokenStream,
  operand: ExpressionSyntax,
  negated: boolean,
): ExpressionSyntax {
  const symmetric = tokens.accept('SYMMETRIC')
  if (!symmetric) tokens.accept('ASYMMETRIC')
  const low = parseOperand(tokens)
  tokens.expect('AND')
  const high = parseOperand(tokens)
  const span = spanning(operand.span, high.span)
  if (!symmetric) return { kind: 'between', operand, low, high, negated, span }
  const one = { kind: 'between', operand, negated: false, span } as const
  const either: ExpressionSyntax = {
    kind: 'binary',
    operator: 'OR',
    left: { ...one, low, high },
    right: { ...one, low: high, high: low },
    span,
  }
  return negated ? { kind: 'unary', operator: 'NOT', operand: either, span } : either
}

function parseIs(tokens: TokenStream, operand: ExpressionSyntax): ExpressionSyntax {
  tokens.expect('IS')
  const negated = tokens.accept('NOT')
  const token = tokens.current
  if (token.upper === 'JSON') throw notSupported('IS JSON', token.span)
  if (tokens.accept('DISTINCT')) {
    tokens.expect('FROM')
    const right = parseOperand(tokens)
    const operator = negated ? 'IS NOT DISTINCT FROM' : 'IS DISTINCT FROM'
    return {
      kind: 'binary',
      operator,
      left: operand,
      right,
      span: spanning(operand.span, right.span),
    }
  }
  for (const test of ['NULL', 'TRUE', 'FALSE', 'UNKNOWN'] as const) {
    if (tokens.accept(test)) {
      return { kind: 'is', operand, test, negated, span: spanning(operand.span, token.span) }
    }
  }
  throw tokens.expected('NULL')
}

function parseIn(
  tokens: TokenStream,
  operand: ExpressionSyntax,
  negated: boolean,
): ExpressionSyntax {
  tokens.expect('(')
  if (tokens.atAny(['SELECT', 'WITH', 'VALUES'])) {
    throw notSupported('IN with a sub-query', tokens.current.span, 'Write the values as a list.')
  }
  const items: ExpressionSyntax[] = []
  do items.push(parseExpression(tokens))
  while (tokens.accept(','))
  const end = tokens.expect(')').span
  return { kind: 'in', operand, items, negated, span: spanning(operand.span, end) }
}

/** The text of an expression as written. */
export function textOf(tokens: TokenStream, expression: ExpressionSyntax): string {
  return tokens.text.slice(expression.span.start, expression.span.end)
}
