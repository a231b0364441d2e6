/**
 * The main job through a real broker: exactly once over a kill, a change of parallelism, and a
 * partition that stays silent.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import { kafkaTables, mainJobSql } from '../../packages/distribution/src/start/main-job.ts'
import { type KafkaBroker, startKafkaBroker } from '../kafka-broker/broker.ts'
import {
  CommittedReader,
  createTopics,
  openProducer,
  produce,
  readWholeTopic,
} from '../support/kafka-topics.ts'
import { randomReadings } from '../support/random-readings.ts'
import { type SqlRunner, sqlRunner } from '../support/run-sql.ts'
import {
  type Aggregate,
  compareAggregates,
  expectedAggregates,
  type Reading,
} from '../support/sensor-oracle.ts'

const RIGHT = { missing: [], doubled: [], wrong: [], unexpected: [] }
const SETTLE_TIMEOUT_MS = 300_000
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('the main job through Kafka', () => {
  let directory: string
  let broker: KafkaBroker
  let cluster: LocalCluster
  let runner: SqlRunner
  let count = 0
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'millrace-main-job-'))
    broker = await startKafkaBroker({ directory: join(directory, 'kafka') })
    cluster = await LocalCluster.start({
      directory: join(directory, 'logs'),
      taskManagers: 2,
      slotsPerTaskManager: 2,
      properties: {
        'execution.checkpointing.interval': '500 ms',
        'execution.checkpointing.dir': `file://${join(directory, 'checkpoints')}`,
        'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
        'restart-strategy.type': 'fixed-delay',
        'restart-strategy.fixed-delay.attempts': '100',
        'restart-strategy.fixed-delay.delay': '100 ms',
      },
    })
    await cluster.ready()
    runner = sqlRunner(cluster.restAddress)
  })
  after(async () => {
    await runner?.close()
    await cluster?.stop()
    await broker?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  /** Topics of one test's own. */
  async function topics(): Promise<{ input: string; output: string }> {
    const suffix = `${process.pid}-${++count}`
    const made = { input: `readings-${suffix}`, output: `aggregates-${suffix}` }
    await createTopics(broker.bootstrapServers, { [made.input]: 3, [made.output]: 3 })
    return made
  }

  async function submit(
    names: { input: string; output: string },
    settings: Record<string, string> = {},
    source: Record<string, string> = {},
  ): Promise<string> {
    const tables = kafkaTables(broker.bootstrapServers)
    const jobId = await runner.submit(
      mainJobSql(
        { ...tables.source, topic: names.input, ...source },
        { ...tables.sink, topic: names.output },
        settings,
      ),
    )
    await runner.awaitJob(jobId, (detail) => detail.timestamps.RUNNING > 0, 120_000)
    return jobId
  }

  async function send(topic: string, partitions: readonly Reading[][]): Promise<void> {
    const producer = await openProducer(broker.bootstrapServers)
    const messages = partitions.flatMap((readings, partition) =>
      readings.map((reading) => ({ partition, value: JSON.stringify(reading) })),
    )
    await produce(producer, topic, messages)
    await producer.disconnect()
  }

  /** A reading an hour on in each of the partitions, so that all windows before it fire. */
  function closing(partitions: readonly number[]): Reading[][] {
    const reading = {
      sensor_id: 'closing',
      temperature: 0,
      humidity: 0,
      event_time: '2026-11-23T23:00:00.000',
    }
    return [0, 1, 2].map((partition) => (partitions.includes(partition) ? [reading] : []))
  }

  async function assertOutput(topic: string, readings: readonly Reading[]): Promise<void> {
    const expected = expectedAggregates(readings)
    const reader = await CommittedReader.open(broker.bootstrapServers, topic)
    const deadline = Date.now() + SETTLE_TIMEOUT_MS
    while (reader.values.length < expected.size && Date.now() < deadline) await sleep(100)
    await sleep(1500)
    await reader.close()
    const rows = reader.values.map((text) => JSON.parse(text) as Aggregate)
    assert.deepEqual(compareAggregates(expected, rows), RIGHT)
  }

  it('gives each window once and right in a bounded run', async () => {
    const names = await topics()
    const readings = randomReadings({ seed: 11, count: 3000, partitions: 3, filledPartitions: 3 })
    await send(names.input, readings)
    const jobId = await submit(names, {}, { 'scan.bounded.mode': 'latest-offset' })
    await runner.awaitJob(jobId, (detail) => detail.state === 'FINISHED', 120_000)
    const rows = await readWholeTopic(broker.bootstrapServers, names.output)
    const aggregates = rows.map((text) => JSON.parse(text) as Aggregate)
    assert.deepEqual(compareAggregates(expectedAggregates(readings.flat()), aggregates), RIGHT)
  })

  it('goes on when only one of three partitions is ever written', async () => {
    const names = await topics()
    const readings = randomReadings({ seed: 12, count: 500, partitions: 3, filledPartitions: 1 })
    const jobId = await submit(names)
    await send(names.input, readings)
    await send(names.input, closing([0]))
    await assertOutput(names.output, readings.flat())
    await runner.rest.cancelJob(jobId)
  })

  it('loses and doubles nothing when a TaskManager is killed', async () => {
    const names = await topics()
    const readings = randomReadings({ seed: 13, count: 4000, partitions: 3, filledPartitions: 3 })
    const chunk = (from: number, to: number) =>
      readings.map((list) => list.slice(list.length * from, list.length * to))
    // Before the job: a partition that it found empty would hold the watermark for a second only.
    await send(names.input, chunk(0, 0.25))
    const jobId = await submit(names)
    await sleep(1200)
    await send(names.input, chunk(0.25, 0.5))
    const before = (await runner.rest.jobDetail(jobId)).restarts
    const [victim] = cluster.taskManagers.splice(0, 1)
    victim?.child.kill('SIGKILL')
    cluster.addTaskManager()
    await send(names.input, chunk(0.5, 0.75))
    await runner.awaitJob(jobId, (d) => d.state === 'RUNNING' && d.restarts > before, 120_000)
    await send(names.input, chunk(0.75, 1))
    await send(names.input, closing([0, 1, 2]))
    const sent = chunk(0, 0.25).flat().concat(chunk(0.25, 0.5).flat(), chunk(0.5, 0.75).flat())
    await assertOutput(names.output, sent.concat(chunk(0.75, 1).flat()))
    await runner.rest.cancelJob(jobId)
  })

  it('goes on at another parallelism from a retained checkpoint', async () => {
    const names = await topics()
    const readings = randomReadings({ seed: 14, count: 3000, partitions: 3, filledPartitions: 3 })
    const halves = [0, 1].map((half) =>
      readings.map((list) => {
        const middle = Math.floor(list.length / 2)
        return half === 0 ? list.slice(0, middle) : list.slice(middle)
      }),
    ) as [Reading[][], Reading[][]]
    await send(names.input, halves[0])
    const first = await submit(names)
    const counted = async () => (await runner.rest.jobCheckpoints(first)).counts.completed
    const enough = (await counted()) + 3
    while ((await counted()) < enough) await sleep(50)
    await runner.rest.cancelJob(first)
    await runner.awaitJob(first, (detail) => detail.state === 'CANCELED', 120_000)
    const kept = join(directory, 'checkpoints', first)
    const checkpoint = readdirSync(kept)
      .filter((name) => name.startsWith('chk-'))
      .sort()
      .at(-1)
    assert.ok(checkpoint !== undefined, 'a checkpoint is retained')
    const second = await submit(names, {
      'parallelism.default': '2',
      'execution.state-recovery.path': `file://${join(kept, checkpoint)}`,
    })
    await send(names.input, halves[1])
    await send(names.input, closing([0, 1, 2]))
    await assertOutput(names.output, readings.flat())
    await runner.rest.cancelJob(second)
  })
})
