/**
 * One statement: text → syntax tree. The door of this folder.
 *
 * Looks at the first words, hands over to the query and DDL parsers, and refuses by name the
 * statements that exist but are not run yet.
 */
import { nearName, notSupported, raise } from '../error-codes.ts'
import { parseCreate, parseDrop } from './parse-ddl.ts'
import { parseHints, parseOption } from './parse-options.ts'
import { atQuery, parseColumnNames, parseQuery } from './parse-query.ts'
import { parseShow } from './parse-show.ts'
import type { InsertSyntax, StatementSyntax } from './syntax-tree.ts'
import { TokenStream } from './token-stream.ts'

const STATEMENTS =
  `BEGIN CREATE DESC DESCRIBE DROP EXECUTE EXPLAIN INSERT RESET SELECT SET SHOW STOP USE VALUES WITH`
    .trim()
    .split(/\s+/)
const REFUSED = new Set(
  `ADD ALTER ANALYZE CALL COMPILE DELETE LOAD MERGE REMOVE TRUNCATE UNLOAD UPDATE UPSERT`.split(
    /\s+/,
  ),
)

/** Parses one statement; a `;` at its end is allowed. Throws SQL_SYNTAX, SQL_NOT_SUPPORTED. */
export function parseStatement(text: string): StatementSyntax {
  const tokens = new TokenStream(text)
  const statement = parseAny(tokens)
  tokens.accept(';')
  if (tokens.current.kind !== 'end') throw tokens.expected('the end of the statement')
  return statement
}

function parseAny(tokens: TokenStream): StatementSyntax {
  const token = tokens.current
  switch (token.upper) {
    case 'CREATE':
      return parseCreate(tokens)
    case 'DROP':
      return parseDrop(tokens)
    case 'INSERT':
      return parseInsert(tokens)
    case 'SET':
      return parseSet(tokens)
    case 'RESET':
      return parseReset(tokens)
    case 'SHOW':
      return parseShow(tokens)
    case 'USE':
      return parseUse(tokens)
    case 'DESC':
    case 'DESCRIBE': {
      tokens.advance()
      if (tokens.at('CATALOG') || tokens.at('DATABASE') || tokens.at('FUNCTION')) {
        throw notSupported(`DESCRIBE ${tokens.current.upper}`, tokens.current.span)
      }
      // A table may have that name.
      if (tokens.at('JOB') && tokens.peek(1).kind === 'string') {
        tokens.advance()
        const jobId = tokens.expectString("the job's id in quotes").text
        return { kind: 'describe-job', jobId, span: tokens.from(token.span) }
      }
      const name = tokens.objectName('a table')
      return { kind: 'describe', name, span: tokens.from(token.span) }
    }
    case 'EXPLAIN':
      return parseExplain(tokens)
    case 'BEGIN':
    case 'EXECUTE':
      return parseStatementSet(tokens)
    case 'STOP':
      return parseStopJob(tokens)
  }
  if (atQuery(tokens)) {
    const query = parseQuery(tokens)
    return { kind: 'query', query, span: query.span }
  }
  throw unknownStatement(tokens)
}

function unknownStatement(tokens: TokenStream) {
  const token = tokens.current
  if (token.kind === 'end') return raise('SQL_SYNTAX', token.span, 'The statement is empty.')
  if (REFUSED.has(token.upper)) return notSupported(token.upper, token.span)
  const near = token.kind === 'word' ? nearName(token.upper, STATEMENTS) : undefined
  return raise(
    'SQL_SYNTAX',
    token.span,
    `Unknown statement '${token.text}'${near === undefined ? '.' : `; did you mean '${near}'?`}`,
    `Statements begin with ${STATEMENTS.join(', ')}.`,
  )
}

function parseInsert(tokens: TokenStream): InsertSyntax {
  const start = tokens.expect('INSERT').span
  if (tokens.at('OVERWRITE')) throw notSupported('INSERT OVERWRITE', tokens.current.span)
  tokens.expect('INTO')
  tokens.accept('TABLE')
  const table = tokens.objectName('a table')
  const hints = tokens.at('/*+') ? parseHints(tokens) : null
  if (tokens.at('PARTITION')) throw notSupported('INSERT INTO … PARTITION', tokens.current.span)
  const columns =
    tokens.at('(') &&
    !['SELECT', 'WITH', 'VALUES', '('].includes(tokens.peek(1).upper || tokens.peek(1).text)
      ? parseColumnNames(tokens)
      : null
  if (!atQuery(tokens)) throw tokens.expected('a query')
  const query = parseQuery(tokens)
  return { kind: 'insert', table, columns, hints, query, span: tokens.from(start) }
}

