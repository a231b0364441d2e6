/**
 * Answers of the gateway have status, fields and types of those recorded from the reference
 * (test/compatibility).
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Configuration } from '@millrace/core'
import { createHttpServer } from '@millrace/jobmanager'
import {
  answerDifferences,
  recordedAnswers,
} from '../../../test/compatibility/answer-differences.ts'
import { registerGatewayRoutes } from './gateway-routes.ts'
import { GatewayHarness } from './testing/gateway-harness.ts'

const RECORDED_SESSION = '00000000-0000-4000-8000-00000000000a'
const SETUP = [
  'CREATE DATABASE db1',
  "CREATE TABLE conf_t (id INT) WITH ('connector' = 'datagen')",
  "CREATE TABLE s1 (id INT) WITH ('connector' = 'blackhole')",
]

for (const recorded of recordedAnswers('gateway-shapes')) {
  test(`${recorded.name} is answered as the reference does`, async () => {
    const harness = new GatewayHarness()
    const server = createHttpServer(new Configuration({}))
    registerGatewayRoutes(server, harness.gateway)
    const job = {
      jobId: '0'.repeat(32),
      name: 'j',
      state: 'RUNNING',
      startTimeMs: 1_700_000_000_000,
    }
    harness.cluster.jobs = [job]
    const session = await harness.open()
    for (const statement of SETUP) await harness.run(session, statement)
    const { method, path, body, statement } = recorded.request
    // What others query by now: the tables of the recorded statements.
    const tables = `CREATE TABLE t1 (id INT, ts TIMESTAMP(3)) WITH ('connector' = 'datagen')`
    if (!recorded.name.includes('create-table')) await harness.run(session, tables)
    let url = path.replace(RECORDED_SESSION, session)
    if (statement !== undefined) {
      const operation = await harness.start(session, statement)
      await harness.clock.advance(100)
      url = url.replace(/(?<=operations\/)[^/]+/, operation)
      const token = Number(/result\/(\d+)/.exec(url)?.[1])
      for (let i = 0; i < token; i++) await harness.gateway.fetchResults(session, operation, i, 0)
    }
    const answer = await server.inject({
      method,
      url,
      ...(body === undefined ? {} : { payload: body as object }),
    })
    assert.deepEqual(answerDifferences(recorded, answer.statusCode, answer.json()), [], answer.body)
  })
}
