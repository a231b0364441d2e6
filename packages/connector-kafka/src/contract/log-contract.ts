/** The contract of topics, records and offsets: everything but transactions. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '@millrace/core'
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP } from '../client/kafka-client.ts'
import { ProtocolError } from '../client/protocol-errors.ts'
import {
  batchOfTexts,
  ContractProducer,
  fetchOnce,
  leaderOf,
  type RunScenario,
  readValues,
  sendBatch,
} from './contract-fixture.ts'

const PLAIN = { producerId: -1n, epoch: -1, baseSequence: -1, transactional: false }

/** Too short for anything to mend. */
const IMPATIENT_MS = 300

export function testLogContract(name: string, run: RunScenario): void {
  testTopics(name, run)
  testOffsets(name, run)
  testFetch(name, run)
  testRefusals(name, run)
  testIdempotence(name, run)
  testGroups(name, run)
}

function testTopics(name: string, run: RunScenario): void {
  test(`${name} names the partitions of a topic, and a missing topic by its error`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const topic = await fixture.createTopic(3)
      const missing = fixture.freshName()
      const { topics, brokers } = await client.metadata([topic, missing])
      assert.deepEqual(
        topics
          .map(({ error, partitions }) => [error, partitions.map((p) => p.partition).sort()])
          .sort(),
        [
          [0, [0, 1, 2]],
          [ProtocolError.UNKNOWN_TOPIC_OR_PARTITION, []],
        ],
      )
      const ids = new Set(brokers.map(({ nodeId }) => nodeId))
      const found = topics.find((entry) => entry.topic === topic)
      assert.ok(found?.partitions.every(({ leader }) => ids.has(leader)))
      assert.ok((await client.metadata(null)).topics.some((entry) => entry.topic === topic))
    }))

  test(`${name} makes a topic once, and refuses one without partitions or with a bad name`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const topic = await fixture.createTopic(2)
      await client.createTopics([{ topic, partitions: 5 }])
      assert.equal((await client.metadata([topic])).topics[0]?.partitions.length, 2)
      for (const [bad, partitions, code] of [
        [fixture.freshName(), 0, 37],
        ['not a name', 1, ProtocolError.INVALID_TOPIC_EXCEPTION],
      ] as const) {
        await assert.rejects(client.createTopics([{ topic: bad, partitions }]), (error) => {
          assert.ok(isMillraceError(error, 'KAFKA_REQUEST_FAILED'))
          assert.match(error.message, new RegExp(`\\b${code}\\b`))
          return true
        })
      }
    }))

  test(`${name} answers for a missing topic with error 3, and retries do not help`, () =>
    run(async (fixture) => {
      const client = await fixture.connect(IMPATIENT_MS)
      const topic = fixture.freshName()
      const node = (await client.metadata([])).brokers[0]?.nodeId ?? -1
      const batch = batchOfTexts(['x'], { ...PLAIN, timestampMs: fixture.nowMs() })
      const [produced] = await client.produce(
        node,
        null,
        [{ topic, partition: 0, bytes: batch }],
        5000,
      )
      assert.equal(produced?.error, ProtocolError.UNKNOWN_TOPIC_OR_PARTITION)
      const request = { maxWaitMs: 0, minBytes: 1, maxBytes: 1024, partitionMaxBytes: 1024 }
      const { partitions } = await client.fetch(
        node,
        {
          ...request,
          isolation: 'read_uncommitted',
          partitions: [{ topic, partition: 0, topicId: null, offset: 0 }],
        },
        (size) => Buffer.alloc(size),
      )
      assert.equal(partitions[0]?.error, ProtocolError.UNKNOWN_TOPIC_OR_PARTITION)
      const place = { topic, partition: 0 }
      for (const attempt of [
        client.listOffsets([{ ...place, timestampMs: LATEST_TIMESTAMP }], 'read_uncommitted'),
        client.commitOffsets(fixture.freshName(), [{ ...place, offset: 1 }]),
      ]) {
        await assert.rejects(attempt, (error) => isMillraceError(error, 'KAFKA_UNREACHABLE'))
      }
    }))

  test(`${name} tells the configs of a broker that exist`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const name = 'transaction.max.timeout.ms'
      const configs = await client.describeBrokerConfigs([name, 'no.such.config'])
      assert.deepEqual([...(configs ?? [])], [[name, '900000']])
    }))
}

