/**
 * Golden tests of the parser: groupings, intervals, errors with their places, refusals by
 * name, scripts.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '@millrace/core'
import { errorOf } from '../testing/session.ts'
import { parseStatement } from './parse-statement.ts'
import { splitStatements } from './split-statements.ts'
import type { ExpressionSyntax, StatementSyntax } from './syntax-tree.ts'

/** An expression as a compact text: every grouping shown. */
function shape(e: ExpressionSyntax): string {
  switch (e.kind) {
    case 'number':
      return e.text
    case 'string':
      return `'${e.value}'`
    case 'boolean':
      return String(e.value)
    case 'null':
      return 'null'
    case 'word':
      return e.word
    case 'temporal':
      return `${e.type}'${e.text}'`
    case 'interval':
      return `${e.family}:${e.value}`
    case 'name':
      return e.parts.map((part) => part.name).join('.')
    case 'unary':
      return `(${e.operator} ${shape(e.operand)})`
    case 'binary':
      return `(${shape(e.left)} ${e.operator} ${shape(e.right)})`
    case 'is':
      return `(${shape(e.operand)} is ${e.negated ? 'not ' : ''}${e.test})`
    case 'between':
      return `(${shape(e.operand)} ${e.negated ? 'not ' : ''}between ${shape(e.low)} ${shape(e.high)})`
    case 'in':
      return `(${shape(e.operand)} ${e.negated ? 'not ' : ''}in ${e.items.map(shape).join(' ')})`
    case 'like': {
      const end = e.escape === null ? '' : ` escape ${shape(e.escape)}`
      return `(${shape(e.operand)} ${e.negated ? 'not ' : ''}like ${shape(e.pattern)}${end})`
    }
    case 'cast':
      return `${e.safe ? 'try_cast' : 'cast'}(${shape(e.operand)} ${e.type.kind})`
    case 'case':
      return `case(${[
        ...(e.operand === null ? [] : [shape(e.operand)]),
        ...e.branches.map(({ when, result }) => `${shape(when)}:${shape(result)}`),
        ...(e.otherwise === null ? [] : [shape(e.otherwise)]),
      ].join(' ')})`
    case 'call': {
      const args = e.star ? '*' : e.args.map(shape).join(' ')
      const filter = e.filter === null ? '' : ` filter ${shape(e.filter)}`
      return `${e.name}(${e.distinct ? 'distinct ' : ''}${args})${filter}`
    }
  }
}

function expression(text: string): string {
  const statement = parseStatement(`SELECT ${text}`)
  assert.equal(statement.kind, 'query')
  const { body } = (statement as StatementSyntax & { kind: 'query' }).query
  assert.equal(body.kind, 'select')
  const item = body.kind === 'select' ? body.items[0] : undefined
  assert.ok(item?.kind === 'expression')
  return shape(item.expression)
}

test('operators bind as SQL says, and to the left', () => {
  const golden: Record<string, string> = {
    'a + b * c': '(a + (b * c))',
    'a - b - c': '((a - b) - c)',
    '-a * b': '((- a) * b)',
    '- 5': '-5',
    'a OR b AND NOT c': '(a OR (b AND (NOT c)))',
    'NOT a = b AND c': '((NOT (a = b)) AND c)',
    'a = b IS NULL': '((a = b) is NULL)',
    'a + 1 BETWEEN b AND c + 2 AND d': '(((a + 1) between b (c + 2)) AND d)',
    'a NOT BETWEEN 1 AND 2 OR b': '((a not between 1 2) OR b)',
    'a NOT IN (1, 2 + 3)': '(a not in 1 (2 + 3))',
    "a LIKE 'x%' ESCAPE '!'": "(a like 'x%' escape '!')",
    "a || b || 'c'": "((a || b) || 'c')",
    '(a + b) * c': '((a + b) * c)',
    'a != b': '(a <> b)',
    'a IS NOT TRUE': '(a is not TRUE)',
    'a % 2 <> 0': '((a % 2) <> 0)',
    "'it''s'": "'it's'",
    '`select`.`a``b`': 'select.a`b',
    'CASE WHEN a THEN 1 WHEN b THEN 2 ELSE 3 END': 'case(a:1 b:2 3)',
    'CASE x WHEN 1 THEN 2 END': 'case(x 1:2)',
    'CAST(a AS DECIMAL(10, 2))': 'cast(a DECIMAL)',
    'TRY_CAST(a AS TIMESTAMP(3) WITH LOCAL TIME ZONE)': 'try_cast(a TIMESTAMP_LTZ)',
    'COUNT(*) FILTER (WHERE a > 1)': 'COUNT(*) filter (a > 1)',
    'COUNT(DISTINCT a)': 'COUNT(distinct a)',
    'EXTRACT(HOUR FROM ts)': 'EXTRACT(HOUR ts)',
    'FLOOR(ts TO MINUTE)': 'FLOOR(ts MINUTE)',
    "POSITION('a' IN b)": "POSITION('a' b)",
    'SUBSTRING(a FROM 2 FOR 3)': 'SUBSTRING(a 2 3)',
    "TRIM(LEADING '0' FROM a)": "TRIM(LEADING a '0')",
    'TRIM(a)': "TRIM(BOTH a ' ')",
    'TIMESTAMPADD(DAY, 1, ts)': 'TIMESTAMPADD(DAY 1 ts)',
    CURRENT_TIMESTAMP: 'CURRENT_TIMESTAMP()',
    "TIMESTAMP '2026-01-01 00:00:00'": "TIMESTAMP'2026-01-01 00:00:00'",
    timestamp: 'timestamp',
    '.5e3': '.5e3',
  }
  for (const [text, expected] of Object.entries(golden)) assert.equal(expression(text), expected)
})

