/**
 * The contract suites of sources and sinks, run against the Kafka connector on a simulated cluster.
 */
import { jsonFormat } from '@millrace/connector'
import {
  type ContextRecord,
  readerContext,
  testSinkWriterContract,
  testSourceReaderContract,
  writerContext,
} from '@millrace/connector/contract'
import { createKafkaConnector } from '@millrace/connector-kafka'
import { batchOf } from '@millrace/connector-kafka/testing'
import type { Schema } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { simulatedClock } from '../platform/simulated-clock.ts'
import { simulatedLogger } from '../platform/simulated-logger.ts'
import { BrokerFixture } from './testing/broker-fixture.ts'

const schema: Schema = { fields: [{ name: 'line', type: { kind: 'STRING', nullable: true } }] }
const formats = new Map([['json', jsonFormat]])
const TOPIC = 'lines'
const ROWS_PER_PARTITION = 6000
let seed = 1

/** A cluster whose time passes by itself until it is disposed of. */
function open(nodeCount: number) {
  const fixture = new BrokerFixture(seed++, { nodeCount })
  const { broker, process, world } = fixture
  broker.createTopic(TOPIC, 2)
  // All of a platform that the connector uses.
  const platform = {
    clock: simulatedClock(process),
    random: world.random.split('connector'),
    filesystem: {},
    logger: simulatedLogger(process, 'error'),
  } as unknown as Platform
  const connector = createKafkaConnector(broker.clientFactory(process))
  const table = {
    tableName: 'default_catalog.default_database.t',
    schema,
    formats,
    options: {
      topic: TOPIC,
      format: 'json',
      'properties.bootstrap.servers': broker.bootstrapServers,
      'scan.startup.mode': 'earliest-offset',
    },
  }
  let over = false
  const goOn = async () => {
    while (!over) {
      await world.run(world.nowMs + 20, () => false)
      world.after(0, () => {})
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  void goOn()
  const dispose = async () => {
    over = true
  }
  return { fixture, platform, connector, table, dispose }
}

for (const nodeCount of [1, 3]) {
  const where = `on a simulated cluster of ${nodeCount}`
  testSourceReaderContract(`the Kafka source ${where}`, async () => {
    const { fixture, platform, connector, table, dispose } = open(nodeCount)
    const expected = new Map<string, unknown[][]>()
    for (const partition of [0, 1]) {
      const lines = Array.from({ length: ROWS_PER_PARTITION }, (_, i) => `p${partition} row ${i}`)
      const rows = lines.map((line) => [line])
      expected.set(`${TOPIC}-${partition}`, rows)
      for (let i = 0; i < lines.length; i += 500) {
        const values = lines.slice(i, i + 500).map((line) => JSON.stringify({ line }))
        fixture.broker.append(TOPIC, partition, values)
      }
    }
    const config = connector.source?.plan(table).config
    return {
      splits: [0, 1].map((partition) => ({
        id: `${TOPIC}-${partition}`,
        description: `topic ${TOPIC}, partition ${partition}`,
        position: { topic: TOPIC, partition, offset: 0, stoppingOffset: ROWS_PER_PARTITION },
      })),
      expected,
      createReader: (record: ContextRecord) => {
        const context = readerContext({ platform, schema }, record)
        const reader = connector.source?.createReader(config, context)
        if (reader === undefined) throw new Error('the connector has no source')
        return reader
      },
      dispose,
    }
  })

  testSinkWriterContract(`the Kafka sink ${where}`, async () => {
    const { fixture, platform, connector, table, dispose } = open(nodeCount)
    const { inspect } = fixture.broker
    const config = connector.sink?.plan(table).config
    const settled = async () => {
      const isEnding = () => inspect.openTransactions().some(({ status }) => status !== 'Ongoing')
      while (isEnding()) await new Promise((resolve) => setImmediate(resolve))
    }
    return {
      createWriter: (record: ContextRecord, checkpointingEnabled: boolean, attempt = 0) => {
        const settings = { platform, schema, checkpointingEnabled, attempt }
        const context = writerContext(settings, record)
        const writer = connector.sink?.createWriter(config, context)
        if (writer === undefined) throw new Error('the connector has no sink')
        return writer
      },
      batch: (texts) => batchOf(texts),
      readVisible: async () => {
        await settled()
        return inspect.committedValues(TOPIC).map((text) => JSON.parse(text).line as string)
      },
      leftovers: async () => {
        await settled()
        return inspect.openTransactions().map(({ transactionalId }) => transactionalId)
      },
      dispose,
    }
  })
}
