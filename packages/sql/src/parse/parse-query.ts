/**
 * Queries: WITH, SELECT, FROM, window table functions, UNION, VALUES.
 *
 * Parts of SQL that exist and are not run yet (JOIN, ORDER BY, LIMIT, …) are recognised here and
 * refused by name, where they stand.
 */
import { notSupported, raise } from '../error-codes.ts'
import { parseExpression } from './parse-expression.ts'
import { parseHints, parseSelectHints } from './parse-options.ts'
import type {
  ExpressionSyntax,
  FromSyntax,
  Identifier,
  QueryBody,
  QuerySyntax,
  SelectItem,
  SelectSyntax,
  WindowTableSyntax,
} from './syntax-tree.ts'
import { type Span, spanning } from './token.ts'
import type { TokenStream } from './token-stream.ts'

const JOIN_WORDS = ['JOIN', 'INNER', 'LEFT', 'RIGHT', 'FULL', 'CROSS', 'NATURAL']
const WINDOW_FUNCTIONS = ['TUMBLE', 'HOP', 'CUMULATE', 'SESSION']

export function atQuery(tokens: TokenStream): boolean {
  return tokens.atAny(['SELECT', 'WITH', 'VALUES', '(', 'TABLE'])
}

export function parseQuery(tokens: TokenStream): QuerySyntax {
  return tokens.nested(() => {
    const start = tokens.current.span
    const ctes: QuerySyntax['with'][number][] = []
    if (tokens.accept('WITH')) {
      if (tokens.at('RECURSIVE')) throw notSupported('WITH RECURSIVE', tokens.current.span)
      do {
        const name = tokens.identifier('a name')
        const columns = tokens.at('(') ? parseColumnNames(tokens) : null
        tokens.expect('AS', '(')
        const query = parseQuery(tokens)
        tokens.expect(')')
        ctes.push({ name, columns, query })
      } while (tokens.accept(','))
    }
    const body = parseBody(tokens)
    refuseQueryTail(tokens)
    return { with: ctes, body, span: tokens.from(start) }
  })
}

function refuseQueryTail(tokens: TokenStream): void {
  const span = tokens.current.span
  if (tokens.at('ORDER', 'BY')) throw notSupported('ORDER BY', span)
  if (tokens.at('LIMIT')) {
    throw notSupported('LIMIT', span, 'The SQL client stops reading when you leave the result.')
  }
  if (tokens.at('OFFSET')) throw notSupported('OFFSET', span)
  if (tokens.at('FETCH')) throw notSupported('FETCH', span)
}

function parseBody(tokens: TokenStream): QueryBody {
  let body = parseBodyTerm(tokens)
  for (;;) {
    for (const operation of ['INTERSECT', 'EXCEPT']) {
      if (tokens.at(operation)) throw notSupported(operation, tokens.current.span)
    }
    if (tokens.at('MINUS')) {
      const hint = 'Write EXCEPT, as the SQL standard does.'
      throw raise('SQL_SYNTAX', tokens.current.span, 'There is no MINUS of queries.', hint)
    }
    if (!tokens.accept('UNION')) return body
    const distinct = !tokens.accept('ALL')
    if (distinct) tokens.accept('DISTINCT')
    const next = parseBodyTerm(tokens)
    // `a UNION ALL b UNION c` is one union, whose rows are made distinct; the other way
    // round it is two.
    const inputs = body.kind === 'union' && !body.distinct ? [...body.inputs, next] : [body, next]
    body = { kind: 'union', inputs, distinct, span: tokens.from(body.span) }
  }
}

function parseBodyTerm(tokens: TokenStream): QueryBody {
  const start = tokens.current.span
  if (tokens.at('(')) {
    tokens.advance()
    const query = parseQuery(tokens)
    tokens.expect(')')
    return { kind: 'query', query, span: tokens.from(start) }
  }
  if (tokens.at('VALUES')) {
    tokens.advance()
    const rows: ExpressionSyntax[][] = []
    do rows.push(parseValuesRow(tokens))
    while (tokens.accept(','))
    return { kind: 'values', rows, span: tokens.from(start) }
  }
  if (tokens.at('TABLE')) {
    throw notSupported('TABLE as a query', start, 'Write SELECT * FROM ….')
  }
  return parseSelect(tokens)
}

function parseValuesRow(tokens: TokenStream): ExpressionSyntax[] {
  tokens.at('ROW', '(') && tokens.advance()
  const row: ExpressionSyntax[] = []
  if (tokens.accept('(')) {
    do row.push(parseExpression(tokens))
    while (tokens.accept(','))
    tokens.expect(')')
  } else row.push(parseExpression(tokens))
  return row
}

