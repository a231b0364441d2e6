/** Which windows and time attributes a query may have, where the two forms of windows differ. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RowsResult, SubmitResult } from '../environment/statement-result.ts'
import { errorOf, session } from '../testing/session.ts'

test("GROUP BY's own HOP takes a size that is no multiple of its slide", () => {
  const s = session()
  const sql =
    "SELECT COUNT(*) FROM events GROUP BY HOP(ts, INTERVAL '5' SECOND, INTERVAL '7' SECOND)"
  const plan = (s.execute(`EXPLAIN ${sql}`) as RowsResult).rows[0]?.[0]
  assert.match(String(plan), /HOP\(time_col=\[ts\], size=\[7000 ms\], slide=\[5000 ms\]\)/)
})

test('a time attribute stays in a union with plain times behind it, and not before it', () => {
  const s = session()
  const windows = (union: string) =>
    `SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE (${union}), DESCRIPTOR(t), INTERVAL '1' SECOND))
     GROUP BY window_start, window_end`
  const rowtime = 'SELECT ts AS t FROM events'
  const plain = 'SELECT CAST(ts AS TIMESTAMP(3)) AS t FROM events'
  assert.equal(s.execute(windows(`${rowtime} UNION ALL ${plain}`)).kind, 'submit')
  // Without a watermark of its own and without an end, the table holds event time for ever.
  s.execute("CREATE TABLE plain (t TIMESTAMP(3)) WITH ('connector' = 'datagen')")
  const held = s.execute(windows(`${rowtime} UNION ALL SELECT t FROM plain`)) as SubmitResult
  assert.match(held.warnings.join(), /plain has neither a WATERMARK nor an end/)
  const error = errorOf(() => s.execute(windows(`${plain} UNION ALL ${rowtime}`)))
  assert.match(error.message, /needs a time attribute/)
})
