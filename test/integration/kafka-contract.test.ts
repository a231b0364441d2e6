/** The contract suites of sources and sinks, run against the Kafka connector and a real broker. */
import { jsonFormat } from '@millrace/connector'
import {
  type ContextRecord,
  readerContext,
  testSinkWriterContract,
  testSourceReaderContract,
  writerContext,
} from '@millrace/connector/contract'
import { batchOf } from '@millrace/connector-kafka/testing'
import type { Schema } from '@millrace/core'
import { connector, platform, startFixture } from './kafka-fixture.ts'

const kafka = await startFixture()
const schema: Schema = { fields: [{ name: 'line', type: { kind: 'STRING', nullable: true } }] }
const formats = new Map([['json', jsonFormat]])
const table = (topic: string, more: Record<string, string> = {}) => ({
  tableName: 'default_catalog.default_database.t',
  schema,
  formats,
  options: {
    topic,
    format: 'json',
    'properties.bootstrap.servers': kafka.servers,
    'scan.startup.mode': 'earliest-offset',
    ...more,
  },
})
const ROWS_PER_PARTITION = 6000

testSourceReaderContract('the Kafka source', async () => {
  const topic = await kafka.createTopic(2)
  const expected = new Map<string, unknown[][]>()
  for (const partition of [0, 1]) {
    const lines = Array.from({ length: ROWS_PER_PARTITION }, (_, i) => `p${partition} row ${i}`)
    expected.set(
      `${topic}-${partition}`,
      lines.map((line) => [line]),
    )
    const { writer } = kafka.writer(
      topic,
      { 'sink.delivery-guarantee': 'at-least-once', 'sink.partitioner': 'fixed' },
      { subtaskIndex: partition, parallelism: 2 },
    )
    await writer.open(null)
    writer.write(batchOf(lines.map((line) => JSON.stringify({ line }))))
    await writer.finish()
    await writer.close()
  }
  const { config } = connector.source?.plan(table(topic)) ?? {}
  return {
    splits: [0, 1].map((partition) => ({
      id: `${topic}-${partition}`,
      description: `topic ${topic}, partition ${partition}`,
      position: { topic, partition, offset: 0, stoppingOffset: ROWS_PER_PARTITION },
    })),
    expected,
    createReader: (record: ContextRecord) => {
      const reader = connector.source?.createReader(
        config,
        readerContext({ platform, schema }, record),
      )
      if (reader === undefined) throw new Error('the connector has no source')
      return reader
    },
    dispose: async () => {},
  }
})

testSinkWriterContract('the Kafka sink', async () => {
  const topic = await kafka.createTopic(2)
  const { config } = connector.sink?.plan(table(topic)) ?? {}
  return {
    createWriter: (record: ContextRecord, checkpointingEnabled: boolean, attempt = 0) => {
      const settings = { platform, schema, checkpointingEnabled, attempt }
      const context = writerContext(settings, record)
      const writer = connector.sink?.createWriter(config, { ...context, jobName: topic })
      if (writer === undefined) throw new Error('the connector has no sink')
      return writer
    },
    batch: batchOf,
    readVisible: async () => {
      const lines = await kafka.readAll(topic, { 'properties.isolation.level': 'read_committed' })
      return lines.map((line) => JSON.parse(line).line as string)
    },
    leftovers: () => kafka.ongoing(topic),
    dispose: async () => {},
  }
})