function parseSelect(tokens: TokenStream): SelectSyntax {
  const start = tokens.expect('SELECT').span
  const stateTtl = tokens.at('/*+') ? parseSelectHints(tokens) : []
  const distinct = tokens.accept('DISTINCT')
  if (!distinct) tokens.accept('ALL')
  const items: SelectItem[] = []
  do items.push(parseSelectItem(tokens))
  while (tokens.accept(','))
  const from = tokens.accept('FROM') ? parseFrom(tokens) : null
  const where = tokens.accept('WHERE') ? parseExpression(tokens) : null
  let groupBySpan: Span | null = null
  let groupBy: ExpressionSyntax[] = []
  if (tokens.at('GROUP')) {
    const groupStart = tokens.expect('GROUP', 'BY')
    groupBy = parseGroupBy(tokens)
    groupBySpan = tokens.from(groupStart.span)
  } else tokens.accept('GROUP BY')
  const having = tokens.accept('HAVING') ? parseExpression(tokens) : null
  if (tokens.at('WINDOW')) throw notSupported('WINDOW', tokens.current.span)
  if (tokens.at('QUALIFY')) throw notSupported('QUALIFY', tokens.current.span)
  const span = tokens.from(start)
  return {
    ...{ kind: 'select', stateTtl, distinct, items, from, where },
    ...{ groupBy, groupBySpan, having, span },
  }
}

function parseGroupBy(tokens: TokenStream): ExpressionSyntax[] {
  // One group of all rows.
  if (tokens.at('(', ')')) {
    tokens.advance()
    tokens.advance()
    return []
  }
  const keys: ExpressionSyntax[] = []
  do {
    refuseGroupingSets(tokens)
    keys.push(parseExpression(tokens))
  } while (tokens.accept(','))
  return keys
}

function refuseGroupingSets(tokens: TokenStream): void {
  for (const [first, second] of [
    ['GROUPING', 'SETS'],
    ['CUBE', '('],
    ['ROLLUP', '('],
  ] as const) {
    if (tokens.at(first, second)) {
      throw notSupported(second === '(' ? first : 'GROUPING SETS', tokens.current.span)
    }
  }
}

function parseSelectItem(tokens: TokenStream): SelectItem {
  const start = tokens.current.span
  if (tokens.at('*')) {
    tokens.advance()
    return { kind: 'star', qualifier: null, span: start }
  }
  if (tokens.atIdentifier() && tokens.peek(1).text === '.' && tokens.peek(2).text === '*') {
    const qualifier = tokens.identifier('a table')
    tokens.advance()
    tokens.advance()
    return { kind: 'star', qualifier, span: tokens.from(start) }
  }
  const expression = parseExpression(tokens)
  const alias = tokens.accept('AS') ? tokens.identifier('an alias') : tokens.bareAlias()
  return { kind: 'expression', expression, alias, span: tokens.from(start) }
}

function parseFrom(tokens: TokenStream): FromSyntax {
  const from = parseFromItem(tokens)
  if (tokens.at(',')) throw notSupported('FROM with several tables (a JOIN)', tokens.current.span)
  if (tokens.atAny(JOIN_WORDS)) {
    throw notSupported('JOIN', tokens.current.span)
  }
  return from
}

function parseFromItem(tokens: TokenStream): FromSyntax {
  const start = tokens.current.span
  if (tokens.at('LATERAL')) throw notSupported('LATERAL', start)
  if (tokens.at('UNNEST')) throw notSupported('UNNEST', start)
  if (tokens.at('TABLE', '(')) {
    tokens.advance()
    tokens.advance()
    const window = parseWindowFunction(tokens)
    tokens.expect(')')
    const { alias } = parseTableAlias(tokens)
    return { ...window, alias, span: tokens.from(start) }
  }
  if (tokens.at('(')) {
    tokens.advance()
    const query = parseQuery(tokens)
    tokens.expect(')')
    const { alias, columns } = parseTableAlias(tokens)
    return { kind: 'subquery', query, alias, columns, span: tokens.from(start) }
  }
  if (tokens.peek(1).text === '(' && WINDOW_FUNCTIONS.includes(tokens.current.upper)) {
    const window = parseWindowFunction(tokens)
    const { alias } = parseTableAlias(tokens)
    return { ...window, alias, span: tokens.from(start) }
  }
  const name = tokens.objectName('a table')
  const hints = tokens.at('/*+') ? parseHints(tokens) : null
  if (tokens.at('FOR')) throw notSupported('FOR SYSTEM_TIME AS OF', tokens.current.span)
  if (tokens.at('(')) throw notSupported('A table function in FROM', name.span)
  if (tokens.at('MATCH_RECOGNIZE')) throw notSupported('MATCH_RECOGNIZE', tokens.current.span)
  if (tokens.at('TABLESAMPLE')) throw notSupported('TABLESAMPLE', tokens.current.span)
  const { alias, columns } = parseTableAlias(tokens)
  return { kind: 'table', name, alias, columns, hints, span: tokens.from(start) }
}