function testOffsets(name: string, run: RunScenario): void {
  test(`${name} numbers records from 0 and gives them back from any offset`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const topic = await fixture.createTopic(2)
      const producer = new ContractProducer(fixture, client, null)
      assert.deepEqual(await producer.send(topic, 0, ['a', 'b', 'c']), { error: 0, baseOffset: 0 })
      assert.deepEqual(await producer.send(topic, 0, ['d']), { error: 0, baseOffset: 3 })
      const all = await fetchOnce(client, topic, 0)
      assert.deepEqual(all.values, ['a', 'b', 'c', 'd'])
      assert.deepEqual(all.offsets, [0, 1, 2, 3])
      assert.deepEqual([all.highWatermark, all.lastStableOffset, all.logStartOffset], [4, 4, 0])
      const some = await fetchOnce(client, topic, 0, { offset: 1 })
      assert.deepEqual([some.values, some.nextOffset], [['b', 'c', 'd'], 4])
      const end = await fetchOnce(client, topic, 0, { offset: 4 })
      assert.deepEqual([end.error, end.values, end.nextOffset], [0, [], 4])
      const other = await fetchOnce(client, topic, 1)
      assert.deepEqual([other.error, other.highWatermark], [0, 0])
    }))

  test(`${name} finds offsets by earliest, latest and time`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const topic = await fixture.createTopic(2)
      const base = Math.floor(fixture.nowMs()) - 10_000
      const producer = new ContractProducer(fixture, client, null)
      await producer.send(topic, 0, ['a', 'b'], { timestampMs: base })
      await producer.send(topic, 0, ['c'], { timestampMs: base + 2000 })
      await producer.send(topic, 0, ['d'], { timestampMs: base + 1000 })
      const times = [base - 5, base, base + 1, base + 2000, base + 2001]
      const place = { topic, partition: 0 }
      const found = []
      for (const timestampMs of [EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, ...times]) {
        found.push(...(await client.listOffsets([{ ...place, timestampMs }], 'read_uncommitted')))
      }
      assert.deepEqual(found, [0, 4, 0, 0, 2, 2, -1])
      const both = [1, 0].map((partition) => ({ topic, partition, timestampMs: LATEST_TIMESTAMP }))
      assert.deepEqual(await client.listOffsets(both, 'read_committed'), [0, 4])
    }))

  test(`${name} refuses offsets outside of the partition, and begins later after retention`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const topic = await fixture.createTopic(1)
      const producer = new ContractProducer(fixture, client, null)
      for (const text of ['a', 'b', 'c', 'd']) await producer.send(topic, 0, [text])
      const beyond = await fetchOnce(client, topic, 0, { offset: 5 })
      assert.equal(beyond.error, ProtocolError.OFFSET_OUT_OF_RANGE)
      assert.deepEqual(
        [beyond.highWatermark, beyond.lastStableOffset, beyond.end],
        [-1, -1, beyond.start],
      )
      await fixture.deleteRecordsBefore(topic, 0, 2)
      const before = await fetchOnce(client, topic, 0, { offset: 1, maxWaitMs: 2000 })
      assert.equal(before.error, ProtocolError.OFFSET_OUT_OF_RANGE)
      const rest = await fetchOnce(client, topic, 0, { offset: 2 })
      assert.deepEqual([rest.values, rest.logStartOffset], [['c', 'd'], 2])
      const place = { topic, partition: 0 }
      const found = await client.listOffsets(
        [{ ...place, timestampMs: EARLIEST_TIMESTAMP }],
        'read_committed',
      )
      assert.deepEqual(found, [2])
      assert.deepEqual(
        await client.listOffsets([{ ...place, timestampMs: 0 }], 'read_committed'),
        [2],
      )
    }))
}

