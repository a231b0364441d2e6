/** The window columns of TUMBLE without GROUP BY, computed by the interpreter. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ColumnBatch, Float64Column } from '@millrace/core'
import { CONSTANT_CONTEXT, interpret } from '@millrace/expression'
import type { TableSourceConfig } from '@millrace/sql-operators'
import type { SubmitResult } from '../environment/statement-result.ts'
import { session } from '../testing/session.ts'

test('TUMBLE without GROUP BY gives each row the bounds of its window, before 1970 too', () => {
  const s = session()
  const result = s.execute(
    `SELECT window_start, window_end, window_time
     FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '10' SECOND))`,
  ) as SubmitResult
  const config = result.jobGraph.vertices[0]?.operators[0]?.config as TableSourceConfig
  const times = [0, 9_999, 10_000, 69_999, 1_700_000_000_123, -1, -50_001, -50_000]
  const batch = new ColumnBatch(times.length, [new Float64Column(Float64Array.from(times), null)])
  for (const [row, time] of times.entries()) {
    const start = Math.floor((time - 10_000) / 60_000) * 60_000 + 10_000
    const values = config.output?.map((e) => interpret(e, batch, row, CONSTANT_CONTEXT))
    assert.deepEqual(values, [start, start + 60_000, start + 59_999], String(time))
  }
  assert.match(JSON.stringify(config.filter), /is_not_null/)
})
