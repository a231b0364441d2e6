/**
 * Which changes of a statement leave the ids of sources, stateful operators and sinks as they are.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { operatorIdentity } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import type { SubmitResult } from '../environment/statement-result.ts'
import { MAIN_JOB, session } from '../testing/session.ts'

const STATELESS = ['calc', 'local-window-aggregate']

function graphOf(sql: string): JobGraph {
  return (session().execute(sql) as SubmitResult).jobGraph
}

/** `factory id` of every operator that may have state. */
function ids(sql: string): string[] {
  return graphOf(sql)
    .vertices.flatMap((vertex) => vertex.operators)
    .filter(({ factory }) => !STATELESS.includes(factory))
    .map(({ factory, id }) => `${factory} ${id}`)
    .sort()
}
const totals = (rows: string) =>
  `INSERT INTO updates SELECT name, SUM(n * 2) FROM ${rows} GROUP BY name`

test('projections and UNION ALL below an aggregate rename nothing', () => {
  const plain = ids(totals('events'))
  const rewritten = [
    'SELECT k, SUM(d) FROM (SELECT name AS k, n * 2 AS d, id FROM events) GROUP BY k',
    'SELECT k, SUM(d * (3 - 1)) FROM (SELECT name AS k, n AS d FROM events) GROUP BY k',
    'SELECT name, SUM(n * 2) FROM events GROUP BY name HAVING SUM(n * 2) > 7',
    'SELECT name, SUM(d) FROM (SELECT name, twice AS d FROM events) GROUP BY name',
  ]
  for (const sql of rewritten) assert.deepEqual(ids(`INSERT INTO updates ${sql}`), plain, sql)
  const union = '(SELECT * FROM events UNION ALL SELECT * FROM events)'
  assert.deepEqual(ids(totals(union)), plain)
})

test('where a filter stands, and in which order, renames nothing', () => {
  const plain = ids(totals('events WHERE n > 0 AND id > 5'))
  const rewritten = [
    'SELECT k, SUM(d * 2) FROM (SELECT name AS k, n AS d FROM events WHERE id > 5) WHERE d > 0 GROUP BY k',
    'SELECT name, SUM(n * 2) FROM (SELECT * FROM events WHERE n > 0) WHERE id > 5 GROUP BY name',
    `SELECT name, SUM(n * 2) FROM (SELECT * FROM events WHERE id > 5 AND n > 0
       UNION ALL SELECT * FROM events WHERE n > 0 AND id > 5) GROUP BY name`,
  ]
  for (const sql of rewritten) assert.deepEqual(ids(`INSERT INTO updates ${sql}`), plain, sql)
})

test('another filter is another variant of the same operator', () => {
  const [of, other] = ['events WHERE n > 1', 'events WHERE n > 2'].map(
    (rows) => ids(totals(rows)).find((id) => id.startsWith('group-aggregate')) as string,
  )
  const id = (text: string | undefined) => text?.split(' ')[1] as string
  assert.notEqual(of, other)
  assert.equal(operatorIdentity(id(of)), operatorIdentity(id(other)))
})

test('keys and aggregates that are others have ids of their own', () => {
  const upper = ids(
    'INSERT INTO updates SELECT UPPER(name), COUNT(*) FROM events GROUP BY UPPER(name)',
  )
  const lower = ids(
    'INSERT INTO updates SELECT LOWER(name), COUNT(*) FROM events GROUP BY LOWER(name)',
  )
  const aggregate = (all: string[]) => all.find((id) => id.startsWith('group-aggregate'))
  assert.notEqual(aggregate(upper), aggregate(lower))
})

test('an aggregate that comes or goes changes what is kept alone, not the ids of those around', () => {
  const grouped = (calls: string) =>
    ids(`INSERT INTO updates SELECT name, SUM(c) FROM
      (SELECT name, n, ${calls} FROM events GROUP BY name, n) GROUP BY name`)
  const [few, many] = [grouped('COUNT(*) AS c'), grouped('MAX(price), COUNT(*) AS c, AVG(price)')]
  const identities = (all: string[]) => all.map((text) => text.slice(0, text.indexOf(' ') + 17))
  assert.deepEqual(identities(few), identities(many))
  const renamed = ids(
    'INSERT INTO updates SELECT name AS k, COUNT(*) AS total FROM events GROUP BY name',
  )
  assert.deepEqual(
    renamed,
    ids('INSERT INTO updates SELECT name, COUNT(*) FROM events GROUP BY name'),
  )
})