function parseTableAlias(tokens: TokenStream): {
  alias: Identifier | null
  columns: readonly Identifier[] | null
} {
  const alias = tokens.accept('AS') ? tokens.identifier('an alias') : tokens.bareAlias()
  const columns = alias !== null && tokens.at('(') ? parseColumnNames(tokens) : null
  return { alias, columns }
}

export function parseColumnNames(tokens: TokenStream): Identifier[] {
  tokens.expect('(')
  const names: Identifier[] = []
  do names.push(tokens.identifier('a column'))
  while (tokens.accept(','))
  tokens.expect(')')
  return names
}

/**
 * `TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)`, also with named arguments
 * (`DATA => TABLE t`).
 */
function parseWindowFunction(tokens: TokenStream): WindowTableSyntax {
  const name = tokens.current
  if (name.upper === 'CUMULATE' || name.upper === 'SESSION') {
    throw notSupported(`The window function ${name.upper}`, name.span)
  }
  if (name.upper !== 'TUMBLE' && name.upper !== 'HOP') {
    if (name.kind === 'word' && tokens.peek(1).text === '(') {
      throw notSupported(`The table function ${name.text}`, name.span, 'Known: TUMBLE, HOP.')
    }
    throw tokens.expected('TUMBLE or HOP')
  }
  tokens.advance()
  tokens.expect('(')
  const named = (word: string) => {
    if (tokens.at(word, '=', '>')) throw tokens.expected(`${word} =>`)
    if (tokens.at(word, '=>')) {
      tokens.advance()
      tokens.advance()
    }
  }
  named('DATA')
  const input = parseWindowInput(tokens)
  tokens.expect(',')
  named('TIMECOL')
  tokens.expect('DESCRIPTOR', '(')
  const timeColumn = tokens.identifier('the time column')
  tokens.expect(')')
  const intervals: ExpressionSyntax[] = []
  const names = name.upper === 'HOP' ? ['SLIDE', 'SIZE', 'OFFSET'] : ['SIZE', 'OFFSET']
  while (tokens.accept(',')) {
    named(names[intervals.length] ?? '')
    intervals.push(parseExpression(tokens))
  }
  tokens.expect(')')
  checkIntervals(name.upper, intervals, spanning(name.span, tokens.previous.span))
  const span = tokens.from(name.span)
  return {
    kind: 'window',
    function: name.upper,
    functionSpan: name.span,
    input,
    timeColumn,
    intervals,
    alias: null,
    span,
  }
}

function checkIntervals(name: string, intervals: readonly ExpressionSyntax[], span: Span): void {
  const [min, max, shape] =
    name === 'TUMBLE'
      ? [1, 2, "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE [, offset])"]
      : [2, 3, 'HOP(TABLE t, DESCRIPTOR(ts), slide, size [, offset])']
  if (intervals.length >= min && intervals.length <= max) return
  throw raise(
    'SQL_INVALID',
    span,
    `${name} takes ${min} or ${max} intervals; found ${intervals.length}.`,
    `Write ${shape}.`,
  )
}

function parseWindowInput(tokens: TokenStream): FromSyntax {
  const start = tokens.current.span
  if (tokens.at('(')) {
    tokens.advance()
    const query = parseQuery(tokens)
    tokens.expect(')')
    return { kind: 'subquery', query, alias: null, columns: null, span: tokens.from(start) }
  }
  tokens.expect('TABLE')
  if (tokens.at('(')) {
    tokens.advance()
    const query = parseQuery(tokens)
    tokens.expect(')')
    return { kind: 'subquery', query, alias: null, columns: null, span: tokens.from(start) }
  }
  const name = tokens.objectName('a table')
  const hints = tokens.at('/*+') ? parseHints(tokens) : null
  if (tokens.at('PARTITION')) {
    throw raise(
      'SQL_INVALID',
      tokens.current.span,
      'The rows of this window function cannot be partitioned; only those of SESSION can.',
      'Group by the columns instead.',
    )
  }
  return { kind: 'table', name, alias: null, columns: null, hints, span: tokens.from(start) }
}
