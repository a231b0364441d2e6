/** What the reference engine reads and this one does not run yet is refused by name, in place. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorOf, session } from '../testing/session.ts'

// Cause: these were refused as if they were mistyped, or answered NULL (precision 6).
const REFUSED: readonly [sql: string, what: string, column: number][] = [
  ['SELECT n FROM events WHERE n = ANY (SELECT n FROM events)', 'ANY with a sub-query', 32],
  ['SELECT n FROM events WHERE n > ALL (SELECT n FROM events)', 'ALL with a sub-query', 32],
  ['SELECT MAX(n) IGNORE NULLS FROM events', 'IGNORE NULLS', 15],
  ['SELECT name FROM events GROUP BY name, GROUPING SETS ((n), ())', 'GROUPING SETS', 40],
  ["SELECT U&'\\0041'", 'A text or name with Unicode escapes (U&)', 8],
  ['SELECT name IS NOT JSON OBJECT FROM events', 'IS JSON', 20],
  ['SELECT (ts - ts) DAY FROM events', 'A difference of times in a unit, (a - b) DAY', 18],
  ["SELECT EXTRACT(DAY FROM INTERVAL '3' DAY)", 'EXTRACT from an INTERVAL', 8],
  ['SELECT CAST(n AS INTERVAL DAY) FROM events', 'A cast of INT to INTERVAL DAY TO SECOND', 8],
  ['SELECT TO_TIMESTAMP_LTZ(name) FROM events', 'TO_TIMESTAMP_LTZ of a text', 8],
  [
    'SELECT TO_TIMESTAMP_LTZ(id, 6) FROM events',
    'TO_TIMESTAMP_LTZ with another precision than 0 or 3',
    8,
  ],
]

test('syntax and arguments that come later are refused by name, where they stand', () => {
  const s = session()
  for (const [sql, what, column] of REFUSED) {
    const error = errorOf(() => s.execute(sql))
    assert.deepEqual(
      [error.code, error.message, error.location?.column],
      ['SQL_NOT_SUPPORTED', `${what} is not supported yet.`, column],
    )
  }
})

test('NULLs for a NOT NULL column are not dropped, whatever the enforcer is set to', () => {
  const s = session({ 'table.exec.sink.not-null-enforcer': 'DROP' })
  s.execute("CREATE TABLE strict (n INT NOT NULL) WITH ('connector' = 'blackhole')")
  const error = errorOf(() => s.execute('INSERT INTO strict SELECT n FROM events'))
  assert.deepEqual(
    [error.code, error.message],
    ['SQL_NOT_SUPPORTED', "'table.exec.sink.not-null-enforcer' = 'DROP' is not supported yet."],
  )
})

test('SOME and ANY are names where no sub-query follows', () => {
  const s = session()
  const sql = 'SELECT n = some FROM (SELECT n, id AS some FROM events)'
  assert.equal(s.execute(sql).kind, 'submit')
})
