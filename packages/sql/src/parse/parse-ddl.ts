/** CREATE and DROP of tables, views and databases. */
import { nearName, notSupported, raise } from '../error-codes.ts'
import { parseExpression, textOf } from './parse-expression.ts'
import { parseOptions } from './parse-options.ts'
import { parseColumnNames, parseQuery } from './parse-query.ts'
import { parseType } from './parse-type.ts'
import type {
  ColumnSyntax,
  CreateTableSyntax,
  Identifier,
  OptionList,
  StatementSyntax,
} from './syntax-tree.ts'
import type { Span } from './token.ts'
import type { TokenStream } from './token-stream.ts'

const OBJECTS = ['TABLE', 'VIEW', 'DATABASE']
const REFUSED = new Set(['CATALOG', 'FUNCTION', 'MODEL', 'MATERIALIZED', 'SYSTEM', 'CONNECTION'])

export function parseCreate(tokens: TokenStream): StatementSyntax {
  const start = tokens.expect('CREATE').span
  if (tokens.at('OR', 'REPLACE')) throw notSupported('CREATE OR REPLACE', tokens.current.span)
  const temporary = tokens.accept('TEMPORARY')
  const object = parseObject(tokens, 'CREATE')
  const ifNotExists = tokens.acceptAll('IF', 'NOT', 'EXISTS')
  const name = tokens.objectName('a name')
  if (object === 'TABLE') return parseCreateTable(tokens, start, { name, temporary, ifNotExists })
  if (object === 'DATABASE') {
    if (tokens.at('COMMENT')) {
      tokens.advance()
      tokens.expectString('a comment in quotes')
    }
    if (tokens.accept('WITH')) parseOptions(tokens)
    return { kind: 'create-database', name, ifNotExists, span: tokens.from(start) }
  }
  const columns = tokens.at('(') ? parseColumnNames(tokens) : null
  if (tokens.accept('COMMENT')) tokens.expectString('a comment in quotes')
  tokens.expect('AS')
  const query = parseQuery(tokens)
  const text = tokens.text.slice(query.span.start, query.span.end)
  const span = tokens.from(start)
  return { kind: 'create-view', name, temporary, ifNotExists, columns, query, text, span }
}

function parseObject(tokens: TokenStream, verb: string): 'TABLE' | 'VIEW' | 'DATABASE' {
  const token = tokens.current
  if (REFUSED.has(token.upper)) throw notSupported(`${verb} ${token.upper}`, token.span)
  if (!OBJECTS.includes(token.upper)) {
    const near = token.kind === 'word' ? nearName(token.upper, OBJECTS) : undefined
    if (near === undefined) throw tokens.expected('TABLE, VIEW or DATABASE')
    throw raise('SQL_SYNTAX', token.span, `Cannot ${verb} '${token.text}'; did you mean '${near}'?`)
  }
  tokens.advance()
  return token.upper as 'TABLE' | 'VIEW' | 'DATABASE'
}

type TableHead = Pick<CreateTableSyntax, 'name' | 'temporary' | 'ifNotExists'>
type TableElements = Pick<CreateTableSyntax, 'watermark' | 'primaryKey'> & {
  columns: ColumnSyntax[]
}

function parseCreateTable(tokens: TokenStream, start: Span, head: TableHead): StatementSyntax {
  if (tokens.at('AS')) throw notSupported('CREATE TABLE … AS SELECT', tokens.current.span)
  tokens.expect('(')
  let elements: TableElements = { columns: [], watermark: null, primaryKey: null }
  do elements = parseElement(tokens, elements)
  while (tokens.accept(','))
  tokens.expect(')')
  const comment = tokens.accept('COMMENT') ? tokens.expectString('a comment in quotes').text : null
  const here = tokens.current.span
  if (tokens.at('PARTITIONED', 'BY')) throw notSupported('PARTITIONED BY', here)
  if (tokens.at('DISTRIBUTED')) throw notSupported('DISTRIBUTED BY', here)
  let options: OptionList = []
  if (tokens.accept('WITH')) options = parseOptions(tokens)
  if (tokens.at('LIKE')) throw notSupported('CREATE TABLE … LIKE', tokens.current.span)
  if (tokens.at('AS')) throw notSupported('CREATE TABLE … AS SELECT', tokens.current.span)
  return {
    kind: 'create-table',
    ...head,
    ...elements,
    options,
    comment,
    span: tokens.from(start),
  }
}

