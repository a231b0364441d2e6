/** The contract of KafkaClient against a real broker: what the simulated one is held to, too. */
import { randomUUID } from 'node:crypto'
import { type KafkaClient, openKafkaClient } from '@millrace/connector-kafka'
import {
  type KafkaClientFixture,
  testKafkaClientContract,
} from '@millrace/connector-kafka/contract'
import { kafkaAt } from '../support/kafka-topics.ts'
import { delay, platform, startFixture } from './kafka-fixture.ts'

const kafka = await startFixture({ properties: { 'auto.create.topics.enable': 'true' } })
/** The broker looks every 10 s for transactions that are too old. */
const TIMEOUT_CHECK_MS = 12_000

async function deleteRecordsBefore(topic: string, partition: number, offset: number) {
  const admin = kafkaAt(kafka.servers).admin()
  await admin.connect()
  try {
    // Makes the client find the topic, which deleting does not.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
  } finally {
    await admin.disconnect()
  }
}

testKafkaClientContract('A real cluster', async (scenario) => {
  const clients: KafkaClient[] = []
  const fixture: KafkaClientFixture = {
    async connect(apiTimeoutMs = 30_000) {
      const properties = {
        'bootstrap.servers': kafka.servers,
        'default.api.timeout.ms': String(apiTimeoutMs),
      }
      const { client } = await openKafkaClient(properties, platform)
      clients.push(client)
      return client
    },
    createTopic: (partitions) => kafka.createTopic(partitions),
    freshName: () => `name-${randomUUID().slice(0, 8)}`,
    delay,
    nowMs: () => Date.now(),
    deleteRecordsBefore,
    async makeTopicAnew(topic) {
      const admin = kafkaAt(kafka.servers).admin()
      await admin.connect()
      try {
        const { topics } = await kafka.client.metadata([topic])
        await admin.deleteTopics({ topics: [topic] })
        await kafka.makeTopic(topic, topics[0]?.partitions.length ?? 1)
      } finally {
        await admin.disconnect()
      }
    },
    hasTopicIds: true,
    createsTopics: true,
    timeoutCheckMs: TIMEOUT_CHECK_MS,
  }
  try {
    await scenario(fixture)
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
})