function testFetch(name: string, run: RunScenario): void {
  test(`${name} answers a fetch when records come, or when its wait is over`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const writer = await fixture.connect()
      const topic = await fixture.createTopic(1)
      const producer = new ContractProducer(fixture, writer, null)
      await leaderOf(client, topic, 0)
      const startMs = fixture.nowMs()
      const empty = await fetchOnce(client, topic, 0, { maxWaitMs: 400 })
      assert.deepEqual([empty.error, empty.values], [0, []])
      assert.ok(fixture.nowMs() - startMs >= 390)
      const waiting = fetchOnce(client, topic, 0, { maxWaitMs: 20_000 })
      await fixture.delay(100)
      await producer.send(topic, 0, ['late'])
      assert.deepEqual((await waiting).values, ['late'])
      const many = fetchOnce(client, topic, 0, { maxWaitMs: 20_000, minBytes: 300 })
      await producer.send(topic, 0, ['x'.repeat(300)])
      assert.equal((await many).values.length, 2)
      assert.ok(fixture.nowMs() - startMs < 15_000)
    }))

  test(`${name} fills a fetch up to its bytes, the first batch whole and the last one cut off`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const topic = await fixture.createTopic(1)
      const producer = new ContractProducer(fixture, client, null)
      for (const digit of '01234') await producer.send(topic, 0, [digit.repeat(1000)])
      const tiny = await fetchOnce(client, topic, 0, { maxBytes: 10 })
      assert.deepEqual([tiny.values.length, tiny.nextOffset], [1, 1])
      const some = await fetchOnce(client, topic, 0, { maxBytes: 2500 })
      assert.deepEqual([some.values.length, some.end - some.start], [2, 2500])
    }))

  test(`${name} gives a second partition what the first one leaves, and none of a batch without its end`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const topic = await fixture.createTopic(1)
      const node = await leaderOf(client, topic, 0)
      let other = await fixture.createTopic(1)
      while (node !== (await leaderOf(client, other, 0))) other = await fixture.createTopic(1)
      const producer = new ContractProducer(fixture, client, null)
      await producer.send(topic, 0, ['a'.repeat(1000)])
      await producer.send(other, 0, ['b'.repeat(1000)])
      const sizesOf = async (maxBytes: number) => {
        const limits = { maxWaitMs: 0, minBytes: 1, maxBytes, partitionMaxBytes: 1 << 20 }
        const { partitions } = await client.fetch(
          node,
          {
            ...{ ...limits, isolation: 'read_uncommitted' },
            partitions: [topic, other].map((name) => ({
              ...{ topic: name, topicId: null, partition: 0, offset: 0 },
            })),
          },
          (size) => Buffer.alloc(size),
        )
        return partitions.map(({ start, end }) => end - start)
      }
      const [first, second] = (await sizesOf(1 << 20)) as [number, number]
      assert.equal(first, second)
      assert.deepEqual(await sizesOf(10), [first, 0])
      assert.deepEqual(await sizesOf(first + 500), [first, 0])
      await producer.send(other, 0, ['c'.repeat(1000)])
      assert.deepEqual(await sizesOf(2 * first + 500), [first, first + 500])
    }))
}

