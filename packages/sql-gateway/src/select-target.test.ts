/** A SELECT's rows are asked for at the operator that the planner names. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatewayHarness } from './testing/gateway-harness.ts'

test('Rows are asked of the operator that collects, whatever its coordinator is called', async () => {
  const harness = new GatewayHarness()
  const session = await harness.open()
  await harness.run(session, "CREATE TABLE t (a INT) WITH ('connector' = 'datagen')")
  harness.cluster.ended = true
  await harness.run(session, 'SELECT a FROM t')
  const [graph] = harness.cluster.submitted
  const last = graph?.vertices.at(-1)
  assert.equal(harness.cluster.requests[0]?.vertexId, last?.id)
  assert.equal(harness.cluster.requests[0]?.operatorId, last?.operators.at(-1)?.id)
})