test('intervals of one unit and of ranges come out in milliseconds or months', () => {
  const golden: Record<string, string> = {
    "INTERVAL '10' SECOND": 'day-time:10000',
    "INTERVAL '1.5' SECOND": 'day-time:1500',
    "INTERVAL '-2' MINUTES": 'day-time:-120000',
    "INTERVAL -'2' HOUR": 'day-time:-7200000',
    "INTERVAL '1:30' HOUR TO MINUTE": 'day-time:5400000',
    "INTERVAL '1 02:03:04.5' DAY TO SECOND": 'day-time:93784500',
    "INTERVAL '1-6' YEAR TO MONTH": 'year-month:18',
    "INTERVAL '1' WEEK": 'day-time:604800000',
    "INTERVAL '2' QUARTER": 'year-month:6',
    "INTERVAL '10' DAY(2)": 'day-time:864000000',
  }
  for (const [text, expected] of Object.entries(golden)) assert.equal(expression(text), expected)
  for (const bad of [
    "INTERVAL 'x' DAY",
    "INTERVAL '1:30' DAY TO HOUR",
    "INTERVAL '1' DAY TO MONTH",
  ]) {
    assert.equal(errorOf(() => expression(bad)).code, 'SQL_SYNTAX')
  }
})

test('syntax errors say what was expected, what was found, and where', () => {
  const golden: [string, string, number, number][] = [
    ['SELECT a FORM t', "Unexpected 'FORM'; did you mean 'FROM'?", 1, 10],
    ['SELECT 1 +', 'Expected an expression, found the end of the statement.', 1, 11],
    ['SELECT 1 + FROM x', "Expected an expression, found 'FROM'.", 1, 12],
    ['SELECT a\nFROM t\nWHERE', 'Expected an expression, found the end of the statement.', 3, 6],
    ["SELECT 'abc", 'The text that begins here is not ended.', 1, 8],
    ['SELECT `abc', 'The name that begins here is not ended.', 1, 8],
    ['SELECT 1 /* x', 'The comment that begins here is not ended.', 1, 10],
    ['SELECT "a"', "Double quotes are no part of SQL here; found '\"'.", 1, 8],
    ['SELECT #', "Unexpected character '#'.", 1, 8],
    ['SELECT 1a', "A number cannot be followed by 'a'.", 1, 8],
    ['SELCT 1', "Unknown statement 'SELCT'; did you mean 'SELECT'?", 1, 1],
    ['CREATE TABEL t', "Cannot CREATE 'TABEL'; did you mean 'TABLE'?", 1, 8],
    ['CREATE TABLE t (a STRIN)', "Unknown type 'STRIN'; did you mean 'STRING'?", 1, 19],
    ['SHOW TABELS', "Cannot show 'TABELS'; did you mean 'TABLES'?", 1, 6],
    ['SELECT a FROM t GROUP a', "Expected BY, found 'a'.", 1, 23],
    ['SELECT a FROM t WHERE a BETWEEN 1 OR 2', "Expected AND, found 'OR'.", 1, 35],
    ['SET parallelism = 3', "Expected an option in quotes, found 'parallelism'.", 1, 5],
    ['SELECT a AS FROM t', 'Expected an alias, found the keyword FROM.', 1, 13],
    ['', 'The statement is empty.', 1, 1],
  ]
  for (const [sql, message, line, column] of golden) {
    const error = errorOf(() => parseStatement(sql))
    assert.equal(error.message, message)
    assert.deepEqual([error.location?.line, error.location?.column], [line, column], sql)
    assert.equal(error.code, 'SQL_SYNTAX')
  }
})

