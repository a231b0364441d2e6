/** What an enumerator says of itself while its broker does not answer. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EnumeratorContext } from '@millrace/connector'
import type { KafkaClient, TopicMetadata } from '../client/kafka-client.ts'
import type { KafkaSettings } from '../client/kafka-properties.ts'
import type { KafkaSourceConfig } from '../kafka-table.ts'
import { KafkaEnumerator } from './kafka-enumerator.ts'

test('until the broker has answered it says that it waits for it, and for which', async () => {
  // Cause: a SELECT over a broker that was not up said 'RUNNING: no new rows' for five seconds.
  let answer: (topics: { topics: TopicMetadata[] }) => void = () => {}
  const client = {
    metadata: () => new Promise((resolve) => (answer = resolve)),
    close: async () => {},
  } as unknown as KafkaClient
  const config = {
    properties: { 'bootstrap.servers': 'localhost:9092' },
    topics: ['clicks'],
    startupUnsaid: false,
    discoveryIntervalMs: 0,
  } as unknown as KafkaSourceConfig
  const context = { registeredReaders: () => [] } as unknown as EnumeratorContext
  const settings = {} as KafkaSettings
  const enumerator = new KafkaEnumerator(config, context, async () => ({ client, settings }))
  assert.equal(enumerator.waitsFor(), 'Kafka at localhost:9092')
  const started = enumerator.start(null)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(enumerator.waitsFor(), 'Kafka at localhost:9092')
  answer({ topics: [] })
  await started
  assert.equal(enumerator.waitsFor(), null)
  await enumerator.close()
})
