/**
 * Type names → logical types: `DECIMAL(10, 2) NOT NULL`, `TIMESTAMP(3) WITH LOCAL TIME ZONE`.
 *
 * Types of the reference engine that have no column form here are refused by name.
 */
import type { LogicalType } from '@millrace/core'
import { nearName, notSupported, raise } from '../error-codes.ts'
import type { TokenStream } from './token-stream.ts'

const KNOWN =
  `BIGINT BOOLEAN CHAR DATE DECIMAL DOUBLE FLOAT INT INTEGER INTERVAL NUMERIC SMALLINT STRING
   TIMESTAMP TIMESTAMP_LTZ TINYINT VARCHAR`
    .trim()
    .split(/\s+/)
const REFUSED = new Set(
  'ARRAY BINARY BYTES MAP MULTISET RAW ROW TIME VARBINARY VARIANT STRUCTURED'.split(' '),
)
/** Decimals are held in 64 bits. */
const DECIMAL_PRECISION_MAX = 18
const TIMESTAMP_PRECISION_MAX = 6
const TEXT_LENGTH_MAX = 2 ** 31 - 1

/** A type with its nullability. */
export function parseType(tokens: TokenStream): LogicalType {
  const type = parseBareType(tokens)
  if (tokens.acceptAll('NOT', 'NULL')) return { ...type, nullable: false }
  tokens.accept('NULL')
  return type
}

function parseBareType(tokens: TokenStream): LogicalType {
  const token = tokens.current
  if (token.kind !== 'word') throw tokens.expected('a type')
  const name = token.upper
  if (REFUSED.has(name)) throw notSupported(`The type ${name}`, token.span)
  const nullable = true
  switch (name) {
    case 'INTERVAL':
      return parseIntervalType(tokens)
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      return parseTimestamp(tokens)
    case 'DECIMAL':
    case 'DEC':
    case 'NUMERIC':
      return parseDecimal(tokens)
  }
  tokens.advance()
  switch (name) {
    case 'BOOLEAN':
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'DATE':
      return { kind: name, nullable }
    case 'INTEGER':
      return { kind: 'INT', nullable }
    case 'DOUBLE':
      tokens.accept('PRECISION')
      return { kind: 'DOUBLE', nullable }
    case 'FLOAT':
    case 'REAL':
      return { kind: 'FLOAT', nullable }
    case 'STRING':
      return { kind: 'STRING', nullable }
    case 'VARCHAR':
    case 'CHAR':
      return parseText(tokens, name === 'CHAR')
  }
  const near = nearName(name, KNOWN)
  throw raise(
    'SQL_SYNTAX',
    token.span,
    `Unknown type '${token.text}'${near === undefined ? '.' : `; did you mean '${near}'?`}`,
    `Types: ${KNOWN.join(', ')}.`,
  )
}

/** CHAR is CHAR(1); VARCHAR and the longest VARCHAR are STRING. */
function parseText(tokens: TokenStream, isFixed: boolean): LogicalType {
  let length = isFixed ? 1 : TEXT_LENGTH_MAX
  if (tokens.accept('(')) {
    length = tokens.expectInteger('a length')
    if (length < 1 || length > TEXT_LENGTH_MAX) {
      throw raise(
        'SQL_SYNTAX',
        tokens.previous.span,
        `The length of a ${isFixed ? 'CHAR' : 'VARCHAR'} is 1 to ${TEXT_LENGTH_MAX}; found ${length}.`,
      )
    }
    tokens.expect(')')
  }
  const nullable = true
  if (isFixed) return { kind: 'STRING', length, fixed: true, nullable }
  return length === TEXT_LENGTH_MAX
    ? { kind: 'STRING', nullable }
    : { kind: 'STRING', length, nullable }
}

function parseTimestamp(tokens: TokenStream): LogicalType {
  const token = tokens.advance()
  let precision = TIMESTAMP_PRECISION_MAX
  if (tokens.accept('(')) {
    precision = tokens.expectInteger('a precision from 0 to 6')
    if (precision > TIMESTAMP_PRECISION_MAX) {
      throw notSupported(
        `A TIMESTAMP precision of ${precision}`,
        tokens.previous.span,
        'Use TIMESTAMP(3), or at most TIMESTAMP(6).',
      )
    }
    tokens.expect(')')
  }
  if (token.upper === 'TIMESTAMP_LTZ') return { kind: 'TIMESTAMP_LTZ', precision, nullable: true }
  if (tokens.acceptAll('WITH', 'LOCAL', 'TIME', 'ZONE')) {
    return { kind: 'TIMESTAMP_LTZ', precision, nullable: true }
  }
  if (tokens.at('WITH', 'TIME', 'ZONE')) {
    throw notSupported(
      'TIMESTAMP WITH TIME ZONE',
      tokens.current.span,
      'Use TIMESTAMP_LTZ(3) for instants.',
    )
  }
  tokens.acceptAll('WITHOUT', 'TIME', 'ZONE')
  return { kind: 'TIMESTAMP', precision, nullable: true }
}

function parseDecimal(tokens: TokenStream): LogicalType {
  tokens.advance()
  let precision = 10
  let scale = 0
  if (tokens.accept('(')) {
    precision = tokens.expectInteger('a precision from 1 to 18')
    const span = tokens.previous.span
    if (precision < 1) throw raise('SQL_SYNTAX', span, 'A DECIMAL has at least one digit; found 0.')
    if (precision > DECIMAL_PRECISION_MAX) {
      throw notSupported(`A DECIMAL precision of ${precision}`, span, 'Use at most DECIMAL(18, s).')
    }
    if (tokens.accept(',')) {
      scale = tokens.expectInteger('a scale')
      if (scale > precision) {
        throw raise(
          'SQL_SYNTAX',
          tokens.previous.span,
          `The scale of a DECIMAL is at most its precision ${precision}; found ${scale}.`,
        )
      }
    }
    tokens.expect(')')
  }
  return { kind: 'DECIMAL', precision, scale, nullable: true }
}

function parseIntervalType(tokens: TokenStream): LogicalType {
  tokens.advance()
  const yearMonth = tokens.atAny(['YEAR', 'MONTH', 'QUARTER'])
  if (!yearMonth && !tokens.atAny(['DAY', 'HOUR', 'MINUTE', 'SECOND', 'WEEK'])) {
    throw tokens.expected('a unit such as DAY, HOUR or SECOND')
  }
  const skipUnit = () => {
    tokens.advance()
    if (tokens.accept('(')) {
      tokens.expectInteger('a precision')
      tokens.expect(')')
    }
  }
  skipUnit()
  if (tokens.accept('TO')) skipUnit()
  return { kind: yearMonth ? 'INTERVAL_YEAR_MONTH' : 'INTERVAL_DAY_TIME', nullable: true }
}
