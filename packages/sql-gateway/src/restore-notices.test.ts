/** What a statement says of the savepoint that its job starts from, before the job runs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gatewayError } from './error-codes.ts'
import { GatewayHarness } from './testing/gateway-harness.ts'

const TABLES = [
  "CREATE TABLE numbers (a INT) WITH ('connector' = 'datagen')",
  "CREATE TABLE sink (a INT) WITH ('connector' = 'blackhole')",
]
const UNCHANGED = { changes: [], columns: null }
const PLAN = {
  path: '/savepoints/savepoint-abcdef-0123456789ab',
  'job-id': 'a'.repeat(32),
  'checkpoint-id': 7,
  'is-savepoint': true,
  timestamp: Date.UTC(2026, 10, 29, 6, 20),
  restored: [
    { id: '1', name: 'Source[1]', from: 'Source[1]', 'filter-changed': false, ...UNCHANGED },
    {
      ...{ id: '2', name: 'Agg[4]', from: 'Agg[3]', 'filter-changed': true, columns: null },
      changes: ['SUM(a) begins empty', 'drops MAX(a)'],
    },
  ],
  empty: [{ id: '3', name: 'Sink[5]' }],
  unclaimed: [{ id: '4', name: 'Agg[2]', why: 'no operator keeps the same' }],
}

async function sessionWith(path: string | null) {
  const harness = new GatewayHarness()
  const session = await harness.open()
  for (const statement of TABLES) await harness.run(session, statement)
  if (path !== null) await harness.run(session, `SET 'execution.state-recovery.path' = '${path}'`)
  return { harness, session }
}

test('An INSERT that starts from a savepoint says what restores, starts empty and is dropped', async () => {
  const { harness, session } = await sessionWith(PLAN.path)
  harness.cluster.plan = PLAN
  const [page] = await harness.run(session, 'INSERT INTO sink SELECT a FROM numbers')
  assert.deepEqual(page?.notices, [
    `Starts from savepoint ${PLAN.path} of job ${PLAN['job-id']}, taken 2026-11-29 06:20:00 UTC:`,
    '  restores      Source[1]',
    '  changes       Agg[4], as Agg[3] stored it, although its filter is another now:',
    '                  SUM(a) begins empty',
    '                  drops MAX(a)',
    '  starts empty  Sink[5]: nothing is stored for it',
    '  dropped       Agg[2]: no operator keeps the same',
  ])
})

test('A savepoint that does not fit refuses the statement, and no job is submitted', async () => {
  const { harness, session } = await sessionWith(PLAN.path)
  harness.cluster.restorePlan = async () => {
    throw gatewayError('STATEMENT_TIMEOUT', 'as if the savepoint were damaged')
  }
  await assert.rejects(harness.run(session, 'INSERT INTO sink SELECT a FROM numbers'), {
    code: 'STATEMENT_TIMEOUT',
  })
  assert.equal(harness.cluster.submitted.length, 0)
})

test('A job that starts from nothing asks nothing', async () => {
  const { harness, session } = await sessionWith(null)
  harness.cluster.restorePlan = async () => assert.fail('nobody asks')
  const [page] = await harness.run(session, 'INSERT INTO sink SELECT a FROM numbers')
  assert.equal(page?.notices, undefined)
})
