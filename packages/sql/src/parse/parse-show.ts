/** SHOW …: what the session's catalog holds. */
import { nearName, notSupported, raise } from '../error-codes.ts'
import type { ObjectName, ShowTopic, StatementSyntax } from './syntax-tree.ts'
import type { TokenStream } from './token-stream.ts'

const TOPICS: readonly (readonly [readonly string[], ShowTopic])[] = [
  [['CATALOGS'], 'catalogs'],
  [['CURRENT', 'CATALOG'], 'current-catalog'],
  [['DATABASES'], 'databases'],
  [['CURRENT', 'DATABASE'], 'current-database'],
  [['TABLES'], 'tables'],
  [['VIEWS'], 'views'],
  [['USER', 'FUNCTIONS'], 'functions'],
  [['FUNCTIONS'], 'functions'],
  [['CREATE', 'TABLE'], 'create-table'],
  [['CREATE', 'VIEW'], 'create-view'],
  [['COLUMNS'], 'columns'],
  [['JOBS'], 'jobs'],
  [['JARS'], 'jars'],
  [['MODULES'], 'modules'],
]
const REFUSED = ['MODELS', 'FULL', 'PARTITIONS', 'PROCEDURES', 'MATERIALIZED']

export function parseShow(tokens: TokenStream): StatementSyntax {
  const start = tokens.expect('SHOW').span
  const topic = TOPICS.find(([words]) => tokens.at(...words))
  if (topic === undefined) {
    const token = tokens.current
    if (REFUSED.includes(token.upper)) throw notSupported(`SHOW ${token.upper}`, token.span)
    const names = TOPICS.map(([words]) => words.join(' '))
    const near = token.kind === 'word' ? nearName(token.upper, names) : undefined
    if (near === undefined) throw tokens.expected('TABLES, VIEWS, DATABASES, FUNCTIONS or JOBS')
    throw raise('SQL_SYNTAX', token.span, `Cannot show '${token.text}'; did you mean '${near}'?`)
  }
  for (const _ of topic[0]) tokens.advance()
  let name: ObjectName | null = null
  if (topic[1] === 'create-table' || topic[1] === 'create-view') name = tokens.objectName('a name')
  else if (tokens.at('FROM') || tokens.at('IN')) {
    tokens.advance()
    name = tokens.objectName('a name')
  } else if (topic[1] === 'columns') throw tokens.expected('FROM')
  if (tokens.at('NOT', 'LIKE')) throw notSupported('SHOW … NOT LIKE', tokens.current.span)
  const like = tokens.accept('LIKE') ? tokens.expectString('a pattern in quotes').text : null
  return { kind: 'show', topic: topic[1], name, like, span: tokens.from(start) }
}
