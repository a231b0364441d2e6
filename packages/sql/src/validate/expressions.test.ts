/** Predicates, types and names of expressions as statements have them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatType } from '@millrace/core'
import type { RowsResult, SubmitResult } from '../environment/statement-result.ts'
import { errorOf, session } from '../testing/session.ts'

const typeOf = (expression: string) => {
  const { schema } = session().execute(`SELECT ${expression} AS x`) as SubmitResult
  return formatType({ ...(schema.fields[0]?.type as never as { kind: 'INT' }), nullable: true })
}
const explain = (sql: string) => String((session().execute(`EXPLAIN ${sql}`) as RowsResult).rows[0])

test('IS DISTINCT FROM, BETWEEN SYMMETRIC and OVERLAY are read in both their forms', () => {
  for (const condition of [
    'a IS DISTINCT FROM 1',
    'a IS NOT DISTINCT FROM NULL',
    'a BETWEEN SYMMETRIC 9 AND 1',
    'a NOT BETWEEN SYMMETRIC 9 AND 1 AND TRUE',
    "OVERLAY('abc' PLACING 'x' FROM 2) = 'axc'",
    "OVERLAY('abc' PLACING 'x' FROM 2 FOR 1) = OVERLAY('abc', 'x', 2, 1)",
  ]) {
    assert.equal(typeOf(condition.replace(/^a/, '1')), 'BOOLEAN', condition)
  }
  assert.match(
    explain('SELECT sensor_id IS DISTINCT FROM NULL FROM sensor_readings'),
    /IS_NOT_NULL|IS DISTINCT FROM/,
  )
})

// Cause: a literal's digits did not count; and what a TIMESTAMP(0) is moved by beyond whole seconds
// is cut, where it was kept in a finer type that the reference does not have.
test('a literal decides the type where the reference’s rules say so', () => {
  const time = "TIMESTAMP '2026-11-22 10:15:30'"
  assert.equal(typeOf(`${time} + INTERVAL '4.5' SECOND`), 'TIMESTAMP(0)')
  assert.equal(typeOf(`${time} + INTERVAL '4' SECOND`), 'TIMESTAMP(0)')
  assert.equal(typeOf(`${time} - INTERVAL '1' DAY * 2`), 'TIMESTAMP(0)')
  assert.equal(typeOf('ROUND(2.567, 2)'), 'DECIMAL(4, 2)')
  assert.equal(typeOf('TRUNCATE(2.567, 1)'), 'DECIMAL(3, 1)')
  assert.equal(typeOf('ROUND(2.567, 5)'), 'DECIMAL(4, 3)')
  assert.equal(typeOf("TIMESTAMPADD(WEEK, 1, DATE '2003-01-02')"), 'DATE')
  assert.equal(typeOf("TIMESTAMPADD(HOUR, 1, DATE '2003-01-02')"), 'TIMESTAMP(3)')
})

test('a literal with more digits than are kept is refused, not cut', () => {
  assert.equal(typeOf("TIMESTAMP '2026-11-22 10:15:30.123456'"), 'TIMESTAMP(6)')
  const error = errorOf(() => typeOf("TIMESTAMP '2026-11-22 10:15:30.123456789'"))
  assert.match(error.message, /^A TIMESTAMP precision of 9 is not supported yet/)
})

test('a function of the reference that is not there yet is named, not taken for a typo', () => {
  // Cause: MD5 was answered with "did you mean 'MOD'?".
  assert.match(
    errorOf(() => session().execute("SELECT MD5('a')")).message,
    /^MD5 is not supported yet/,
  )
  assert.match(
    errorOf(() => session().execute("SELECT UPER('a')")).message,
    /did you mean 'UPPER'\?/,
  )
})

test('SHOW FUNCTIONS lists what is called by name, not operators', () => {
  const names = (session().execute('SHOW FUNCTIONS') as RowsResult).rows.map(([name]) => name)
  for (const name of ['UPPER', 'MOD', 'EXTRACT', 'COUNT', 'COALESCE', 'HEX'])
    assert.ok(names.includes(name), name)
  for (const name of ['PLUS', 'IS_NULL', 'CEIL_TO', 'NOT_EQUALS', 'IN'])
    assert.ok(!names.includes(name), name)
})

test('a column without a name is called after its place', () => {
  // Cause: unnamed columns were counted by themselves, so that a script of the reference named
  // the wrong one.
  const sql = 'SELECT *, 1 + 1, sensor_id AS s, 2 FROM (SELECT sensor_id FROM sensor_readings)'
  const { schema } = session().execute(sql) as SubmitResult
  const names = schema.fields.map(({ name }) => name)
  assert.deepEqual(names, ['sensor_id', 'EXPR$1', 's', 'EXPR$3'])
})

test('texts have their length: literals, casts, joined and common types', () => {
  // Cause: CHAR(n) and VARCHAR(n) were STRING, so that nothing was cut or padded.
  const cases: [string, string][] = [
    ["'abc'", 'CHAR(3)'],
    ["''", 'CHAR(0)'],
    ["'a' || 'bc'", 'CHAR(3)'],
    ["CAST('a' AS VARCHAR(3)) || CAST('b' AS VARCHAR(4))", 'VARCHAR(7)'],
    ["CASE WHEN TRUE THEN 'a' ELSE 'bcd' END", 'VARCHAR(3)'],
    ["CASE WHEN TRUE THEN 'abc' ELSE 'bcd' END", 'CHAR(3)'],
    ["CAST('a' AS CHAR)", 'CHAR(1)'],
    ["CAST('a' AS VARCHAR)", 'STRING'],
    ['CAST(1 AS VARCHAR(2147483647))', 'STRING'],
    ["SUBSTRING('hello', 2)", 'VARCHAR(5)'],
    ["CONCAT('a', 'b')", 'STRING'],
    ['CAST(1 AS TINYINT)', 'TINYINT'],
    ['CAST(1 AS REAL)', 'FLOAT'],
  ]
  for (const [expression, type] of cases) assert.equal(typeOf(expression), type, expression)
  const error = errorOf(() => typeOf("CAST('a' AS CHAR(0))"))
  assert.match(error.message, /^The length of a CHAR is 1 to 2147483647; found 0/)
})

test('a text goes into a shorter VARCHAR cut, and into a CHAR only when it is one', () => {
  const s = session()
  s.execute(`CREATE TABLE texts (v VARCHAR(3), c CHAR(4)) WITH ('connector' = 'print')`)
  s.execute("INSERT INTO texts SELECT name, 'ab' FROM events")
  const error = errorOf(() => s.execute('INSERT INTO texts SELECT name, name FROM events'))
  assert.match(error.message, /'name0' is STRING; the table's column 'c' is CHAR\(4\)/)
  const plan = String(
    (s.execute("EXPLAIN INSERT INTO texts SELECT name, 'ab' FROM events") as RowsResult).rows[0],
  )
  assert.match(plan, /CAST\(name AS VARCHAR\(3\)\)/)
})

test('TYPEOF names a type as the reference does', () => {
  const shown = (expression: string) => explain(`SELECT TYPEOF(${expression}) FROM sensor_readings`)
  assert.match(shown('1 + CAST(NULL AS INT)'), /'INT'/)
  assert.match(shown("INTERVAL '5' DAY"), /'INTERVAL SECOND\(3\) NOT NULL'/)
  assert.match(shown('NULL'), /'NULL'/)
})

test('a bare NULL is refused where nothing gives it a type, and a cast one keeps its own', () => {
  const refused = [
    'SELECT NULL AS x',
    'SELECT 1 + NULL',
    'SELECT COUNT(NULL) FROM events',
    'SELECT IF(TRUE, 1, NULL)',
    'SELECT * FROM (VALUES (1), (NULL)) AS t(x)',
    'INSERT INTO updates SELECT x, 1 FROM (SELECT NULL AS x)',
  ]
  for (const sql of refused) {
    assert.match(errorOf(() => session().execute(sql)).message, /^NULL has no type here/, sql)
  }
  session().execute("INSERT INTO updates VALUES (NULL, 1), ('a', NULL)")
  assert.equal(typeOf('COALESCE(CAST(NULL AS INT), 2.5)'), 'DECIMAL(11, 1)')
  assert.equal(typeOf('COALESCE(NULL, 3)'), 'INT')
  assert.equal(typeOf('00012.50'), 'DECIMAL(7, 2)')
  assert.match(
    explain('SELECT TYPEOF(CASE WHEN TRUE THEN 1 END) FROM sensor_readings'),
    /'INT NOT NULL'/,
  )
  const error = errorOf(() => typeOf("TIMESTAMP '2020-01-01 00:00'"))
  assert.match(error.message, /is no TIMESTAMP/)
})

test('names may be given by a path, by a list after an alias, and must not be ambiguous', () => {
  const path = 'default_catalog.default_database.events'
  explain(`SELECT ${path}.id, default_database.events.n FROM ${path}`)
  explain('SELECT t.b FROM (SELECT name, n FROM events) AS t(a, b)')
  explain('SELECT t.b FROM events AS t(a, b, c, d, e, f, g, h, i, j)')
  assert.match(
    errorOf(() => explain('SELECT name FROM events AS t(a, b, c, d, e, f, g, h, i, j)')).message,
    /^Unknown column 'name'/,
  )
  for (const sql of ['SELECT *', 'SELECT x']) {
    assert.match(
      errorOf(() => explain(`${sql} FROM (SELECT 1 AS x, 2 AS x, 3 AS y)`)).message,
      /^The column 'x' is ambiguous/,
    )
  }
  explain('SELECT y FROM (SELECT 1 AS x, 2 AS x, 3 AS y)')
})

test('UNION makes its rows distinct, GROUP BY () is one group, and a number in GROUP BY a constant', () => {
  assert.match(explain("SELECT name FROM events UNION SELECT 'a' FROM events"), /GroupAggregate/)
  const mixed =
    "SELECT name FROM events UNION SELECT 'a' FROM events UNION ALL SELECT name FROM events"
  assert.equal(explain(mixed).match(/LogicalAggregate/g)?.length, 1)
  assert.match(explain('SELECT COUNT(*) FROM events GROUP BY ()'), /GroupAggregate/)
  assert.match(
    errorOf(() => explain('SELECT name, COUNT(*) FROM events GROUP BY 1')).message,
    /^The column 'name' is neither in GROUP BY/,
  )
  explain('SELECT COUNT(*) FROM events GROUP BY 1')
})

test('a number too large for a DECIMAL is NULL, and the type says that it may be', () => {
  // Cause: it failed the job, where the reference gives NULL.
  const typed = (expression: string) => explain(`SELECT TYPEOF(${expression}) FROM sensor_readings`)
  assert.match(typed('CAST(100 AS DECIMAL(2, 0))'), /'DECIMAL\(2, 0\)'/)
  assert.match(typed('CAST(99 AS DECIMAL(2, 0))'), /'DECIMAL\(2, 0\) NOT NULL'/)
  assert.match(typed('CAST(5 AS DECIMAL)'), /'DECIMAL\(10, 0\) NOT NULL'/)
  assert.match(typed('CAST(9.99 AS DECIMAL(2, 1))'), /'DECIMAL\(2, 1\)'/)
  assert.match(explain('SELECT CAST(id AS DECIMAL(5, 2)) FROM events'), /TRY_CAST\(id/)
  assert.doesNotMatch(explain('SELECT CAST(n AS DECIMAL(12, 2)) FROM events'), /TRY_CAST/)
  assert.doesNotMatch(explain('SELECT CAST(name AS DECIMAL(5, 2)) FROM events'), /TRY_CAST/)
})

test('a text may have a prefix: E for escapes, N and _UTF8 for nothing', () => {
  assert.equal(typeOf("E'a\\tb\\u0041'"), 'CHAR(4)')
  assert.equal(typeOf("N'abc'"), 'CHAR(3)')
  assert.equal(typeOf("_UTF8'abc'"), 'CHAR(3)')
  assert.match(errorOf(() => typeOf("X'0102'")).message, /^A binary literal is not supported yet/)
})

test('what the reference has and is not there yet is named as such', () => {
  const create = (connector: string, format: string) => () =>
    session().execute(
      `CREATE TABLE t (a INT) WITH ('connector' = '${connector}', 'format' = '${format}')`,
    )
  assert.match(
    errorOf(create('upsert-kafka', 'json')).message,
    /^The connector 'upsert-kafka' is not supported yet/,
  )
  assert.match(errorOf(create('kafka', 'csv')).message, /^The format 'csv' is not supported yet/)
  assert.match(errorOf(create('kafka', 'jsonn')).message, /^Unknown format 'jsonn'/)
  assert.match(
    errorOf(() => session().execute("SELECT JSON_VALUE(name, '$.a' RETURNING INT) FROM events"))
      .message,
    /^JSON_VALUE is not supported yet/,
  )
})
