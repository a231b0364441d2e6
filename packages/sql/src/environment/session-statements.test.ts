/**
 * The session around queries: tables and their checks, databases and views, SET, job
 * commands, completion.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatType } from '@millrace/core'
import { errorOf, session } from '../testing/session.ts'
import type { RowsResult, SubmitResult } from './statement-result.ts'
import type { TableEnvironment } from './table-environment.ts'

const rows = (s: TableEnvironment, sql: string) => (s.execute(sql) as RowsResult).rows
const types = (s: TableEnvironment, sql: string) =>
  (s.execute(sql) as SubmitResult).schema.fields.map(
    ({ name, type }) => `${name} ${formatType(type)}`,
  )

test('CREATE TABLE checks connector, options, computed columns and watermark', () => {
  const s = session()
  const golden: [string, RegExp][] = [
    [
      "CREATE TABLE t (a INT) WITH ('connector' = 'kafak')",
      /Unknown connector 'kafak'; did you mean 'kafka'\?/,
    ],
    ['CREATE TABLE t (a INT)', /The table 't' has no connector/],
    [
      "CREATE TABLE t (a INT) WITH ('connector' = 'kafka', 'topik' = 'x')",
      /Unknown option 'topik'/,
    ],
    ["CREATE TABLE t (a INT, A AS b) WITH ('connector' = 'kafka')", /Unknown column 'b'/],
    ["CREATE TABLE t (a INT, a INT) WITH ('connector' = 'kafka')", /declared twice/],
    [
      "CREATE TABLE t (a STRING, WATERMARK FOR a AS a) WITH ('connector' = 'kafka')",
      /TIMESTAMP\(3\) or TIMESTAMP_LTZ\(3\); 'a' is STRING/,
    ],
    [
      "CREATE TABLE t (a TIMESTAMP(6), WATERMARK FOR a AS a) WITH ('connector' = 'kafka')",
      /'a' is TIMESTAMP\(6\)/,
    ],
    ["CREATE TABLE t (a INT, PRIMARY KEY (a)) WITH ('connector' = 'kafka')", /NOT ENFORCED/],
    ["CREATE TABLE events (a INT) WITH ('connector' = 'kafka')", /exists already/],
  ]
  for (const [sql, message] of golden) assert.match(errorOf(() => s.execute(sql)).message, message)
  s.execute("CREATE TABLE IF NOT EXISTS events (a INT) WITH ('connector' = 'kafka')")
  s.execute(`CREATE TABLE keyed (k INT, ts_ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ts_ms, 3),
    WATERMARK FOR ts AS ts - INTERVAL '1' SECOND, PRIMARY KEY (k) NOT ENFORCED)
    COMMENT 'c' WITH ('connector' = 'kafka', 'format' = 'json')`)
  assert.deepEqual(rows(s, 'DESCRIBE keyed'), [
    ['k', 'INT', false, 'PRI(k)', null, null],
    ['ts_ms', 'BIGINT', true, null, null, null],
    [
      'ts',
      'TIMESTAMP_LTZ(3) *ROWTIME*',
      true,
      null,
      'AS TO_TIMESTAMP_LTZ(ts_ms, 3)',
      "ts - INTERVAL '1' SECOND",
    ],
  ])
  const created = String(rows(s, 'SHOW CREATE TABLE keyed')[0]?.[0])
  const other = session()
  other.execute(created)
  assert.deepEqual(rows(other, 'DESCRIBE keyed'), rows(s, 'DESCRIBE keyed'))
})

test('the catalog: databases, views, temporary tables, SHOW and DROP', () => {
  const s = session()
  s.execute('CREATE DATABASE d')
  s.execute('USE d')
  assert.deepEqual(rows(s, 'SHOW TABLES'), [])
  s.execute("CREATE TABLE t (a INT) WITH ('connector' = 'datagen')")
  s.execute('CREATE TEMPORARY VIEW v (x, y) AS SELECT a, a + 1 FROM t')
  assert.deepEqual(rows(s, 'SHOW TABLES'), [['t'], ['v']])
  assert.deepEqual(rows(s, "SHOW TABLES FROM default_database LIKE 'sensor%'"), [
    ['sensor_aggregates'],
    ['sensor_readings'],
  ])
  assert.deepEqual(rows(s, 'SHOW VIEWS'), [['v']])
  s.execute('USE default_catalog.default_database')
  assert.deepEqual(types(s, 'SELECT * FROM d.v'), ['x INT', 'y INT'])
  s.execute('DROP TABLE d.t')
  const stale = errorOf(() => s.execute('SELECT * FROM d.v'))
  assert.match(stale.message, /The view 'v' is no longer valid: Unknown table 't'/)
  assert.match(errorOf(() => s.execute('DROP TABLE d.v')).message, /it is a view/)
  assert.match(errorOf(() => s.execute('DROP DATABASE d')).message, /holds 1 tables/)
  s.execute('DROP DATABASE d CASCADE')
  s.execute('DROP TABLE IF EXISTS nothing')
  assert.deepEqual(rows(s, 'SHOW DATABASES'), [['default_database']])
  assert.ok(rows(s, 'SHOW FUNCTIONS').some(([name]) => name === 'COALESCE'))
})

test('SET warns of unknown keys, refuses bad values, and RESET takes back', () => {
  const s = session()
  assert.deepEqual(s.execute("SET 'paralelism.default' = '3'").warnings, [
    "Unknown option 'paralelism.default'; did you mean 'parallelism.default'?",
  ])
  assert.equal(
    errorOf(() => s.execute("SET 'parallelism.default' = 'x'")).code,
    'CONFIG_VALUE_INVALID',
  )
  s.execute("SET 'parallelism.default' = '2'")
  assert.deepEqual(
    rows(s, 'SET').find(([key]) => key === 'parallelism.default'),
    ['parallelism.default', '2'],
  )
  s.execute("RESET 'parallelism.default'")
  s.execute('RESET')
  assert.deepEqual(rows(s, 'SET'), [])
})

test('job commands pass through, and completion knows tables, columns and option keys', () => {
  const s = session()
  assert.deepEqual(s.execute('SHOW JOBS'), { kind: 'command', command: 'show-jobs', warnings: [] })
  assert.deepEqual(s.execute("STOP JOB 'abc' WITH SAVEPOINT;"), {
    kind: 'command',
    command: 'stop-job',
    jobId: 'abc',
    withSavepoint: true,
    withDrain: false,
    warnings: [],
  })
  assert.deepEqual(s.complete('SELECT * FROM sensor_r', 22), ['sensor_readings'])
  assert.ok(s.complete('SELECT temp', 11).includes('temperature'))
  assert.deepEqual(s.complete("SET 'parallelism.d", 18), ['parallelism.default'])
  assert.deepEqual(s.complete('SEL', 3), ['SELECT'])
})
