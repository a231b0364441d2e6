/** What BATCH mode changes of a plan. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GroupAggregateConfig } from '@millrace/sql-operators'
import type { SubmitResult } from '../environment/statement-result.ts'
import { session } from '../testing/session.ts'

test('BATCH mode plans a row of no rows without keys, and forgets nothing', () => {
  const s = session({ 'execution.runtime-mode': 'BATCH', 'table.exec.state.ttl': '1 h' })
  const config = (sql: string) =>
    (s.execute(sql) as SubmitResult).jobGraph.vertices
      .flatMap(({ operators }) => operators)
      .find(({ factory }) => factory === 'group-aggregate')?.config as GroupAggregateConfig
  const values = '(VALUES (1), (2)) AS t (n)'
  const global = config(`SELECT COUNT(*) FROM ${values}`)
  assert.deepEqual([global.answersNoRows, global.stateTtlMs], [true, 0])
  assert.equal(config(`SELECT n, COUNT(*) FROM ${values} GROUP BY n`).answersNoRows, undefined)
  s.execute("SET 'execution.runtime-mode' = 'STREAMING'")
  assert.equal(config(`SELECT COUNT(*) FROM ${values}`).answersNoRows, undefined)
})
