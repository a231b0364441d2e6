/** Which operators begin a chain: their descriptors say so, whatever lies before them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SubmitResult } from '../environment/statement-result.ts'
import { MAIN_JOB, session } from '../testing/session.ts'

test('what keeps state by key is the head of its chain, also where rows lie by its key already', () => {
  const twice = `INSERT INTO updates SELECT name, COUNT(*) FROM
    (SELECT name, SUM(n) AS s FROM events GROUP BY name) GROUP BY name`
  for (const sql of [MAIN_JOB, twice]) {
    const { vertices } = (session().execute(sql) as SubmitResult).jobGraph
    for (const { operators } of vertices) {
      for (const { factory, chaining, inputs } of operators) {
        const keyed = factory === 'group-aggregate' || factory === 'global-window-aggregate'
        assert.equal(chaining, keyed ? 'head' : undefined, factory)
        if (keyed) assert.deepEqual(inputs, [{ gate: 0 }])
      }
    }
  }
})
