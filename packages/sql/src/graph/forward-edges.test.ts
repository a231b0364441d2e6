/** Which edges from subtask to subtask a later round may deal anew, and which it may not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SubmitResult } from '../environment/statement-result.ts'
import { session } from '../testing/session.ts'

const cheap = { kind: 'forward', required: false }
const required = { kind: 'forward', required: true }
const byName = { kind: 'hash', keyColumns: [0] }

function edgesOf(query: string) {
  const environment = session({ 'pipeline.operator-chaining.enabled': 'false' })
  const { jobGraph } = environment.execute(`INSERT INTO updates ${query}`) as SubmitResult
  return jobGraph.edges
}

test('a forward is required where rows are in an order or lie by a key, and only cheap elsewhere', () => {
  const waysOf = (query: string) => edgesOf(query).map(({ partitioning }) => partitioning)
  assert.deepEqual(waysOf('SELECT UPPER(name), id FROM events'), [cheap])
  const counted = 'SELECT name, COUNT(*) FROM events GROUP BY name'
  assert.deepEqual(waysOf(counted), [cheap, byName, required])
})

test('what UNION ALL brings together stays in order as a whole where one part of it changes', () => {
  const edges = edgesOf(`SELECT name, id FROM events UNION ALL
    SELECT name, COUNT(*) FROM events GROUP BY name`)
  const sink = edges.at(-1)?.targetVertexId
  const intoSink = edges.filter(({ targetVertexId }) => targetVertexId === sink)
  assert.equal(intoSink.length, 2)
  for (const { partitioning } of intoSink) assert.deepEqual(partitioning, required)
})

test('what cannot be dealt out is said to stay single, with what rows go forward to', () => {
  const singleOf = (query: string, settings: Record<string, string> = {}) => {
    const environment = session({ 'pipeline.operator-chaining.enabled': 'false', ...settings })
    const { jobGraph } = environment.execute(`INSERT INTO updates ${query}`) as SubmitResult
    return jobGraph.vertices.map(({ single }) => single === true)
  }
  const alone = { 'parallelism.default': '1' }
  const counted = 'SELECT name, COUNT(*) FROM events GROUP BY name'
  assert.deepEqual(singleOf('SELECT UPPER(name), id FROM events', alone), [false, false])
  // Source, local and global aggregate, sink: all of them may have more subtasks.
  assert.ok(!singleOf(counted, alone).includes(true))
  // The total of all rows, and the sink that has to keep its changes in order.
  const total = singleOf("SELECT 'all', COUNT(*) FROM events", { 'parallelism.default': '2' })
  assert.deepEqual([total[0], ...total.slice(-2)], [false, true, true])
})
