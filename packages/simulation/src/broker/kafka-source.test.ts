/**
 * Where the shipped Kafka source begins and how it ends, on a simulated cluster whose topics
 * change under it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SourceSplit } from '@millrace/connector'
import { createKafkaConnector } from '@millrace/connector-kafka'
import { linesOf, runSource } from '@millrace/connector-kafka/testing'
import type { ColumnBatch } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { simulatedClock } from '../platform/simulated-clock.ts'
import { simulatedLogger } from '../platform/simulated-logger.ts'
import { delay } from '../world/scheduler.ts'
import { BrokerFixture } from './testing/broker-fixture.ts'

const TOPIC = 'lines'
let seed = 1

class SourceFixture {
  readonly brokers = new BrokerFixture(seed++)
  readonly #connector = createKafkaConnector(
    this.brokers.broker.clientFactory(this.brokers.process),
  )
  readonly #platform = {
    clock: simulatedClock(this.brokers.process),
    random: this.brokers.world.random.split('source'),
    filesystem: {},
    logger: simulatedLogger(this.brokers.process, 'error'),
  } as unknown as Platform

  constructor() {
    this.brokers.broker.createTopic(TOPIC, 1)
  }

  append(...values: readonly string[]): void {
    this.brokers.broker.append(TOPIC, 0, values)
  }

  /** Reads until `count` lines have come; gives them with what a checkpoint would keep then. */
  async read(
    count: number,
    more: Readonly<Record<string, string>> = {},
    restored: Parameters<typeof runSource>[4] = null,
    onPoll: () => void = () => {},
    onBatch: (rows: number) => void = () => {},
  ): Promise<{ lines: string[]; enumerator: unknown; splits: readonly SourceSplit[][] }> {
    const options = {
      topic: TOPIC,
      'properties.bootstrap.servers': this.brokers.broker.bootstrapServers,
      'scan.startup.mode': 'earliest-offset',
      ...more,
    }
    const run = await runSource(this.#connector, this.#platform, options, 1, restored)
    const lines: string[] = []
    try {
      const output = {
        emit: (_splitId: string, batch: ColumnBatch) => {
          onBatch(batch.rowCount)
          lines.push(...linesOf(batch))
        },
        splitCaughtUpEmpty: () => {},
        splitFinished: () => {},
      }
      while (lines.length < count) {
        run.readers[0]?.poll(output)
        await Promise.race([run.failure, delay(this.brokers.process, 5)])
        onPoll()
      }
      const splits = run.readers.map((reader) => [...reader.snapshot(1)])
      return JSON.parse(JSON.stringify({ lines, enumerator: run.enumeratorState(), splits }))
    } finally {
      await run.close()
    }
  }
}

/** A scenario in simulated time. */
function scenario(name: string, body: (source: SourceFixture) => Promise<void>): void {
  test(name, () => {
    const source = new SourceFixture()
    return source.brokers.run(() => body(source))
  })
}

scenario(
  'what retention takes before the first fetch is no loss of a job that begins',
  async (source) => {
    source.append('a', 'b', 'c')
    const { broker } = source.brokers
    // Between the enumerator's question and the reader's first fetch.
    broker.faults.add({
      ...{ moment: 'slow', apis: ['FETCH'], times: 1, delayMs: 50 },
      onHit: () => broker.deleteRecordsBefore(TOPIC, 0, 2),
    })
    assert.deepEqual((await source.read(1)).lines, ['c'])
  },
)

scenario(
  'small record batches are gathered, large ones are cut into equal parts',
  async (source) => {
    const texts = (count: number) => Array.from({ length: count }, (_, i) => `${i}`)
    const batches = [4000, 4000, 4000, 100, 9000, 10, 8182, 1]
    for (const count of batches) source.append(...texts(count))
    const sizes: number[] = []
    const total = batches.reduce((sum, count) => sum + count, 0)
    const { lines } = await source.read(
      total,
      {},
      null,
      () => {},
      (rows) => sizes.push(rows),
    )
    assert.deepEqual(lines, batches.flatMap(texts))
    assert.deepEqual(sizes, [8000, 4100, 4500, 4500, 8192, 1])
  },
)

scenario('an offset of a checkpoint that is gone ends the job by name', async (source) => {
  source.append('a')
  const checkpoint = await source.read(1)
  source.append('b', 'c')
  source.brokers.broker.deleteRecordsBefore(TOPIC, 0, 2)
  await assert.rejects(source.read(1, {}, checkpoint), {
    code: 'KAFKA_OFFSET_OUT_OF_RANGE',
    location: { topic: TOPIC, partition: 0, offset: '1' },
  })
})

scenario('an offset that was never there is not taken for one that is gone', async (source) => {
  source.append('a')
  const beyond = {
    'scan.startup.mode': 'specific-offsets',
    'scan.startup.specific-offsets': 'partition:0,offset:99',
  }
  await assert.rejects(source.read(1, beyond), { code: 'KAFKA_OFFSET_OUT_OF_RANGE' })
})

const ANEW = { code: 'KAFKA_TOPIC_MADE_ANEW' }

scenario(
  'a topic that is made anew while a job reads ends it by name, however many records it has',
  async (source) => {
    source.append('a', 'b')
    let polls = 0
    const reading = source.read(99, {}, null, () => {
      if (++polls !== 20) return
      source.brokers.broker.makeTopicAnew(TOPIC)
      source.append('other 1', 'other 2', 'other 3', 'other 4')
    })
    await assert.rejects(reading, ANEW)
  },
)

scenario('a topic that was made anew since the checkpoint ends the job by name', async (source) => {
  source.append('a')
  const checkpoint = await source.read(1)
  source.brokers.broker.makeTopicAnew(TOPIC)
  source.append('other 1', 'other 2', 'other 3')
  await assert.rejects(source.read(1, {}, checkpoint), {
    ...ANEW,
    location: { topic: TOPIC, partition: 0, offset: '1' },
  })
})

scenario(
  'a checkpoint of before topics had ids is accepted, and keeps the id from then on',
  async (source) => {
    source.append('a')
    const { enumerator, splits } = await source.read(1)
    const older = splits.map((each) =>
      each.map((split) => {
        const { topicId: _, ...position } = split.position as { readonly topicId: string }
        return { ...split, position }
      }),
    )
    source.append('b')
    const next = await source.read(1, {}, { enumerator, splits: older })
    assert.deepEqual(next.lines, ['b'])
    const kept = next.splits[0]?.[0]?.position as { readonly topicId?: string }
    assert.equal(kept.topicId, source.brokers.broker.state.topicIds.get(TOPIC))
  },
)