test('what SQL has and Millrace does not run yet is refused by name, where it stands', () => {
  const golden: [string, string, number][] = [
    ['SELECT a FROM t ORDER BY a', 'ORDER BY', 17],
    ['SELECT a FROM t LIMIT 3', 'LIMIT', 17],
    ['SELECT a FROM t JOIN u ON t.a = u.a', 'JOIN', 17],
    ['SELECT a FROM t LEFT JOIN u ON t.a = u.a', 'JOIN', 17],
    ['SELECT a FROM t, u', 'FROM with several tables (a JOIN)', 16],
    ['SELECT SUM(a) OVER (PARTITION BY b) FROM t', 'OVER', 15],
    ['SELECT a FROM t EXCEPT SELECT a FROM u', 'EXCEPT', 17],
    ['SELECT a FROM t WHERE a IN (SELECT b FROM u)', 'IN with a sub-query', 29],
    ['SELECT a FROM t WHERE EXISTS (SELECT 1)', 'EXISTS', 23],
    ['SELECT (SELECT 1)', 'A sub-query as an expression', 9],
    ['SELECT a FROM t GROUP BY CUBE (a)', 'CUBE', 26],
    ['SELECT a FROM t MATCH_RECOGNIZE (PARTITION BY a)', 'MATCH_RECOGNIZE', 17],
    [
      'SELECT * FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), x, y))',
      'The window function CUMULATE',
      21,
    ],
    ['CREATE FUNCTION f AS x', 'CREATE FUNCTION', 8],
    ['CREATE TABLE t (a ARRAY)', 'The type ARRAY', 19],
    ['CREATE TABLE t (a INT) PARTITIONED BY (a)', 'PARTITIONED BY', 24],
    ['CREATE TABLE t (a DECIMAL(38, 0))', 'A DECIMAL precision of 38', 27],
    ['CREATE TABLE t (a INT METADATA)', 'A METADATA column', 23],
    ['ALTER TABLE t RENAME TO u', 'ALTER', 1],
    ['DELETE FROM t', 'DELETE', 1],
    ['INSERT OVERWRITE t SELECT 1', 'INSERT OVERWRITE', 8],
    ['EXPLAIN ESTIMATED_COST SELECT 1', 'EXPLAIN ESTIMATED_COST', 9],
  ]
  for (const [sql, what, column] of golden) {
    const error = errorOf(() => parseStatement(sql))
    assert.equal(error.message, `${what} is not supported yet.`)
    assert.equal(error.code, 'SQL_NOT_SUPPORTED')
    assert.equal(error.location?.column, column, sql)
  }
})

test('a tree deeper than the limit is an error, not a crash', () => {
  for (const sql of [
    `SELECT ${'('.repeat(5000)}1${')'.repeat(5000)}`,
    `SELECT ${'- '.repeat(5000)}1`,
    `SELECT ${'NOT '.repeat(5000)}TRUE`,
    `SELECT 1${' + 1'.repeat(5000)}`,
    `SELECT * FROM ${'(SELECT * FROM '.repeat(2000)}t${')'.repeat(2000)}`,
    `${'EXPLAIN '.repeat(20000)}SELECT 1`,
  ]) {
    assert.ok(isMillraceError(errorOf(() => parseStatement(sql))))
  }
})

test('a script is split at semicolons outside texts, comments and statement sets', () => {
  const script = `SET 'a' = 'b;c'; -- first; comment
SELECT /* ; */ 1;
  BEGIN STATEMENT SET; INSERT INTO t SELECT CASE WHEN a THEN 1 END; INSERT INTO t VALUES (1); END;
EXECUTE STATEMENT SET BEGIN INSERT INTO t VALUES (1); END;;
EXPLAIN CHANGELOG_MODE STATEMENT SET BEGIN INSERT INTO t VALUES (1); END;
SELECT 2`
  const statements = splitStatements(script)
  assert.deepEqual(
    statements.map(({ text, line, column, complete }) => [
      text.split('\n')[0]?.slice(0, 22),
      line,
      column,
      complete,
    ]),
    [
      ["SET 'a' = 'b;c'", 1, 1, true],
      ['SELECT /* ; */ 1', 2, 1, true],
      ['BEGIN STATEMENT SET; I', 3, 3, true],
      ['EXECUTE STATEMENT SET ', 4, 1, true],
      ['EXPLAIN CHANGELOG_MODE', 5, 1, true],
      ['SELECT 2', 6, 1, false],
    ],
  )
  for (const { text } of statements.slice(2, 4))
    assert.equal(parseStatement(text).kind, 'statement-set')
})

test('an unreadable rest of a script is one last statement', () => {
  const statements = splitStatements("SELECT 1;\nSELECT 'x; SELECT 2;")
  assert.deepEqual(
    statements.map((statement) => [statement.text, statement.line]),
    [
      ['SELECT 1', 1],
      ["SELECT 'x; SELECT 2;", 2],
    ],
  )
  assert.deepEqual(splitStatements(' -- nothing\n'), [])
})
