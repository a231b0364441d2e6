/**
 * `npm start -- --kafka`: sensors into the topic, results out of it, both through Millrace's own Kafka
 * client and SQL.
 */
import { KafkaTextProducer, openKafkaClient } from '@millrace/connector-kafka'
import { createNodePlatform } from '@millrace/platform/node'
import type { SqlGateway } from '@millrace/rest-api'
import type { SensorWriter } from './file-sensors.ts'
import { resultTableSql } from './main-job.ts'
import type { ResultTail, WindowRow } from './result-tail.ts'
import { PARTITION_COUNT, partitionOf } from './sensor-readings.ts'
import { executeScript } from './submit-script.ts'

const READINGS_TOPIC = 'sensor-readings'
const AGGREGATES_TOPIC = 'sensor-aggregates'

/** Makes the topics when they are missing. */
export async function kafkaSensorWriter(bootstrapServers: string): Promise<SensorWriter> {
  const platform = createNodePlatform({ logger: { level: 'off' } })
  const properties = { 'bootstrap.servers': bootstrapServers, 'default.api.timeout.ms': '5000' }
  const { client } = await openKafkaClient(properties, platform)
  await client.createTopics([
    { topic: READINGS_TOPIC, partitions: PARTITION_COUNT },
    { topic: AGGREGATES_TOPIC, partitions: PARTITION_COUNT },
  ])
  const producer = new KafkaTextProducer(client, () => Date.now())
  let sending: Promise<void> = Promise.resolve()
  return {
    write(readings) {
      sending = sending.then(async () => {
        for (let partition = 0; partition < PARTITION_COUNT; partition++) {
          const mine = readings.filter((reading) => partitionOf(reading) === partition)
          const texts = mine.map((reading) => JSON.stringify(reading))
          await producer.send(READINGS_TOPIC, partition, texts)
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
): Promise<ResultTail> {
  const { session, operation } = await executeScript(gateway, resultTableSql(bootstrapServers))
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
