/** One job that takes every slot, on real processes, and what is refused for that. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../support/until.ts'
import { assertPresentable, DATAGEN, millrace, startBadInput } from './bad-input-fixture.ts'

const fixture = await startBadInput({
  'scheduler-mode': 'reactive',
  'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '100 ms',
  'jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout': '100 ms',
  'execution.checkpointing.interval': '500 ms',
})
const port = new URL(fixture.cluster.restAddress).port
const INSERT = `SET 'parallelism.default' = '1'; ${DATAGEN}
  CREATE TABLE nowhere (a INT, b STRING) WITH ('connector' = 'blackhole');
  INSERT INTO nowhere SELECT * FROM numbers;`

async function runsAt(jobId: string, parallelism: number): Promise<void> {
  await until(`job ${jobId} runs at parallelism ${parallelism}`, async () => {
    const { state, vertices } = await fixture.rest.jobDetail(jobId)
    return state === 'RUNNING' && vertices.every((each) => each.parallelism === parallelism)
  })
}

test('In reactive mode a job runs in all slots, and neither its parallelism nor a second one is to be had', async () => {
  const { stdout, stderr } = await fixture.sql(INSERT)
  const jobId = /\b[0-9a-f]{32}\b/.exec(stdout)?.[0]
  assert.ok(jobId !== undefined, stdout + stderr)
  await runsAt(jobId, 2)
  const rescaled = await millrace(['rescale', jobId, '1', '-D', `rest.port=${port}`])
  assert.equal(rescaled.code, 1)
  assert.match(rescaled.stderr, /^\[RESCALE_NOT_POSSIBLE\] Start or stop TaskManagers/)
  assertPresentable(rescaled)
  assert.match(fixture.log(), /rescale that was asked for was refused.*RESCALE_NOT_POSSIBLE/s)
  const second = await fixture.refused(INSERT)
  assert.match(second.stderr, /^\[CLUSTER_REACTIVE\] Wait for the end of job/m)
  await fixture.cluster.addTaskManager().ready
  await runsAt(jobId, 4)
})
