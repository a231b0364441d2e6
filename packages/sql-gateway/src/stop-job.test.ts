/**
 * STOP JOB ends a job for good, or keeps its state in a savepoint first.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MillraceError } from '@millrace/core'
import { GatewayHarness } from './testing/gateway-harness.ts'

const JOB = '0123456789abcdef0123456789abcdef'

test('STOP JOB cancels the job', async () => {
  const harness = new GatewayHarness()
  await harness.run(await harness.open(), `STOP JOB '${JOB}'`)
  assert.deepEqual(harness.cluster.cancelled, [JOB])
})

test('STOP JOB WITH SAVEPOINT stops it and says where the savepoint is', async () => {
  const harness = new GatewayHarness()
  const session = await harness.open()
  const [page] = await harness.run(session, `STOP JOB '${JOB}' WITH SAVEPOINT`)
  assert.equal(page?.resultKind, 'SUCCESS_WITH_CONTENT')
  assert.deepEqual(page?.results?.columns[0]?.name, 'savepoint path')
  assert.deepEqual(page?.results?.data, [
    { kind: 'INSERT', fields: ['/savepoints/savepoint-012345-0123456789ab'] },
  ])
  await harness.run(session, "SET 'state.savepoints.dir' = 'file:///mine'")
  await harness.run(session, `STOP JOB '${JOB}' WITH SAVEPOINT WITH DRAIN`)
  assert.deepEqual(harness.cluster.stopped, [
    { jobId: JOB, targetDirectory: null, drain: false },
    { jobId: JOB, targetDirectory: 'file:///mine', drain: true },
  ])
  assert.deepEqual(harness.cluster.cancelled, [])
})

// Cause: the two clauses were dropped, the job was cancelled, and its retention then deleted
// every checkpoint.
test('STOP JOB WITH DRAIN alone is refused by name and leaves the job alone', async () => {
  const harness = new GatewayHarness()
  const statement = `STOP JOB '${JOB}' WITH DRAIN`
  await assert.rejects(harness.run(await harness.open(), statement), (error: MillraceError) => {
    assert.equal(error.code, 'DRAIN_WITHOUT_SAVEPOINT')
    assert.match(error.message, new RegExp(JOB))
    return true
  })
  assert.deepEqual([harness.cluster.cancelled, harness.cluster.stopped], [[], []])
})

test('DESCRIBE JOB shows one job, and names what there is not', async () => {
  const harness = new GatewayHarness()
  const job = { jobId: JOB, name: 'totals', state: 'RUNNING', startTimeMs: 0 }
  harness.cluster.jobs = [{ ...job, jobId: 'f'.repeat(32), name: 'other' }, job]
  const session = await harness.open()
  const [page] = await harness.run(session, `DESCRIBE JOB '${JOB}'`)
  assert.deepEqual(page?.results?.data, [
    { kind: 'INSERT', fields: [JOB, 'totals', 'RUNNING', '1970-01-01T00:00:00Z'] },
  ])
  await assert.rejects(harness.run(session, `DESC JOB '${'0'.repeat(32)}'`), {
    code: 'JOB_UNKNOWN',
    hint: 'SHOW JOBS lists them all.',
  })
  // A table may have that name.
  await harness.run(session, `CREATE TABLE job (id INT) WITH ('connector' = 'blackhole')`)
  const [columns] = await harness.run(session, 'DESCRIBE job')
  assert.equal(columns?.results?.data[0]?.fields[0], 'id')
})
