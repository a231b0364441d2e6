/**
 * How fast records are read from a real broker: `KAFKA_BOOTSTRAP_SERVERS=host:port node
 * packages/connector-kafka/src/records/read-records.bench.ts [million]`.
 *
 * Loads 137-byte values into a topic of 3 partitions once per compression, then reads them with one
 * reader through the raw format.
 */
import { createNodePlatform } from '@millrace/platform/node'
import { openKafkaClient } from '../client/open-kafka-client.ts'
import { createKafkaConnector } from '../kafka-connector.ts'
import { runSource } from '../testing/source-harness.ts'
import type { CompressionName } from './compression.ts'
import { RecordBatchBuilder } from './record-batch-builder.ts'

const millions = Number(process.argv[2] ?? 5)
const platform = createNodePlatform({ logger: { level: 'warn' } } as never)
const servers = process.env.KAFKA_BOOTSTRAP_SERVERS ?? '127.0.0.1:9092'
const { client } = await openKafkaClient({ 'bootstrap.servers': servers }, platform)
const RECORDS_PER_BATCH = 1000

async function load(topic: string, codec: CompressionName): Promise<number> {
  const { topics } = await client.metadata([topic])
  if (topics[0]?.error === 0) {
    const parts = [0, 1, 2].map((partition) => ({ topic, partition, timestampMs: -1 }))
    const ends = await client.listOffsets(parts, 'read_uncommitted')
    const have = ends.reduce((a, b) => a + b, 0)
    if (have >= millions * 1e6) return have
  }
  await client.createTopics([{ topic, partitions: 3 }])
  await new Promise((done) => setTimeout(done, 500))
  const values: string[] = []
  for (let i = 0; i < RECORDS_PER_BATCH; i++) {
    values.push(
      `{"sensor_id":"sensor-${i % 100}","temperature":${(20 + (i % 17) * 0.5).toFixed(1)},"humidity":57.5,"event_time":"2026-11-22T10:15:${30 + (i % 30)}.000"}`.padEnd(
        137,
      ),
    )
  }
  const bytes = Buffer.from(values.join(''))
  const starts = Int32Array.from(values, (_, i) => i * 137)
  const lengths = new Int32Array(RECORDS_PER_BATCH).fill(137)
  const started = performance.now()
  const { topics: fresh } = await client.metadata([topic])
  const leader = fresh[0]?.partitions[0]?.leader ?? -1
  const total = millions * 1e6
  for (let sent = 0; sent < total; ) {
    const batches = [0, 1, 2].map((partition) => {
      const builder = new RecordBatchBuilder(150_000, codec)
      builder.append(bytes, starts, lengths, 0, RECORDS_PER_BATCH, 1 << 30)
      builder.finish()
      const sealed = builder.seal({
        producerId: -1n,
        epoch: -1,
        baseSequence: -1,
        transactional: false,
        timestampMs: Date.now(),
      })
      return { topic, partition, bytes: sealed }
    })
    const answers = await client.produce(leader, null, batches, 30_000)
    for (const { error } of answers) if (error !== 0) throw new Error(`produce failed: ${error}`)
    sent += 3 * RECORDS_PER_BATCH
  }
  console.log(
    `${topic}: produced ${(total / (performance.now() - started) / 1000).toFixed(2)} M records/s`,
  )
  return total
}

for (const codec of ['none', 'lz4', 'zstd'] as const) {
  const topic = `bench-read-${codec}-${millions}`
  await load(topic, codec)
  for (let round = 0; round < 3; round++) {
    const run = await runSource(createKafkaConnector(), platform, {
      topic,
      'properties.bootstrap.servers': servers,
      'scan.startup.mode': 'earliest-offset',
      'scan.bounded.mode': 'latest-offset',
    })
    const started = performance.now()
    const cpuBefore = process.cpuUsage()
    let rows = 0
    await run.drain((batch) => {
      rows += batch.rowCount
    })
    const ms = performance.now() - started
    const cpu = process.cpuUsage(cpuBefore)
    await run.close()
    console.log(
      `${codec}: ${rows} rows, ${(rows / ms / 1000).toFixed(2)} M records/s, ${((cpu.user + cpu.system) / rows).toFixed(3)} CPU µs a record, RSS ${(process.memoryUsage().rss / 1048576).toFixed(0)} MB`,
    )
  }
}
await client.close()
