/**
 * Sessions as a user has them: plans, types, errors, catalog and configuration, over connectors
 * that only plan.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatType } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import { errorOf, MAIN_JOB, session } from '../testing/session.ts'
import { formatSqlError } from './format-sql-error.ts'
import type { RowsResult, SubmitResult } from './statement-result.ts'
import type { TableEnvironment } from './table-environment.ts'

const rows = (s: TableEnvironment, sql: string) => (s.execute(sql) as RowsResult).rows
const submit = (s: TableEnvironment, sql: string) => s.execute(sql) as SubmitResult
const physical = (s: TableEnvironment, sql: string) =>
  String(rows(s, `EXPLAIN ${sql}`)[0]?.[0])
    .split('== Optimized Physical Plan ==\n')[1]
    ?.split('\n\n==')[0]
const types = (s: TableEnvironment, sql: string) =>
  submit(s, sql).schema.fields.map((field) => `${field.name} ${formatType(field.type)}`)
const vertices = (graph: JobGraph) =>
  graph.vertices.map((vertex) => `${vertex.name.replace(/\[\d+\]/g, '')} x${vertex.parallelism}`)

const OLDER_FORM = `INSERT INTO sensor_aggregates
SELECT sensor_id, TUMBLE_START(event_time, INTERVAL '1' MINUTE),
  TUMBLE_END(event_time, INTERVAL '1' MINUTE), AVG(temperature), MAX(temperature),
  MIN(temperature), AVG(humidity), COUNT(*)
FROM sensor_readings GROUP BY sensor_id, TUMBLE(event_time, INTERVAL '1' MINUTE)`

test('both forms of the main job give the same physical plan and operator ids', () => {
  const s = session({ 'parallelism.default': '3' })
  assert.equal(physical(s, MAIN_JOB), physical(s, OLDER_FORM))
  const [a, b] = [submit(s, MAIN_JOB).jobGraph, submit(s, OLDER_FORM).jobGraph]
  assert.deepEqual(a.vertices, b.vertices)
  assert.deepEqual(a.edges, b.edges)
})

test('the main job is two vertices joined by a hash exchange on the key', () => {
  const s = session()
  s.execute("SET 'parallelism.default' = '3'")
  s.execute("SET 'pipeline.name' = 'sensor-aggregator'")
  const { jobGraph, sinkTable, changelog, mode } = submit(s, MAIN_JOB)
  assert.equal(jobGraph.name, 'sensor-aggregator')
  assert.equal(sinkTable, 'default_catalog.default_database.sensor_aggregates')
  assert.deepEqual([mode, changelog], ['insert', false])
  assert.deepEqual(vertices(jobGraph), [
    'TableSourceScan -> LocalWindowAggregate x3',
    'GlobalWindowAggregate -> Calc -> Sink x3',
  ])
  assert.equal(jobGraph.edges.length, 1)
  assert.deepEqual(jobGraph.edges[0]?.partitioning, { kind: 'hash', keyColumns: [0] })
  const type = jobGraph.edges[0]?.type
  assert.equal(type?.kind === 'columns' ? type.schema.fields[1]?.name : type, '$slice_end')
  assert.equal(jobGraph.configuration['parallelism.default'], '3')
  const source = jobGraph.vertices[0]?.operators[0]?.config as Record<string, unknown>
  assert.deepEqual(source.projection, [0, 1, 2, 3])
  assert.equal(source.output, null)
  assert.equal(source.filter, null)
})

test('job ids are new each time and operator ids are not', () => {
  const s = session()
  const [a, b] = [submit(s, MAIN_JOB).jobGraph, submit(s, MAIN_JOB).jobGraph]
  assert.notEqual(a.jobId, b.jobId)
  s.execute("SET 'parallelism.default' = '4'")
  const c = submit(s, MAIN_JOB).jobGraph
  const ids = (graph: JobGraph) => graph.vertices.flatMap((v) => v.operators.map((o) => o.id))
  assert.deepEqual(ids(a), ids(b))
  assert.deepEqual(ids(a), ids(c))
  assert.equal(new Set(ids(a)).size, ids(a).length)
})

test('filters, projections and computed columns go into the source, which decodes only what they read', () => {
  const s = session()
  const { jobGraph } = submit(
    s,
    `SELECT name, t + 1 FROM (SELECT name, twice AS t, id FROM events) WHERE id > 5 AND 1 = 1`,
  )
  assert.deepEqual(vertices(jobGraph), ['TableSourceScan -> Collect x1'])
  const plan = physical(
    s,
    `SELECT name, t + 1 FROM (SELECT name, twice AS t, id FROM events) WHERE id > 5 AND 1 = 1`,
  )
  assert.match(String(plan), /project=\[id, n, name, ts\]/)
  assert.match(String(plan), /filter=\[id > 5\], watermark|watermark=\[ts\], filter=\[id > 5\]/)
  assert.match(String(plan), /fields=\[name AS name, \(n \* 2\) \+ 1 AS EXPR\$1\]/)
})

test('a filter on a group key runs before the aggregate, one on its result after', () => {
  const s = session()
  const plan = String(
    physical(
      s,
      `SELECT name, c FROM (SELECT name, COUNT(*) AS c FROM events GROUP BY name) WHERE name = 'x' AND c > 1`,
    ),
  )
  assert.match(plan, /Calc\(.*where=\[.* > 1\]\)/)
  assert.match(plan, /TableSourceScan\(.*filter=\[name = 'x'\]/)
})

test('a window is found through sub-queries, views and WITH, with the same plan', () => {
  const s = session()
  s.execute(
    'CREATE VIEW v AS SELECT sensor_id AS k, event_time AS t, temperature FROM sensor_readings',
  )
  const windowed = "TUMBLE(TABLE v, DESCRIPTOR(t), INTERVAL '1' MINUTE)"
  const plans = [
    `SELECT k, window_end, MAX(temperature) FROM TABLE(${windowed})
     WHERE temperature > 0 GROUP BY k, window_start, window_end`,
    `WITH w AS (SELECT * FROM TABLE(${windowed})), f AS (SELECT * FROM w WHERE temperature > 0)
     SELECT k, window_end, MAX(temperature) FROM f GROUP BY window_end, k, window_start`,
    `SELECT k, TUMBLE_END(t, INTERVAL '1' MINUTE), MAX(temperature) FROM v
     WHERE temperature > 0 GROUP BY TUMBLE(t, INTERVAL '1' MINUTE), k`,
  ].map((sql) =>
    physical(s, sql)
      ?.replaceAll('EXPR$1', 'EXPR')
      .replaceAll('EXPR$0', 'EXPR')
      .replaceAll('AS EXPR', '')
      .replaceAll('EXPR', 'window_end'),
  )
  assert.match(String(plans[0]), /LocalWindowAggregate/)
  assert.equal(plans[0]?.split('\n').length, plans[1]?.split('\n').length)
  for (const plan of plans) assert.match(String(plan), /filter=\[temperature > 0\]/)
})

test('HOP, HAVING, FILTER, DISTINCT and processing time are planned', () => {
  const s = session()
  const hop = physical(
    s,
    `SELECT sensor_id, window_start, COUNT(*) FROM TABLE(HOP(TABLE sensor_readings,
       DESCRIPTOR(event_time), INTERVAL '10' SECOND, INTERVAL '1' MINUTE))
     GROUP BY sensor_id, window_start, window_end
     HAVING COUNT(*) FILTER (WHERE temperature > 1) > 2`,
  )
  assert.match(String(hop), /HOP\(time_col=\[event_time\], size=\[60000 ms\], slide=\[10000 ms\]\)/)
  assert.match(String(hop), /Calc\(select=\[sensor_id, window_start, .*\], where=\[.* > 2\]\)/)
  const proc = submit(
    s,
    `SELECT name, TUMBLE_PROCTIME(proc, INTERVAL '1' SECOND), COUNT(DISTINCT id)
     FROM events GROUP BY name, TUMBLE(proc, INTERVAL '1' SECOND)`,
  )
  assert.deepEqual(vertices(proc.jobGraph), [
    'TableSourceScan x1',
    'WindowAggregate -> Calc -> Collect x1',
  ])
  assert.equal(proc.changelog, false)
  const distinct = submit(s, 'SELECT DISTINCT name FROM events')
  assert.equal(distinct.changelog, false)
  assert.match(vertices(distinct.jobGraph).join(), /GroupAggregate/)
})

test('only conditions on grouping keys that keep their value sink below an aggregate', () => {
  // Cause: a HAVING without columns, or on a key that is drawn anew, was asked of the rows instead
  // of the groups.
  const s = session()
  const above = ['HAVING CURRENT_TIMESTAMP > at', 'HAVING CURRENT_TIMESTAMP IS NULL']
  for (const having of above) {
    const plan = String(physical(s, `SELECT at, COUNT(*) FROM events GROUP BY at ${having}`))
    assert.match(plan, /where=.*[\s\S]*GroupAggregate/, having)
    assert.doesNotMatch(plan, /filter=/, having)
  }
  const age = 'TIMESTAMPDIFF(SECOND, at, CURRENT_TIMESTAMP)'
  const moving = `SELECT COUNT(*) FROM events GROUP BY ${age} HAVING ${age} > 5`
  assert.match(String(physical(s, moving)), /where=.*[\s\S]*GroupAggregate/)
  const onKey = "SELECT name, COUNT(*) FROM events GROUP BY name HAVING name > 'a'"
  assert.match(String(physical(s, onKey)), /filter=/)
})

test('a window whose offset reaches its size is refused', () => {
  // Cause: the offset was taken modulo the size, where the reference refuses it.
  const s = session()
  const accepted = ["INTERVAL '9' SECOND", "INTERVAL '-9' SECOND"]
  const refused = ["INTERVAL '10' SECOND", "INTERVAL '12' SECOND", "INTERVAL '-10' SECOND"]
  const tumble = (offset: string) =>
    `SELECT COUNT(*)
     FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND, ${offset}))
     GROUP BY window_start, window_end`
  const hop = (offset: string) =>
    `SELECT COUNT(*) FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '5' SECOND,
       INTERVAL '10' SECOND, ${offset}))
     GROUP BY window_start, window_end`
  for (const query of [tumble, hop]) {
    for (const offset of accepted) assert.equal(submit(s, query(offset)).mode, 'select')
    for (const offset of refused) {
      const error = errorOf(() => s.execute(query(offset)))
      assert.match(error.message, /^The offset of a window is smaller than its size of 10000 ms/)
    }
  }
})

test('early and late fire are refused, not ignored', () => {
  // Cause: a window that was told to take late rows dropped them without a word.
  const key = 'table.exec.emit.late-fire.enabled'
  const s = session({ [key]: 'true' })
  const function_ = `SELECT COUNT(*)
    FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
    GROUP BY window_start, window_end`
  const group = "SELECT COUNT(*) FROM events GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE)"
  assert.match(
    errorOf(() => s.execute(function_)).message,
    /^Windows of a window table function fire once/,
  )
  assert.equal(errorOf(() => s.execute(group)).message, `The option '${key}' is not supported yet.`)
  submit(s, 'SELECT name, COUNT(*) FROM events GROUP BY name')
})

test('in batch mode a table has an end, and no watermark comes before it', () => {
  const s = session({ 'execution.runtime-mode': 'batch' })
  const error = errorOf(() => s.execute('SELECT * FROM events'))
  assert.match(error.message, /^The table 'events' has no end, and BATCH mode/)
  s.execute(
    `CREATE TABLE closed (ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
     WITH ('connector' = 'kafka', 'topic' = 'bounded', 'format' = 'json')`,
  )
  assert.doesNotMatch(String(physical(s, 'SELECT ts FROM closed')), /watermark=/)
  s.execute("SET 'execution.runtime-mode' = 'streaming'")
  assert.match(String(physical(s, 'SELECT ts FROM closed')), /watermark=/)
})

test('windows over the results of windows use window_time', () => {
  const s = session()
  const { jobGraph } = submit(
    s,
    `SELECT window_start, SUM(c) FROM TABLE(TUMBLE(TABLE (
       SELECT sensor_id, window_time AS t, COUNT(*) AS c
       FROM TABLE(TUMBLE(TABLE sensor_readings, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
       GROUP BY sensor_id, window_start, window_end, window_time
     ), DESCRIPTOR(t), INTERVAL '1' HOUR))
     GROUP BY window_start, window_end`,
  )
  assert.equal(jobGraph.vertices.length, 3)
  assert.equal(jobGraph.vertices[2]?.parallelism, 1)
})

test('an updating query goes to a sink that takes updates and is refused by one that does not', () => {
  const s = session({ 'parallelism.default': '2' })
  const result = submit(s, 'INSERT INTO updates SELECT name, COUNT(*) FROM events GROUP BY name')
  assert.equal(result.changelog, true)
  s.execute(
    `CREATE TABLE plain (name STRING, c BIGINT) WITH ('connector' = 'kafka', 'format' = 'json')`,
  )
  const error = errorOf(() =>
    s.execute('INSERT INTO plain SELECT name, COUNT(*) FROM events GROUP BY name'),
  )
  assert.equal(error.code, 'SQL_CHANGELOG')
  const sink =
    "^Table sink 'default_catalog\\.default_database\\.plain' doesn't support consuming update changes"
  const cause = 'which is produced by node GroupAggregate\\(groupBy=\\[name\\]'
  assert.match(error.message, new RegExp(`${sink} ${cause}`))
})

test('parallelism: scan, sink, keyless aggregates and the collector', () => {
  const s = session({ 'parallelism.default': '3' })
  const { jobGraph } = submit(
    s,
    `INSERT INTO sensor_aggregates /*+ OPTIONS('sink.parallelism' = '1') */
       (sensor_id, reading_count)
     SELECT sensor_id, 1 FROM sensor_readings /*+ OPTIONS('scan.parallelism' = '2') */`,
  )
  assert.deepEqual(vertices(jobGraph), ['TableSourceScan x2', 'Sink x1'])
  assert.deepEqual(jobGraph.edges[0]?.partitioning, { kind: 'rebalance' })
  const global = submit(s, 'SELECT COUNT(*) FROM events').jobGraph
  assert.deepEqual(vertices(global), [
    'TableSourceScan -> LocalGroupAggregate x3',
    'GlobalGroupAggregate -> Collect x1',
  ])
  assert.deepEqual(global.edges[0]?.partitioning, { kind: 'hash', keyColumns: [] })
  s.execute("SET 'pipeline.operator-chaining.enabled' = 'false'")
  assert.equal(submit(s, MAIN_JOB).jobGraph.vertices.length, 5)
  s.execute("SET 'parallelism.default' = '200'")
  assert.match(errorOf(() => s.execute(MAIN_JOB)).message, /parallelism\.default' to 1 … 128/)
})

test('UNION ALL is several edges into one gate, and casts to common types', () => {
  const s = session()
  const { jobGraph, schema } = submit(
    s,
    'SELECT n FROM events UNION ALL SELECT id FROM events UNION ALL VALUES (1.5)',
  )
  assert.equal(formatType(schema.fields[0]!.type), 'DECIMAL(18, 1)')
  const sink = jobGraph.vertices.at(-1)!
  assert.deepEqual(sink.operators[0]?.inputs, [{ gate: 0 }])
  const edges = jobGraph.edges.filter(({ targetVertexId }) => targetVertexId === sink.id)
  assert.deepEqual(
    edges.map(({ targetGate }) => targetGate),
    [0, 0, 0],
  )
  assert.equal(new Set(edges.map(({ type }) => JSON.stringify(type))).size, 1)
})

test('a statement set is one job with several sinks, which read a table once', () => {
  const s = session()
  const { jobGraph } = submit(
    s,
    `EXECUTE STATEMENT SET BEGIN ${MAIN_JOB}; INSERT INTO updates SELECT sensor_id, 1 FROM sensor_readings; END;`,
  )
  assert.deepEqual(vertices(jobGraph), [
    'TableSourceScan -> (LocalWindowAggregate, Calc -> Sink) x1',
    'GlobalWindowAggregate -> Calc -> Sink x1',
  ])
  const ids = jobGraph.vertices.flatMap((v) => [v.id, ...v.operators.map((o) => o.id)])
  assert.equal(new Set(ids).size, ids.length)
})

test('types of expressions', () => {
  const s = session()
  assert.deepEqual(
    types(
      s,
      `SELECT 1, 3000000000, 1.5, 1e0, 'x', n + id, price * 2, n / 2.0 > 1, UPPER(name) AS u,
         CAST(n AS STRING), TRY_CAST(name AS INT), CASE WHEN ok THEN 1 ELSE id END, COALESCE(n, 0),
         NULLIF(id, 1), ts, ts + INTERVAL '1' DAY, EXTRACT(HOUR FROM ts),
         CASE n WHEN 1 THEN 'a' END, name LIKE 'a%', n IN (1, 2), IF(ok, 1, 2),
         FLOOR(ts TO HOUR) FROM events`,
    ),
    [
      'EXPR$0 INT NOT NULL',
      'EXPR$1 BIGINT NOT NULL',
      'EXPR$2 DECIMAL(2, 1) NOT NULL',
      'EXPR$3 DOUBLE NOT NULL',
      'EXPR$4 CHAR(1) NOT NULL',
      'EXPR$5 BIGINT',
      'EXPR$6 DECIMAL(18, 2)',
      'EXPR$7 BOOLEAN',
      'u STRING',
      'EXPR$9 STRING',
      'EXPR$10 INT',
      'EXPR$11 BIGINT NOT NULL',
      'EXPR$12 INT NOT NULL',
      'EXPR$13 BIGINT',
      'ts TIMESTAMP(3) *ROWTIME*',
      'EXPR$15 TIMESTAMP(3)',
      'EXPR$16 BIGINT',
      'EXPR$17 CHAR(1)',
      'EXPR$18 BOOLEAN',
      'EXPR$19 BOOLEAN',
      'EXPR$20 INT NOT NULL',
      'EXPR$21 TIMESTAMP(3)',
    ],
  )
  assert.deepEqual(
    types(s, "SELECT a, a, b AS a0 FROM (VALUES (1, 'x'), (CAST(NULL AS INT), 'y')) AS t (a, b)"),
    ['a INT', 'a0 INT', 'a00 CHAR(1) NOT NULL'],
  )
})

test('names and types that do not fit are told with place, nearest name and choices', () => {
  const s = session()
  const golden: [string, string, number][] = [
    [
      'SELECT temprature FROM sensor_readings',
      "Unknown column 'temprature'; did you mean 'temperature'?",
      8,
    ],
    ['SELECT x.id FROM events AS e', "Unknown table 'x'.", 8],
    ['SELECT id FROM event', "Unknown table 'event'; did you mean 'events'?", 16],
    ['SELECT UPER(name) FROM events', "Unknown function 'UPER'; did you mean 'UPPER'?", 8],
    ['SELECT LISTAGG(name) FROM events', 'LISTAGG is not supported yet.', 8],
    ['SELECT id FROM events WHERE n', 'WHERE takes a BOOLEAN condition; this is INT.', 29],
    [
      'SELECT id FROM events WHERE COUNT(*) > 1',
      'The aggregate COUNT cannot be used in WHERE.',
      29,
    ],
    [
      'SELECT id, COUNT(*) FROM events',
      "The column 'id' is neither in GROUP BY nor inside an aggregate.",
      8,
    ],
    ['SELECT SUM(MAX(n)) FROM events', 'The aggregate MAX cannot be used in an aggregate.', 12],
    ['SELECT SUM(name) FROM events', 'Give SUM a number; it has (STRING).', 8],
    ['SELECT n AS m FROM events WHERE m > 1', "Unknown column 'm'.", 33],
    ["SELECT DATE '2026-13-01'", "The text '2026-13-01' is no DATE.", 8],
    [
      'SELECT 99999999999999999999',
      'The number 99999999999999999999 is larger than a BIGINT can hold.',
      8,
    ],
    ['SELECT CAST(ok AS DATE) FROM events', 'Cannot cast BOOLEAN to DATE.', 8],
    [
      "SELECT CASE WHEN ok THEN 1 ELSE 'x' END FROM events",
      'The values of CASE have no common type: INT, CHAR(1).',
      33,
    ],
    [
      'SELECT n FROM events UNION ALL SELECT n, id FROM events',
      'The queries of UNION ALL have 1 columns; this has 2.',
      32,
    ],
    [
      'INSERT INTO updates SELECT name FROM events',
      "The query gives 1 columns; 'updates' takes 2.",
      21,
    ],
    [
      "INSERT INTO updates SELECT name, 'x' FROM events",
      "The query's column 'EXPR$1' is CHAR(1); the table's column 'total' is BIGINT.",
      34,
    ],
    [
      'INSERT INTO updates (nam) SELECT name FROM events',
      "Unknown column 'nam'; did you mean 'name'?",
      22,
    ],
    ['INSERT INTO events SELECT 1', "The query gives 1 columns; 'events' takes 8.", 20],
    [
      "SELECT COUNT(*) FROM events GROUP BY TUMBLE(at, INTERVAL '1' HOUR)",
      "A window needs a time attribute; 'at' is a plain TIMESTAMP_LTZ(3).",
      45,
    ],
    [
      "SELECT TUMBLE_START(ts, INTERVAL '2' HOUR) FROM events GROUP BY TUMBLE(ts, INTERVAL '1' HOUR)",
      'The arguments of TUMBLE_START differ from those of TUMBLE in GROUP BY.',
      8,
    ],
    [
      "SELECT 1 FROM TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '7' SECOND, INTERVAL '1' HOUR))",
      'The size of a HOP window is a multiple of its slide; 3600000 ms is none of 7000 ms.',
      76,
    ],
  ]
  for (const [sql, message, column] of golden) {
    const error = errorOf(() => s.execute(sql))
    assert.equal(error.message, message)
    assert.equal(error.location?.column, column, sql)
  }
})

test('the excerpt of an error underlines what it is about', () => {
  const s = session()
  const sql = 'SELECT sensor_id,\n  temprature\nFROM sensor_readings'
  assert.equal(
    formatSqlError(
      errorOf(() => s.execute(sql)),
      sql,
    ),
    `Unknown column 'temprature'; did you mean 'temperature'? (line 2, column 3)
      temprature
      ^^^^^^^^^^