function parseStatementSet(tokens: TokenStream): StatementSyntax {
  const start = tokens.current.span
  if (tokens.at('EXECUTE', 'PLAN')) throw notSupported('EXECUTE PLAN', start)
  if (tokens.accept('EXECUTE')) {
    if (!tokens.at('STATEMENT')) {
      const inner = parseAny(tokens)
      if (inner.kind !== 'insert' && inner.kind !== 'query') throw tokens.expected('STATEMENT SET')
      return inner
    }
    tokens.expect('STATEMENT', 'SET', 'BEGIN')
  } else {
    tokens.expect('BEGIN', 'STATEMENT', 'SET')
    tokens.expect(';')
  }
  return parseInserts(tokens, start)
}

function parseInserts(tokens: TokenStream, start: StatementSyntax['span']): StatementSyntax {
  const inserts: InsertSyntax[] = []
  while (!tokens.accept('END')) {
    if (!tokens.at('INSERT')) throw tokens.expected('INSERT')
    inserts.push(parseInsert(tokens))
    tokens.expect(';')
  }
  const span = tokens.from(start)
  if (inserts.length === 0) throw raise('SQL_INVALID', span, 'The statement set holds no INSERT.')
  return { kind: 'statement-set', inserts, span }
}

function parseExplain(tokens: TokenStream): StatementSyntax {
  const start = tokens.expect('EXPLAIN').span
  for (const detail of ['ESTIMATED_COST', 'PLAN_ADVICE', 'JSON_EXECUTION_PLAN']) {
    if (tokens.at(detail)) throw notSupported(`EXPLAIN ${detail}`, tokens.current.span)
  }
  const changelogMode = tokens.accept('CHANGELOG_MODE')
  tokens.acceptAll('PLAN', 'FOR')
  if (tokens.at('STATEMENT', 'SET')) {
    tokens.expect('STATEMENT', 'SET', 'BEGIN')
    const statement = parseInserts(tokens, start)
    return { kind: 'explain', statement, changelogMode, span: tokens.from(start) }
  }
  if (!tokens.at('INSERT') && !tokens.at('BEGIN') && !tokens.at('EXECUTE') && !atQuery(tokens)) {
    throw tokens.expected('a query or INSERT')
  }
  const statement = parseAny(tokens)
  return { kind: 'explain', statement, changelogMode, span: tokens.from(start) }
}

function parseSet(tokens: TokenStream): StatementSyntax {
  const start = tokens.expect('SET').span
  if (tokens.current.kind === 'end' || tokens.at(';')) {
    return { kind: 'set', option: null, span: start }
  }
  if (tokens.current.kind !== 'string') {
    throw raise(
      'SQL_SYNTAX',
      tokens.current.span,
      `Expected an option in quotes, found '${tokens.current.text}'.`,
      "Write SET 'parallelism.default' = '3'.",
    )
  }
  const option = parseOption(tokens)
  return { kind: 'set', option, span: tokens.from(start) }
}

function parseReset(tokens: TokenStream): StatementSyntax {
  const start = tokens.expect('RESET').span
  if (tokens.current.kind === 'end' || tokens.at(';')) {
    return { kind: 'reset', key: null, span: start }
  }
  const key = tokens.expectString("an option such as 'parallelism.default'").text
  return { kind: 'reset', key, span: tokens.from(start) }
}

function parseUse(tokens: TokenStream): StatementSyntax {
  const start = tokens.expect('USE').span
  if (tokens.at('MODULES')) throw notSupported('USE MODULES', tokens.current.span)
  const object = tokens.at('CATALOG') ? 'CATALOG' : 'DATABASE'
  if (object === 'CATALOG') tokens.advance()
  const name = tokens.objectName('a database')
  return { kind: 'use', object, name, span: tokens.from(start) }
}

function parseStopJob(tokens: TokenStream): StatementSyntax {
  const start = tokens.expect('STOP', 'JOB').span
  const jobId = tokens.expectString("the job's id in quotes").text
  let withSavepoint = false
  let withDrain = false
  while (tokens.accept('WITH')) {
    if (tokens.accept('SAVEPOINT')) withSavepoint = true
    else if (tokens.accept('DRAIN')) withDrain = true
    else throw tokens.expected('SAVEPOINT or DRAIN')
  }
  return { kind: 'stop-job', jobId, withSavepoint, withDrain, span: tokens.from(start) }
}