test('tables of state are in the graph, their columns named for what they hold', () => {
  const { vertices } = graphOf(
    'INSERT INTO updates SELECT k, SUM(DISTINCT d) FROM (SELECT name AS k, n * 2 AS d FROM events) GROUP BY k',
  )
  const [states] = vertices.flatMap(({ operators }) =>
    operators.flatMap((each) => each.states ?? []).length > 0
      ? [operators.flatMap((each) => each.states ?? [])]
      : [],
  )
  assert.deepEqual(
    states?.map(({ name, value }) => [name, value.fields.map((field) => field.name)]),
    [
      ['groups', ['COUNT(*)', 'COUNT(DISTINCT n * 2)', 'SUM(DISTINCT n * 2)']],
      ['values of DISTINCT n * 2', ['$count']],
    ],
  )
})

test('a window keeps its id over renamed columns', () => {
  const inner = MAIN_JOB.replace(
    'TABLE sensor_readings',
    'TABLE (SELECT * FROM (SELECT * FROM sensor_readings AS inner_readings) AS readings)',
  )
  assert.deepEqual(ids(inner), ids(MAIN_JOB))
})

test('further INSERTs of a statement set, before and after, rename nothing', () => {
  const others = [
    'INSERT INTO updates SELECT name, COUNT(*) FROM events GROUP BY name',
    'INSERT INTO updates SELECT sensor_id, 1 FROM sensor_readings WHERE temperature > 30',
  ]
  const alone = ids(MAIN_JOB)
  const set = (inserts: string[]) => ids(`EXECUTE STATEMENT SET BEGIN ${inserts.join('; ')}; END`)
  for (const all of [
    [MAIN_JOB, ...others],
    [...others, MAIN_JOB],
  ]) {
    const missing = alone.filter((id) => !set(all).includes(id))
    assert.deepEqual(missing, [])
  }
})

// Cause: the first in the statement had the plain id, so an INSERT that was put in front took the
// state of the one behind it.
test('an INSERT in front or at the end leaves their ids to those that differ in a filter alone', () => {
  const filtered = (n: number) => totals(`events WHERE n > ${n}`)
  const set = (...numbers: number[]) =>
    ids(`EXECUTE STATEMENT SET BEGIN ${numbers.map(filtered).join('; ')}; END`)
  const before = set(1, 2)
  for (const after of [set(1, 2, 3), set(3, 1, 2), set(2, 1, 3)]) {
    // Local phase, groups, sink.
    assert.equal(after.length, before.length + 3)
    assert.deepEqual(
      before.filter((id) => id.startsWith('group-aggregate') && !after.includes(id)),
      [],
    )
  }
})

/** Source and aggregate over a table of that name and topic. */
function overTable(name: string, topic: string, options = '') {
  const environment = session()
  environment.execute(
    `CREATE TABLE ${name} (k INT, v INT) WITH ('connector' = 'kafka', 'topic' = '${topic}', 'format' = 'json'${options})`,
  )
  const sql = `INSERT INTO counts SELECT k, COUNT(*) FROM ${name} GROUP BY k`
  environment.execute("CREATE TABLE counts (k INT, c BIGINT) WITH ('connector' = 'print')")
  const { vertices } = (environment.execute(sql) as SubmitResult).jobGraph
  const operators = vertices.flatMap((vertex) => vertex.operators)
  return operators.filter(({ factory }) => !STATELESS.includes(factory) && !/sink/.test(factory))
}

test('a table under another name that reads the same keeps what its state is made of; another topic does not', () => {
  const [before, renamed] = [overTable('a', 't'), overTable('b', 't')]
  const identities = (all: typeof before) => all.map(({ id }) => operatorIdentity(id))
  assert.ok(before.length >= 2)
  assert.deepEqual(identities(renamed), identities(before))
  assert.notDeepEqual(
    renamed.map(({ id }) => id),
    before.map(({ id }) => id),
  )
  const group = `, 'properties.group.id' = 'g', 'properties.bootstrap.servers' = 'other:9092'`
  assert.deepEqual(
    overTable('a', 't', group).map(({ id }) => id),
    before.map(({ id }) => id),
  )
  const other = overTable('a', 'u')
  assert.equal(identities(other).filter((id) => identities(before).includes(id)).length, 0)
  // By the table's name, as earlier builds stored it, and with what it must read some of.
  const named = (all: typeof before) => all.map(({ byTableName }) => byTableName?.id)
  assert.deepEqual(named(other), named(before))
  assert.notDeepEqual(named(renamed), named(before))
  assert.deepEqual(
    overTable('a', 'u;t').map(({ byTableName }) => byTableName?.reads),
    before.map(() => ['kafka t', 'kafka u']),
  )
})

test('no two operators of a job have the same id', () => {
  const sql = `EXECUTE STATEMENT SET BEGIN ${totals('events')}; ${totals('events WHERE ok')}; ${totals('events')}; END`
  const all = graphOf(sql).vertices.flatMap(({ operators }) => operators.map(({ id }) => id))
  assert.equal(new Set(all).size, all.length)
})