function parseElement(tokens: TokenStream, elements: TableElements): TableElements {
  const start = tokens.current.span
  if (tokens.at('WATERMARK', 'FOR')) {
    if (elements.watermark !== null) {
      throw raise('SQL_INVALID', start, 'A table has at most one WATERMARK; found a second one.')
    }
    return { ...elements, watermark: parseWatermark(tokens) }
  }
  if (tokens.at('PRIMARY', 'KEY') || tokens.at('CONSTRAINT')) {
    if (elements.primaryKey !== null) {
      throw raise('SQL_INVALID', start, 'A table has at most one PRIMARY KEY; found a second one.')
    }
    return { ...elements, primaryKey: parsePrimaryKey(tokens) }
  }
  if (tokens.at('UNIQUE')) throw notSupported('UNIQUE', start)
  const column = parseColumn(tokens)
  if (elements.columns.some((other) => other.name.name === column.name.name)) {
    throw raise(
      'SQL_INVALID',
      column.name.span,
      `The column '${column.name.name}' is declared twice.`,
    )
  }
  const keyed = column.kind === 'physical' && column.primaryKey
  if (keyed && elements.primaryKey !== null) {
    throw raise('SQL_INVALID', start, 'A table has at most one PRIMARY KEY; found a second one.')
  }
  return {
    ...elements,
    columns: [...elements.columns, column],
    primaryKey: keyed ? [column.name] : elements.primaryKey,
  }
}

function parseColumn(tokens: TokenStream): ColumnSyntax {
  const name = tokens.identifier('a column')
  if (tokens.accept('AS')) {
    const expression = parseExpression(tokens)
    skipComment(tokens)
    return { kind: 'computed', name, expression, text: textOf(tokens, expression) }
  }
  const typeStart = tokens.current.span
  const type = parseType(tokens)
  const typeSpan = tokens.from(typeStart)
  if (tokens.at('METADATA')) throw notSupported('A METADATA column', tokens.current.span)
  if (tokens.at('DEFAULT')) throw notSupported('DEFAULT', tokens.current.span)
  let primaryKey = false
  if (tokens.at('PRIMARY', 'KEY')) {
    tokens.expect('PRIMARY', 'KEY')
    notEnforced(tokens)
    primaryKey = true
  }
  skipComment(tokens)
  return { kind: 'physical', name, type, typeSpan, primaryKey }
}

function skipComment(tokens: TokenStream): void {
  if (tokens.accept('COMMENT')) tokens.expectString('a comment in quotes')
}

function parseWatermark(tokens: TokenStream): CreateTableSyntax['watermark'] {
  const start = tokens.expect('WATERMARK').span
  tokens.expect('FOR')
  const column = tokens.identifier('the time column')
  if (tokens.at('.')) throw notSupported('A watermark on a nested column', tokens.current.span)
  tokens.expect('AS')
  const expression = parseExpression(tokens)
  return { column, expression, text: textOf(tokens, expression), span: tokens.from(start) }
}

function parsePrimaryKey(tokens: TokenStream): readonly Identifier[] {
  if (tokens.accept('CONSTRAINT')) tokens.identifier('a constraint name')
  if (tokens.at('UNIQUE')) throw notSupported('UNIQUE', tokens.current.span)
  tokens.expect('PRIMARY', 'KEY')
  const columns = parseColumnNames(tokens)
  notEnforced(tokens)
  return columns
}

function notEnforced(tokens: TokenStream): void {
  if (tokens.acceptAll('NOT', 'ENFORCED')) return
  throw raise(
    'SQL_SYNTAX',
    tokens.current.span,
    'A PRIMARY KEY is not checked by Millrace: write PRIMARY KEY … NOT ENFORCED.',
  )
}

export function parseDrop(tokens: TokenStream): StatementSyntax {
  const start = tokens.expect('DROP').span
  const temporary = tokens.accept('TEMPORARY')
  const object = parseObject(tokens, 'DROP')
  const ifExists = tokens.acceptAll('IF', 'EXISTS')
  const name = tokens.objectName('a name')
  const cascade = tokens.accept('CASCADE')
  if (!cascade) tokens.accept('RESTRICT')
  return { kind: 'drop', object, name, temporary, ifExists, cascade, span: tokens.from(start) }
}
