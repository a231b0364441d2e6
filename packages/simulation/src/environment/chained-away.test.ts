/**
 * Rows that were on their way to a sink are written by the job that starts from the checkpoint,
 * also where source and sink are one chain by then.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { TableConnector } from '@millrace/connector'
import { blackholeConnector } from '@millrace/connector-basic'
import type { Int64Column } from '@millrace/core'
import { JobClient } from '../scenario/job-client.ts'
import { planScript } from '../scenario/plan-job.ts'
import { delay } from '../world/scheduler.ts'
import { SimulatedEnvironment } from './simulated-environment.ts'

const ROWS = 60_000

const script = (parallelism: number, more = '') => `
  CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000',
    'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '${ROWS}');
  CREATE TABLE slow (n BIGINT) WITH ('connector' = 'slow');
  SET 'parallelism.default' = '${parallelism}';
  ${more}
  INSERT INTO slow SELECT n FROM numbers;
`

/** Takes a batch each 100 ms, in one subtask. */
function slowConnector(written: Set<bigint>): TableConnector {
  return {
    ...blackholeConnector,
    name: 'slow',
    sink: {
      plan: () => ({ config: {}, accepts: 'retract', parallelism: 1 }),
      createWriter: (_config, { platform }) => {
        let busyUntilMs = 0
        return {
          open: async () => {},
          write({ columns: [numbers], rowCount }) {
            const { values } = numbers as Int64Column
            for (let i = 0; i < rowCount; i++) written.add(values[i] as bigint)
            busyUntilMs = platform.clock.monotonicMs() + 100
          },
          isAvailable: () => platform.clock.monotonicMs() >= busyUntilMs,
          prepareCommit: async () => [],
          snapshotState: () => [],
          commit: async () => {},
          finish: async () => {},
          close() {},
        }
      },
    },
  }
}

test('Rows under way to an operator that is chained now are written first, and none is lost', async () => {
  const written = new Set<bigint>()
  const environment = new SimulatedEnvironment(
    {
      ...{ seed: 1, jobManagers: 1, taskManagers: 1, slotsPerTaskManager: 4, brokers: 1 },
      slowness: [],
      properties: {
        'execution.checkpointing.interval': '1 h',
        'execution.checkpointing.unaligned.enabled': 'true',
        'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
        'execution.buffer-timeout.interval': '0 ms',
      },
    },
    { connectors: [slowConnector(written)] },
  )
  const { world } = environment
  environment.start()
  const client = new JobClient(world, environment.cluster)
  let vertices: readonly (readonly string[])[] = []
  let state: string | null = null
  let atCheckpoint: ReadonlySet<bigint> = new Set()
  const drive = async (): Promise<void> => {
    const first = planScript(environment, script(2), 0)
    assert.equal(first.vertices.length, 2)
    await client.submit(first)
    await delay(world, 500)
    await client.ask(first.jobId, (job) => job.takeCheckpoint(true))
    atCheckpoint = new Set(written)
    const kept = await client.ask(first.jobId, (job) => job.retainedCheckpoints.at(-1) ?? 'none')
    await client.ask(first.jobId, (job) => job.cancel())
    written.clear()
    const recovery = `SET 'execution.state-recovery.path' = '${kept}';`
    const second = planScript(environment, script(1, recovery), 1)
    assert.equal(second.vertices.length, 1)
    await client.submit(second)
    for (let n = 0; n < 600 && state !== 'FINISHED' && state !== 'FAILED'; n++) {
      await delay(world, 100)
      const graph = await client.ask(second.jobId, (job) => job.graph.jobGraph)
      if (graph !== null && graph !== 'unknown') {
        vertices = graph.vertices.map(({ operators }) => operators.map(({ factory }) => factory))
      }
      state = await client.ask(second.jobId, (job) => job.state)
    }
  }
  let failure: unknown = null
  let done = false
  drive()
    .catch((error) => void (failure = error))
    .finally(() => void (done = true))
  await world.run(200_000, () => done)
  if (failure !== null) throw failure
  assert.equal(state, 'FINISHED')
  assert.ok(atCheckpoint.size > 0 && atCheckpoint.size < ROWS / 2, `${atCheckpoint.size}`)
  assert.deepEqual(
    vertices.map((operators) => operators.length),
    [1, 1],
  )
  const all = Array.from({ length: ROWS }, (_, n) => BigInt(n + 1))
  const lost = all.filter((n) => !written.has(n) && !atCheckpoint.has(n))
  assert.deepEqual(lost.slice(0, 5), [])
})
