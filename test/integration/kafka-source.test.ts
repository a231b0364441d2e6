/**
 * The Kafka source against a real broker: where it begins and ends, what it finds,
 * and how it fails.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SourceSplit } from '@millrace/connector'
import { batchOf, linesOf } from '@millrace/connector-kafka/testing'
import { isMillraceError } from '@millrace/core'
import { until } from '../support/until.ts'
import { delay, startFixture } from './kafka-fixture.ts'

const kafka = await startFixture()
const range = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${name}${String(i).padStart(6, '0')}`)
const source = (topic: string, more: Record<string, string> = {}) => ({
  topic,
  'properties.bootstrap.servers': kafka.servers,
  'scan.startup.mode': 'earliest-offset',
  ...more,
})

test('every record of every partition is read once, in order, at any parallelism', async () => {
  const topic = await kafka.createTopic(3)
  const lines = range('r', 6000)
  await kafka.append(topic, lines, { 'sink.partitioner': 'round-robin' })
  for (const parallelism of [1, 2, 5]) {
    const read = await kafka.read(topic, {}, parallelism)
    assert.equal(read.size, 3)
    for (const part of read.values()) assert.deepEqual(part, [...part].sort())
    assert.deepEqual([...read.values()].flat().sort(), lines)
  }
})

test('small fetch sizes give the same records', async () => {
  const topic = await kafka.createTopic(2)
  const lines = range('a record of some length ', 5000)
  await kafka.append(topic, lines, { 'properties.batch.size': '2000' })
  const small = {
    'properties.fetch.max.bytes': '5000',
    'properties.max.partition.fetch.bytes': '3000',
  }
  assert.deepEqual((await kafka.readAll(topic, small)).sort(), lines)
})

test('startup modes begin where they say', async () => {
  const topic = await kafka.createTopic(1)
  await kafka.append(topic, range('old', 10))
  await delay(20)
  const betweenMs = Date.now()
  await delay(20)
  await kafka.append(topic, range('new', 5))
  const from = (more: Record<string, string>) => kafka.readAll(topic, more)
  assert.equal((await from({})).length, 15)
  assert.deepEqual(await from({ 'scan.startup.mode': 'latest-offset' }), [])
  assert.deepEqual(
    await from({
      'scan.startup.mode': 'timestamp',
      'scan.startup.timestamp-millis': String(betweenMs),
    }),
    range('new', 5),
  )
  assert.deepEqual(
    await from({
      'scan.startup.mode': 'specific-offsets',
      'scan.startup.specific-offsets': 'partition:0,offset:13',
    }),
    range('new', 5).slice(3),
  )
  const group = { 'scan.startup.mode': 'group-offsets', 'properties.group.id': `g-${topic}` }
  await assert.rejects(from(group), (error) => isMillraceError(error, 'KAFKA_NO_COMMITTED_OFFSET'))
  const reset = await from({ ...group, 'properties.auto.offset.reset': 'earliest' })
  assert.equal(reset.length, 15)
  await kafka.client.commitOffsets(`g-${topic}`, [{ topic, partition: 0, offset: 12 }])
  assert.deepEqual(await from(group), range('new', 5).slice(2))
})

test('bounded modes end where they say, also behind aborted and control records', async () => {
  const topic = await kafka.createTopic(1)
  await kafka.append(topic, range('a', 10))
  const until = (more: Record<string, string>) => kafka.readAll(topic, more)
  assert.deepEqual(
    await until({
      'scan.bounded.mode': 'specific-offsets',
      'scan.bounded.specific-offsets': 'partition:0,offset:4',
    }),
    range('a', 4),
  )
  const { writer, metrics } = kafka.writer(topic, {
    'sink.delivery-guarantee': 'exactly-once',
    'sink.transactional-id-prefix': topic,
  })
  await writer.open(null)
  writer.write(batchOf(range('aborted', 10)))
  while (metrics.numRecordsSend < 10) await delay(10)
  await writer.close()
  const committed = { 'properties.isolation.level': 'read_committed' }
  assert.deepEqual(await until(committed), range('a', 10))
  assert.equal((await until({})).length, 20)
  await kafka.client.commitOffsets(`b-${topic}`, [{ topic, partition: 0, offset: 3 }])
  assert.deepEqual(
    await until({ 'scan.bounded.mode': 'group-offsets', 'properties.group.id': `b-${topic}` }),
    range('a', 3),
  )
})

test('positions are exact: a reader restored from a snapshot goes on after the last emitted row', async () => {
  const topic = await kafka.createTopic(2)
  const lines = range('r', 20_000)
  await kafka.append(topic, lines, { 'sink.partitioner': 'round-robin' })
  const bounded = source(topic, { 'scan.bounded.mode': 'latest-offset' })
  const first = await kafka.run(bounded)
  const seen: string[] = []
  let batches = 0
  await first.drain(
    (batch) => {
      seen.push(...linesOf(batch))
      batches++
    },
    () => batches >= 2,
  )
  assert.ok(seen.length > 0 && seen.length < lines.length)
  const splits: SourceSplit[][] = [[...(first.readers[0]?.snapshot(1) ?? [])]]
  const state = { enumerator: first.enumeratorState(), splits: JSON.parse(JSON.stringify(splits)) }
  await first.close()
  const second = await kafka.run(bounded, 1, state)
  await second.drain((batch) => void seen.push(...linesOf(batch)))
  await second.close()
  assert.deepEqual(seen.sort(), lines)
})

test('offsets of completed checkpoints are committed to the group, and gauges show them', async () => {
  const topic = await kafka.createTopic(1)
  await kafka.append(topic, range('r', 50))
  const run = await kafka.run(source(topic, { 'properties.group.id': topic }))
  let rows = 0
  await run.drain(
    (batch) => {
      rows += batch.rowCount
    },
    () => rows === 50,
  )
  const reader = run.readers[0]
  reader?.snapshot(1)
  await reader?.notifyCheckpointComplete?.(1)
  const gauges = run.metrics[0]?.gauges
  await until(
    'the offset is committed',
    () => gauges?.get('KafkaSourceReader.commitsSucceeded') === 1,
  )
  assert.deepEqual(await kafka.client.fetchCommittedOffsets(topic, [{ topic, partition: 0 }]), [50])
  const name = `KafkaSourceReader.topic.${topic}.partition.0`
  assert.equal(gauges?.get(`${name}.committedOffset`), 50)
  assert.equal(gauges?.get(`${name}.currentOffset`), 49)
  assert.equal(run.metrics[0]?.pendingRecords, 0)
  await run.close()
})

test('an empty partition is reported as caught up, one with records is not', async () => {
  const topic = await kafka.createTopic(2)
  await kafka.append(topic, ['only'], { 'sink.partitioner': 'fixed' })
  const run = await kafka.run(source(topic))
  const caughtUp: string[] = []
  let rows = 0
  await run.drain(
    (batch) => {
      rows += batch.rowCount
    },
    () => rows === 1 && caughtUp.length > 0,
    { caughtUp: (splitId) => caughtUp.push(splitId) },
  )
  assert.deepEqual(caughtUp, [`${topic}-1`])
  await run.close()
})

test('a topic that appears later is found by its pattern and read from its first record', async () => {
  const topic = await kafka.createTopic(1)
  await kafka.append(topic, ['first'])
  const run = await kafka.run({
    'topic-pattern': `${topic}.*`,
    'properties.bootstrap.servers': kafka.servers,
    'scan.startup.mode': 'latest-offset',
    'scan.topic-partition-discovery.interval': '100 ms',
  })
  await kafka.client.createTopics([{ topic: `${topic}-more`, partitions: 1 }])
  await delay(300)
  await kafka.append(`${topic}-more`, ['later'])
  const seen: string[] = []
  await run.drain(
    (batch) => void seen.push(...linesOf(batch)),
    () => seen.length > 0,
  )
  assert.deepEqual(seen, ['later'])
  await run.close()
})

test('a missing topic is named with the nearest one that exists', async () => {
  const topic = await kafka.createTopic(1)
  await assert.rejects(kafka.readAll(topic.slice(0, -1)), (error) => {
    assert.ok(isMillraceError(error, 'KAFKA_TOPIC_MISSING'))
    assert.match(error.hint ?? '', new RegExp(topic))
    return true
  })
})

test('an unreachable broker is named within the deadline', async () => {
  await assert.rejects(
    kafka.readAll('any', {
      'properties.bootstrap.servers': '127.0.0.1:1',
      'properties.default.api.timeout.ms': '700',
    }),
    (error) => {
      assert.ok(isMillraceError(error, 'KAFKA_UNREACHABLE'))
      assert.match(error.message, /127\.0\.0\.1:1 .* within 700 ms/)
      return true
    },
  )
})

test('the first start of a job looks for its broker for five seconds, not for half a minute', async () => {
  // Cause: a mistyped address looked like a running query without rows for 30 s.
  await assert.rejects(kafka.readAll('any', { 'properties.bootstrap.servers': '127.0.0.1:1' }), {
    code: 'KAFKA_UNREACHABLE',
    message: /within 5000 ms/,
  })
})

test('an offset that is not there fails loudly', async () => {
  const topic = await kafka.createTopic(1)
  await kafka.append(topic, range('r', 5))
  const run = await kafka.run(
    source(topic, {
      'scan.startup.mode': 'specific-offsets',
      'scan.startup.specific-offsets': 'partition:0,offset:99',
    }),
  )
  await assert.rejects(
    run.drain(() => {}),
    (error) => {
      assert.ok(isMillraceError(error, 'KAFKA_OFFSET_OUT_OF_RANGE'))
      assert.equal(error.location?.offset, '99')
      return true
    },
  )
  await run.close()
})
