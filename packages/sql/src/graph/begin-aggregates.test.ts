/** What becomes of a job's aggregates when a checkpoint has their groups already. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobGraph } from '@millrace/graph'
import type { SubmitResult } from '../environment/statement-result.ts'
import { errorOf, session } from '../testing/session.ts'
import { beginAggregates } from './begin-aggregates.ts'

const graphOf = (select: string): JobGraph =>
  (session().execute(`INSERT INTO updates SELECT ${select}`) as SubmitResult).jobGraph

const operatorsOf = ({ vertices }: JobGraph) => vertices.flatMap(({ operators }) => operators)

/** Of its aggregates, as the restore plan gives it. */
function storedOf(graph: JobGraph) {
  return operatorsOf(graph).flatMap(({ id, states }) => {
    if (states === undefined) return []
    const names = states.map(({ name, value }) => [name, value.fields.map((field) => field.name)])
    return [{ id, columns: Object.fromEntries(names) as Record<string, string[]> }]
  })
}

/** As if state of `before` were claimed by `now`, aggregate by aggregate. */
function begun(before: string, now: string): JobGraph {
  const graph = graphOf(now)
  const stored = storedOf(graphOf(before)).map(({ columns }, i) => {
    return { id: storedOf(graph)[i]!.id, columns }
  })
  return beginAggregates(graph, stored)
}

const columnsOf = (graph: JobGraph) => storedOf(graph).map(({ columns }) => columns.groups)

test('a job that has all that is stored stays as it is', () => {
  const select = 'name, COUNT(*) + MAX(n) + AVG(n) FROM events GROUP BY name'
  const graph = graphOf(select)
  assert.equal(beginAggregates(graph, storedOf(graph)), graph)
  assert.equal(beginAggregates(graph, [{ id: storedOf(graph)[0]!.id, columns: null }]), graph)
})

test('what begins counts for itself in both phases and on the edge between them', () => {
  const graph = begun(
    'name, MAX(n) FROM events GROUP BY name',
    'name, MAX(n) + AVG(n) FROM events GROUP BY name',
  )
  const columns = ['COUNT(*)', 'COUNT(n)', 'MAX(n)', 'COUNT(n) since 1', 'SUM(n) since 1']
  assert.deepEqual(columnsOf(graph), [columns])
  const local = operatorsOf(graph).find(({ factory }) => factory === 'local-group-aggregate')
  const carried = ['name', ...columns]
  assert.deepEqual(
    local?.outputSchema.fields.map(({ name }) => name),
    carried,
  )
  const edges = graph.edges.map(({ type }) =>
    type.kind === 'columns' ? type.schema.fields.map(({ name }) => name) : [],
  )
  assert.ok(edges.some((names) => JSON.stringify(names) === JSON.stringify(carried)))
})

test('over rows that are taken back nothing can begin, but what reads what is stored', () => {
  const over = (select: string) =>
    `k, ${select} FROM (SELECT name, n AS k, COUNT(*) AS c FROM events GROUP BY name, n) GROUP BY k`
  const graph = begun(
    over('SUM(c)').replace('k,', 'CAST(k AS STRING),'),
    over('COUNT(*) + SUM(c)').replace('k,', 'CAST(k AS STRING),'),
  )
  assert.equal(columnsOf(graph).length, 2)
  const error = errorOf(() =>
    begun(
      over('SUM(c)').replace('k,', 'CAST(k AS STRING),'),
      over('MAX(c)').replace('k,', 'CAST(k AS STRING),'),
    ),
  )
  assert.equal(error.code, 'SQL_AGGREGATE_TOO_LATE')
  assert.match(error.message, /^Leave out MAX of /)
})