function testRefusals(name: string, run: RunScenario): void {
  test(`${name} answers for a partition that a topic does not have with error 3`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const topic = await fixture.createTopic(1)
      const node = await leaderOf(client, topic, 0)
      const bytes = batchOfTexts(['x'], { ...PLAIN, timestampMs: fixture.nowMs() })
      const [sent] = await client.produce(node, null, [{ topic, partition: 7, bytes }], 5000)
      assert.equal(sent?.error, ProtocolError.UNKNOWN_TOPIC_OR_PARTITION)
      const limits = { maxWaitMs: 0, minBytes: 1, maxBytes: 1024, partitionMaxBytes: 1024 }
      const partitions = [{ topic, topicId: null, partition: 7, offset: 0 }]
      const fetched = await client.fetch(
        node,
        { ...limits, isolation: 'read_committed', partitions },
        (size) => Buffer.alloc(size),
      )
      assert.equal(fetched.partitions[0]?.error, ProtocolError.UNKNOWN_TOPIC_OR_PARTITION)
    }))

  test(`${name} refuses a damaged batch and one that is too large`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const topic = await fixture.createTopic(1)
      const timestampMs = fixture.nowMs()
      const damaged = await sendBatch(client, null, topic, 0, () => {
        const bytes = batchOfTexts(['abc'], { ...PLAIN, timestampMs })
        bytes[bytes.length - 3] = 0x7a
        return bytes
      })
      assert.deepEqual(damaged, { error: ProtocolError.CORRUPT_MESSAGE, baseOffset: -1 })
      const large = await sendBatch(client, null, topic, 0, () =>
        batchOfTexts(['x'.repeat(1_100_000)], { ...PLAIN, timestampMs }),
      )
      assert.deepEqual(large, { error: ProtocolError.MESSAGE_TOO_LARGE, baseOffset: -1 })
      assert.deepEqual(await readValues(client, topic, 0, 'read_uncommitted'), [])
    }))
}

function testIdempotence(name: string, run: RunScenario): void {
  test(`${name} stores a repeated batch once and answers it as before`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const topic = await fixture.createTopic(1)
      const producer = await new ContractProducer(fixture, client, null).init()
      for (let i = 0; i < 6; i++) await producer.send(topic, 0, [`${i}a`, `${i}b`])
      const repeat = (baseSequence: number) => producer.send(topic, 0, ['x', 'y'], { baseSequence })
      assert.deepEqual(await repeat(10), { error: 0, baseOffset: 10 })
      assert.deepEqual(await repeat(2), { error: 0, baseOffset: 2 })
      // The sixth last one is forgotten.
      const old = await repeat(0)
      assert.equal(old.error, ProtocolError.OUT_OF_ORDER_SEQUENCE_NUMBER)
      assert.equal((await readValues(client, topic, 0, 'read_uncommitted')).length, 12)
    }))

  test(`${name} refuses a gap in the sequence, and an overlap, but not a later start`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const topic = await fixture.createTopic(1)
      const producer = await new ContractProducer(fixture, client, null).init()
      const send = (baseSequence: number) =>
        producer.send(topic, 0, ['x', 'y'], { baseSequence }).then(({ error }) => error)
      const outOfOrder = ProtocolError.OUT_OF_ORDER_SEQUENCE_NUMBER
      assert.deepEqual([await send(0), await send(3), await send(1)], [0, outOfOrder, outOfOrder])
      assert.equal(await send(2), 0)
      const late = await new ContractProducer(fixture, client, null).init()
      const started = await late.send(topic, 0, ['z'], { baseSequence: 7 })
      assert.equal(started.error, 0)
      assert.equal((await late.send(topic, 0, ['z'], { baseSequence: 8 })).error, 0)
    }))

  test(`${name} gives every idempotent producer an id of its own`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const one = await client.initProducerId(null, 1000)
      const other = await client.initProducerId(null, 1000)
      assert.notEqual(one.producerId, other.producerId)
      assert.deepEqual([one.epoch, other.epoch], [0, 0])
    }))
}

function testGroups(name: string, run: RunScenario): void {
  test(`${name} keeps the offsets of a group, -1 where there is none`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const topic = await fixture.createTopic(2)
      const group = fixture.freshName()
      const places = [1, 0].map((partition) => ({ topic, partition }))
      assert.deepEqual(await client.fetchCommittedOffsets(group, places), [-1, -1])
      await client.commitOffsets(group, [{ topic, partition: 1, offset: 7 }])
      await client.commitOffsets(group, [{ topic, partition: 1, offset: 5 }])
      const other = await fixture.connect()
      assert.deepEqual(await other.fetchCommittedOffsets(group, places), [5, -1])
    }))
}
