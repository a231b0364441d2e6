/**
 * How fast the sink writes to a real broker, exactly once with a commit a second of work:
 * `KAFKA_BOOTSTRAP_SERVERS=host:port node
 * packages/connector-kafka/src/records/write-records.bench.ts [million]`.
 */
import { createNodePlatform } from '@millrace/platform/node'
import { openKafkaClient } from '../client/open-kafka-client.ts'
import { kafkaConnector } from '../kafka-connector.ts'
import { batchOf } from '../testing/raw-format.ts'
import { makeWriter } from '../testing/sink-harness.ts'

const millions = Number(process.argv[2] ?? 3)
const platform = createNodePlatform()
const servers = process.env.KAFKA_BOOTSTRAP_SERVERS ?? '127.0.0.1:9092'
const { client } = await openKafkaClient({ 'bootstrap.servers': servers }, platform)
const topic = `bench-write-${Math.floor(performance.timeOrigin)}`
await client.createTopics([{ topic, partitions: 3 }])
await new Promise((done) => setTimeout(done, 1000))
await client.close()
const ROWS = 2000
const batch = batchOf(
  Array.from({ length: ROWS }, (_, i) =>
    `{"sensor_id":"sensor-${i % 100}","temperature":21.5,"humidity":57.5}`.padEnd(137),
  ),
)
for (const guarantee of ['at-least-once', 'exactly-once']) {
  const run = makeWriter(kafkaConnector, platform, {
    topic,
    'properties.bootstrap.servers': servers,
    'sink.delivery-guarantee': guarantee,
    'sink.transactional-id-prefix': topic,
  })
  await run.writer.open(null)
  const started = performance.now()
  const before = process.cpuUsage()
  const rows = millions * 1e6
  for (let written = 0, checkpoint = 1; written < rows; ) {
    if (!run.writer.isAvailable()) await run.available()
    run.writer.write(batch)
    written += ROWS
    if (written % 1_000_000 === 0)
      await run.writer.commit(await run.writer.prepareCommit(checkpoint++))
  }
  await run.writer.finish()
  const ms = performance.now() - started
  const cpu = process.cpuUsage(before)
  await run.writer.close()
  console.log(
    `${guarantee}: ${(rows / ms / 1000).toFixed(2)} M records/s, ${((cpu.user + cpu.system) / rows).toFixed(3)} CPU µs a record, RSS ${(process.memoryUsage().rss / 1048576).toFixed(0)} MB`,
  )
}
