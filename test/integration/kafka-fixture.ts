/**
 * What the Kafka integration tests share: one broker a file, topics with fresh names, reading and
 * writing through the connector.
 */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { createKafkaConnector, type KafkaClient, openKafkaClient } from '@millrace/connector-kafka'
import {
  batchOf,
  linesOf,
  makeWriter,
  runSource,
  type SinkRun,
} from '@millrace/connector-kafka/testing'
import { createNodePlatform } from '@millrace/platform/node'
import {
  type KafkaBroker,
  type KafkaBrokerOptions,
  startKafkaBroker,
} from '../kafka-broker/broker.ts'

export const platform = createNodePlatform({ logger: { level: 'error' } })
export const connector = createKafkaConnector()

export interface KafkaFixture {
  readonly broker: KafkaBroker
  readonly servers: string
  readonly client: KafkaClient
  createTopic(partitions: number): Promise<string>
  /** As `createTopic`, of this name; waits until one that is being deleted is gone. */
  makeTopic(topic: string, partitions: number): Promise<void>
  /** A running source, closed at the end of the file at the latest. */
  run(
    options: Readonly<Record<string, string>>,
    parallelism?: number,
    restored?: Parameters<typeof runSource>[4],
  ): ReturnType<typeof runSource>
  /** Appends lines, each batch of `partitions` round robin, not transactional. */
  append(topic: string, lines: readonly string[], more?: Record<string, string>): Promise<void>
  /** Every line that is there now, by partition, in order. */
  read(
    topic: string,
    more?: Record<string, string>,
    parallelism?: number,
  ): Promise<Map<string, string[]>>
  readAll(topic: string, more?: Record<string, string>): Promise<string[]>
  /** Ids of open transactions with this prefix. */
  ongoing(prefix: string): Promise<string[]>
  writer(
    topic: string,
    more?: Record<string, string>,
    settings?: Parameters<typeof makeWriter>[3],
  ): SinkRun
}

export async function startFixture(
  options: Partial<KafkaBrokerOptions> = {},
): Promise<KafkaFixture> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-kafka-test-'))
  const broker = await startKafkaBroker({ directory, heap: '384m', ...options })
  const servers = broker.bootstrapServers
  const { client } = await openKafkaClient({ 'bootstrap.servers': servers }, platform)
  after(async () => {
    await client.close()
    await broker.kill().catch(() => {})
    rmSync(directory, { recursive: true, force: true })
  })
  const table = (topic: string, more: Record<string, string>) => ({
    topic,
    'properties.bootstrap.servers': servers,
    ...more,
  })
  const makeTopic = async (topic: string, partitions: number) => {
    for (let tries = 0; tries < 100; tries++) {
      const [former] = (await client.metadata([topic])).topics
      if (former?.error !== 0) break
      await delay(50)
    }
    await client.createTopics([{ topic, partitions }])
    for (let tries = 0; tries < 50; tries++) {
      const [found] = (await client.metadata([topic])).topics
      if (found?.error === 0 && found.partitions.every((entry) => entry.leader >= 0)) break
      await delay(50)
    }
  }
  const read: KafkaFixture['read'] = async (topic, more = {}, parallelism = 1) => {
    if (more['properties.isolation.level'] === 'read_committed') await settled(client)
    const bounds = {
      'scan.startup.mode': 'earliest-offset',
      'scan.bounded.mode': 'latest-offset',
      ...more,
    }
    const run = await runSource(connector, platform, table(topic, bounds), parallelism)
    const lines = new Map<string, string[]>()
    try {
      await run.drain((batch, splitId) => {
        const found = lines.get(splitId)
        if (found === undefined) lines.set(splitId, linesOf(batch))
        else found.push(...linesOf(batch))
      })
    } finally {
      await run.close()
    }
    return lines
  }
  const writer: KafkaFixture['writer'] = (topic, more = {}, settings = {}) =>
    makeWriter(connector, platform, table(topic, more), settings)
  return {
    broker,
    servers,
    client,
    async run(options, parallelism = 1, restored = null) {
      const run = await runSource(connector, platform, options, parallelism, restored)
      after(() => run.close())
      return run
    },
    async createTopic(partitions) {
      const topic = `t-${randomUUID().slice(0, 8)}`
      await makeTopic(topic, partitions)
      return topic
    },
    makeTopic,
    async append(topic, lines, more = {}) {
      const { writer: sink } = writer(topic, {
        'sink.delivery-guarantee': 'at-least-once',
        ...more,
      })
      await sink.open(null)
      sink.write(batchOf(lines))
      await sink.finish()
      await sink.close()
    },
    read,
    async readAll(topic, more = {}) {
      return [...(await read(topic, more)).values()].flat()
    },
    async ongoing(prefix) {
      await settled(client)
      const ids = (await client.listTransactions(['Ongoing'])) ?? []
      return ids.filter((id) => id.startsWith(prefix))
    },
    writer,
  }
}

/**
 * A commit is answered before its markers are written: waits until every transaction that was ended
 * is at its end.
 */
async function settled(client: KafkaClient): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const ending = await client.listTransactions(['PrepareCommit', 'PrepareAbort'])
    if (ending === null || ending.length === 0) return
    await delay(20)
  }
}

export const delay = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))
