/**
 * A SELECT through the gateway: rows as soon as they are made, and each once when its job restarts.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayHarness } from './testing/gateway-harness.ts'

async function selecting() {
  const harness = new GatewayHarness()
  const session = await harness.open()
  await harness.run(session, "CREATE TABLE t (a INT) WITH ('connector' = 'datagen')")
  const operation = await harness.start(session, 'SELECT a FROM t')
  let token = 0
  /** What the client gets within `withinMs`. */
  const shown = async (withinMs: number) => {
    await harness.clock.advance(withinMs)
    const page = await harness.gateway.fetchResults(session, operation, token, 0)
    token = page.nextToken ?? token
    return (page.results?.data ?? []).map(({ kind, fields }) => [kind, ...fields])
  }
  return { ...harness, cluster: harness.cluster, shown }
}

test('Rows are shown within 200 ms of being made, no checkpoint behind them', async () => {
  const { cluster, shown } = await selecting()
  assert.deepEqual(await shown(3000), [])
  cluster.rows = [
    [0, 1],
    [0, 2],
  ]
  assert.deepEqual(await shown(200), [
    ['INSERT', 1],
    ['INSERT', 2],
  ])
  assert.equal(cluster.final, 0)
})

test('After a restart the client gets what is new, and loses what was wrong', async () => {
  const { cluster, shown } = await selecting()
  cluster.rows = [
    [0, 1],
    [0, 2],
    [0, 3],
  ]
  cluster.final = 1
  assert.equal((await shown(200)).length, 3)
  cluster.run = '1_1'
  cluster.resumeAt = 1
  cluster.rows = [
    [0, 1],
    [0, 3],
    [0, 4],
  ]
  assert.deepEqual(await shown(600), [['INSERT', 4]])
  cluster.final = 3
  assert.deepEqual(await shown(600), [['DELETE', 2]])
})

test('A SELECT whose job somebody else cancels gives its rows, then says so', async () => {
  // Cause: the client printed the rows so far and ended with success, as if they were the result.
  const { cluster, shown } = await selecting()
  cluster.rows = [[0, 1]]
  assert.deepEqual(await shown(200), [['INSERT', 1]])
  cluster.jobStatus = { name: 'q', state: 'CANCELED' }
  await assert.rejects(shown(3000), {
    code: 'STATEMENT_CANCELED',
    message: /was cancelled before the query had ended/,
  })
})

test('A windowed query that waits says how far the watermark is, who holds it and what lets it go', async () => {
  // Cause: such a query said that its rows would come with the next checkpoint.
  const harness = new GatewayHarness()
  const session = await harness.open()
  const table = `CREATE TABLE t (a INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen')`
  await harness.run(session, table)
  const window = `SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
    GROUP BY window_start, window_end`
  const progressOf = async (statement: string) => {
    const operation = await harness.start(session, statement)
    await harness.clock.advance(1000)
    return (await harness.gateway.status(session, operation)).progress ?? ''
  }
  const hold = { what: 'topic t, partition 2', hint: "Set 'table.exec.source.idle-timeout'." }
  assert.match(await progressOf(window), /RUNNING: there is no watermark yet/)
  harness.cluster.jobStatus = {
    name: 'q',
    state: 'RUNNING',
    watermark: { lowMs: Date.UTC(2026, 10, 28, 10, 15), holds: [hold, hold] },
  }
  const held = await progressOf(window)
  assert.match(
    held,
    /RUNNING: windows that end after 2026-11-28 10:15:00\.000 wait for the watermark/,
  )
  assert.match(
    held,
    / topic t, partition 2 \(and 1 more\)\. Set 'table\.exec\.source\.idle-timeout'\.$/,
  )
  const plain = await progressOf('SELECT a FROM t')
  assert.match(plain, /RUNNING: no new rows$/)
})
