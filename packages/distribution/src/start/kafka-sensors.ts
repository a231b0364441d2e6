/**
 * `npm start -- --kafka`: sensors into the topic, results out of it, both through Millrace's own
 * Kafka client and SQL.
 */
import { KafkaTextProducer, openKafkaClient } from '@millrace/connector-kafka'
import { createNodePlatform } from '@millrace/platform/node'
import type { SqlGateway } from '@millrace/rest-api'
import type { SensorWriter } from './file-sensors.ts'
import { type MainJobTopics, resultTableSql } from './main-job.ts'
import type { ResultTail, WindowRow } from './result-tail.ts'
import { PARTITION_COUNT, partitionOf } from './sensor-readings.ts'
import { executeScript } from './submit-script.ts'

/** Names that nobody's own data has: a demo must not write into a topic that it did not make. */
export const DEMO_TOPICS: MainJobTopics = {
  readings: 'millrace-demo-readings',
  aggregates: 'millrace-demo-aggregates',
}

/** Makes the topics when they are missing. */
export async function kafkaSensorWriter(
  bootstrapServers: string,
  topics: MainJobTopics,
): Promise<SensorWriter> {
  const platform = createNodePlatform({ logger: { level: 'off' } })
  const properties = { 'bootstrap.servers': bootstrapServers, 'default.api.timeout.ms': '5000' }
  const { client } = await openKafkaClient(properties, platform)
  await client.createTopics([
    { topic: topics.readings, partitions: PARTITION_COUNT },
    { topic: topics.aggregates, partitions: PARTITION_COUNT },
  ])
  const [found] = (await client.metadata([topics.readings])).topics
  const partitionCount = Math.min(PARTITION_COUNT, found?.partitions.length || PARTITION_COUNT)
  const producer = new KafkaTextProducer(client, () => Date.now())
  let sending: Promise<void> = Promise.resolve()
  return {
    write(readings) {
      sending = sending.then(async () => {
        for (let partition = 0; partition < partitionCount; partition++) {
          const mine = readings.filter(
            (reading) => partitionOf(reading) % partitionCount === partition,
          )
          const texts = mine.map((reading) => JSON.stringify(reading))
          await producer.send(topics.readings, partition, texts)
        }
      })
      return sending
    },
    async close() {
      await sending
      await client.close()
    },
  }
}

/** Follows committed results by a SELECT of its own, from now on. */
export async function kafkaResultTail(
  gateway: SqlGateway,
  bootstrapServers: string,
  topics: MainJobTopics,
): Promise<ResultTail> {
  const script = resultTableSql(bootstrapServers, topics)
  const { session, operation } = await executeScript(gateway, script)
  let token = 0
  return {
    async next() {
      const page = await gateway.fetchResults(session, operation, token, 0)
      if (page.resultType !== 'PAYLOAD') return []
      token = page.nextToken ?? token
      const names = page.results?.columns.map((column) => column.name) ?? []
      return (page.results?.data ?? []).map((row) => {
        const entries = row.fields.map((value, i) => [names[i] as string, value])
        return Object.fromEntries(entries) as WindowRow
      })
    },
    async close() {
      await gateway.cancel(session, operation)
    },
  }
}
