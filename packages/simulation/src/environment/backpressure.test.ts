/**
 * Checkpoints of a job whose sink takes 100 ms a batch while everything before it is full: an
 * aligned one takes as long as the queue, an unaligned one does not. In simulated time, so that no
 * machine decides.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { TableConnector } from '@millrace/connector'
import { blackholeConnector } from '@millrace/connector-basic'
import { JobClient } from '../scenario/job-client.ts'
import { planScript } from '../scenario/plan-job.ts'
import { delay } from '../world/scheduler.ts'
import { SimulatedEnvironment } from './simulated-environment.ts'

const BATCH_MS = 100

/** Takes a batch, and the next one 100 ms later. */
const slowConnector: TableConnector = {
  ...blackholeConnector,
  name: 'slow',
  sink: {
    plan: () => ({ config: {}, accepts: 'retract', parallelism: 1 }),
    createWriter: (_config, { platform }) => {
      let busyUntilMs = 0
      return {
        open: async () => {},
        write() {
          busyUntilMs = platform.clock.monotonicMs() + BATCH_MS
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

const SCRIPT = `
  CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '1000000');
  CREATE TABLE slow (n BIGINT) WITH ('connector' = 'slow');
  SET 'parallelism.default' = '2';
  INSERT INTO slow SELECT n FROM numbers;
`

/** Durations of the checkpoints of 60 s, ms, with what they have of rows under way. */
async function checkpoints(properties: Record<string, string>) {
  const environment = new SimulatedEnvironment(
    {
      ...{ seed: 1, jobManagers: 1, taskManagers: 1, slotsPerTaskManager: 2, brokers: 1 },
      slowness: [],
      properties: {
        'execution.checkpointing.interval': '5 s',
        // A batch a buffer: what is queued is known from the number of buffers.
        'execution.buffer-timeout.interval': '0 ms',
        ...properties,
      },
    },
    { connectors: [slowConnector] },
  )
  const { world } = environment
  environment.start()
  const client = new JobClient(world, environment.cluster)
  const jobGraph = planScript(environment, SCRIPT, 0)
  let history: readonly {
    readonly checkpoint_type: string
    readonly end_to_end_duration: number
    readonly persisted_data: number
  }[] = []
  let done = false
  const drive = async (): Promise<void> => {
    await client.submit(jobGraph)
    await delay(world, 60_000)
    const answer = await client.ask(jobGraph.jobId, (job) => job.statistics.answer().history)
    history = typeof answer === 'string' || answer === null ? [] : answer
    done = true
  }
  void drive()
  await world.run(120_000, () => done)
  return history.filter(({ end_to_end_duration: ms }) => ms > 0)
}

test('Under backpressure an unaligned checkpoint completes long before an aligned one', async () => {
  const aligned = await checkpoints({})
  const unaligned = await checkpoints({ 'execution.checkpointing.unaligned.enabled': 'true' })
  const shortest = Math.min(...aligned.map(({ end_to_end_duration: ms }) => ms))
  const longest = Math.max(...unaligned.map(({ end_to_end_duration: ms }) => ms))
  assert.ok(aligned.length > 0 && shortest > 2000, `aligned: ${shortest} ms`)
  assert.ok(unaligned.length > 5 && longest < 200, `unaligned: ${longest} ms`)
  for (const { checkpoint_type: type, persisted_data: bytes } of unaligned) {
    assert.equal(type, 'UNALIGNED_CHECKPOINT')
    assert.ok(bytes > 0)
  }
  assert.ok(aligned.every(({ checkpoint_type: type }) => type === 'CHECKPOINT'))
})

test('With a timeout barriers wait so long, and overtake what is left then', async () => {
  const late = await checkpoints({
    'execution.checkpointing.unaligned.enabled': 'true',
    'execution.checkpointing.aligned-checkpoint-timeout': '1 s',
  })
  assert.ok(late.length > 5)
  for (const { checkpoint_type: type, end_to_end_duration: ms } of late) {
    assert.equal(type, 'UNALIGNED_CHECKPOINT')
    assert.ok(ms >= 1000 && ms < 1300, `${ms} ms`)
  }
  const patient = await checkpoints({
    'execution.checkpointing.unaligned.enabled': 'true',
    'execution.checkpointing.aligned-checkpoint-timeout': '1 min',
  })
  assert.ok(patient.length > 5)
  assert.ok(patient.every(({ checkpoint_type: type }) => type === 'CHECKPOINT'))
})