Columns: sensor_id, temperature, humidity, event_time.`,
  )
})

test('INSERT casts where SQL does so by itself, and minds NOT NULL', () => {
  const s = session()
  s.execute(
    `CREATE TABLE strict (k BIGINT NOT NULL, d DOUBLE, t TIMESTAMP_LTZ(3)) WITH ('connector' = 'print')`,
  )
  submit(s, 'INSERT INTO strict SELECT id, n, ts FROM events')
  submit(s, 'INSERT INTO strict (k) SELECT n FROM events WHERE n IS NOT NULL')
  submit(s, 'INSERT INTO strict VALUES (1, 2, NULL)')
  const error = errorOf(() => s.execute('INSERT INTO strict (k) SELECT n FROM events'))
  assert.match(error.message, /may be NULL; the table's column 'k' is BIGINT NOT NULL/)
  assert.match(
    errorOf(() => s.execute('INSERT INTO strict (d) SELECT 1')).message,
    /'k' is NOT NULL/,
  )
})

test('what cannot be planned yet says so', () => {
  const s = session()
  const tumble = "TABLE(TUMBLE(TABLE sensor_readings, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))"
  const hop = "TABLE(HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '1' HOUR))"
  assert.match(
    errorOf(() => s.execute(`SELECT * FROM ${hop}`)).message,
    /^A window without GROUP BY window_start, window_end is not supported yet/,
  )
  assert.match(
    errorOf(() => s.execute(`SELECT COUNT(*) FROM ${tumble} GROUP BY window_end`)).message,
    /window_start is missing/,
  )
  assert.match(
    errorOf(() =>
      s.execute(
        `SELECT SUM(x) FROM (
           SELECT EXTRACT(HOUR FROM window_start) AS x, window_start, window_end FROM ${tumble})
         GROUP BY window_start, window_end`,
      ),
    ).message,
    /^Computing with window_start/,
  )
})

test('a SELECT’s job is named after its statement: one line, without comments, not too long', () => {
  const nameOf = (text: string) => {
    const result = session().execute(text)
    return result.kind === 'submit' ? result.jobGraph.name : null
  }
  const text = `-- hot ones\nSELECT id, 'it''s  -- no comment' AS c /* the
    price */ FROM events\n  WHERE n > 1 ;`
  assert.equal(nameOf(text), "SELECT id, 'it''s -- no comment' AS c FROM events WHERE n > 1")
  const long = nameOf(`SELECT ${Array.from({ length: 40 }, () => 'id').join(', ')} FROM events`)
  assert.match(long ?? '', /^SELECT id, id.*…$/)
  assert.ok([...(long ?? '')].length <= 80)
  const s = session()
  s.execute("SET 'pipeline.name' = 'mine'")
  const named = s.execute('SELECT id FROM events')
  assert.equal(named.kind === 'submit' ? named.jobGraph.name : null, 'mine')
})
