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

// Cause: half a second was added to a TIMESTAMP(0) and then not shown, and a literal's digits did not count.
test('a literal decides the type where the reference’s rules say so', () => {
  const time = "TIMESTAMP '2026-11-22 10:15:30'"
  assert.equal(typeOf(`${time} + INTERVAL '4.5' SECOND`), 'TIMESTAMP(3)')
  assert.equal(typeOf(`${time} + INTERVAL '4' SECOND`), 'TIMESTAMP(0)')
  assert.equal(typeOf(`${time} - INTERVAL '1' DAY * 2`), 'TIMESTAMP(3)')
  assert.equal(typeOf('ROUND(2.567, 2)'), 'DECIMAL(4, 2)')
  assert.equal(typeOf('TRUNCATE(2.567, 1)'), 'DECIMAL(3, 1)')
  assert.equal(typeOf('ROUND(2.567, 5)'), 'DECIMAL(4, 3)')
  assert.equal(typeOf("TIMESTAMPADD(WEEK, 1, DATE '2003-01-02')"), 'DATE')
  assert.equal(typeOf("TIMESTAMPADD(HOUR, 1, DATE '2003-01-02')"), 'TIMESTAMP(3)')
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
  // Cause: unnamed columns were counted by themselves, so that a script of the reference named the wrong one.
  const sql = 'SELECT *, 1 + 1, sensor_id AS s, 2 FROM (SELECT sensor_id FROM sensor_readings)'
  const { schema } = session().execute(sql) as SubmitResult
  const names = schema.fields.map(({ name }) => name)
  assert.deepEqual(names, ['sensor_id', 'EXPR$1', 's', 'EXPR$3'])
})
