/**
 * The Kafka sink against a real broker: what a checkpoint makes visible, and what becomes of
 * everything else.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf } from '@millrace/connector-kafka/testing'
import { isMillraceError } from '@millrace/core'
import { startFixture } from './kafka-fixture.ts'

const kafka = await startFixture()
const COMMITTED = { 'properties.isolation.level': 'read_committed' }
const exactlyOnce = (prefix: string) => ({
  'sink.delivery-guarantee': 'exactly-once',
  'sink.transactional-id-prefix': prefix,
})
const range = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${name}${i}`)

test('rows are visible to read_committed readers only after the commit of their checkpoint', async () => {
  const topic = await kafka.createTopic(3)
  const { writer } = kafka.writer(topic, exactlyOnce(topic))
  await writer.open(null)
  writer.write(batchOf(range('a', 10)))
  const first = await writer.prepareCommit(1)
  assert.equal(first.length, 1)
  writer.write(batchOf(range('b', 5)))
  assert.deepEqual(await kafka.readAll(topic, COMMITTED), [])
  await writer.commit(first)
  await writer.commit(first)
  assert.deepEqual((await kafka.readAll(topic, COMMITTED)).sort(), range('a', 10).sort())
  const second = await writer.prepareCommit(2)
  await writer.commit(second)
  assert.equal((await kafka.readAll(topic, COMMITTED)).length, 15)
  assert.deepEqual(await writer.prepareCommit(3), [], 'an empty transaction needs no commit')
  await writer.close()
})

test('a new attempt commits what the checkpoint pre-committed and aborts what came later', async () => {
  const topic = await kafka.createTopic(2)
  const first = kafka.writer(topic, exactlyOnce(topic)).writer
  await first.open(null)
  first.write(batchOf(range('kept', 20)))
  const committables = await first.prepareCommit(7)
  const states = first.snapshotState(7)
  first.write(batchOf(range('lost', 20)))
  await first.prepareCommit(8)
  first.write(batchOf(range('open', 3)))
  // The attempt dies here: nothing is closed, checkpoint 8 never completes.
  const second = kafka.writer(topic, exactlyOnce(topic), { attempt: 1 }).writer
  await second.open({ checkpointId: 7, states, committables })
  assert.deepEqual((await kafka.readAll(topic, COMMITTED)).sort(), range('kept', 20).sort())
  second.write(batchOf(range('again', 4)))
  await second.commit(await second.prepareCommit(8))
  // The first attempt's last transaction may have begun after the second one opened.
  await second.removeStrays?.()
  assert.equal((await kafka.readAll(topic, COMMITTED)).length, 24)
  assert.deepEqual(await kafka.ongoing(topic), [])
  await second.close()
})

test('after a scale-down the transactions of subtasks that are gone are aborted too', async () => {
  const topic = await kafka.createTopic(2)
  const states: Uint8Array[] = []
  for (const subtaskIndex of [0, 1, 2, 3]) {
    const { writer } = kafka.writer(topic, exactlyOnce(topic), { subtaskIndex, parallelism: 4 })
    await writer.open(null)
    states.push(...writer.snapshotState(0))
    writer.write(batchOf(range(`old${subtaskIndex}-`, 3)))
    await writer.prepareCommit(1)
  }
  assert.equal((await kafka.ongoing(topic)).length, 4)
  for (const subtaskIndex of [0, 1]) {
    const settings = { subtaskIndex, parallelism: 2, jobId: 'next-job' }
    const { writer } = kafka.writer(topic, exactlyOnce(topic), settings)
    const own = states.filter((_, i) => i % 2 === subtaskIndex)
    await writer.open({ checkpointId: 0, states: own, committables: [] })
    await writer.close()
  }
  assert.deepEqual(await kafka.ongoing(topic), [])
  assert.deepEqual(await kafka.readAll(topic, COMMITTED), [])
})

test('an older attempt that still writes is fenced, loudly', async () => {
  const topic = await kafka.createTopic(1)
  const old = kafka.writer(topic, exactlyOnce(topic))
  await old.writer.open(null)
  old.writer.write(batchOf(['zombie']))
  const stale = await old.writer.prepareCommit(1)
  const fresh = kafka.writer(topic, exactlyOnce(topic), { attempt: 1 }).writer
  await fresh.open(null)
  await assert.rejects(old.writer.commit(stale), (error) =>
    isMillraceError(error, 'KAFKA_TRANSACTION_LOST'),
  )
  assert.deepEqual(await kafka.readAll(topic, COMMITTED), [])
  await fresh.close()
  await old.writer.close()
})

test('a zombie under a former leader takes nothing from its successor, whatever its number', async () => {
  const topic = await kafka.createTopic(1)
  const first = kafka.writer(topic, exactlyOnce(topic), { leaderEpoch: 3, attempt: 0 }).writer
  await first.open(null)
  first.write(batchOf(['a']))
  const committables = await first.prepareCommit(1)
  const restored = { checkpointId: 1, states: first.snapshotState(1), committables }
  // Attempt numbers start anew under a new leader.
  const newer = kafka.writer(topic, exactlyOnce(topic), { leaderEpoch: 4, attempt: 0 }).writer
  await newer.open(restored)
  newer.write(batchOf(['b']))
  const second = await newer.prepareCommit(2)
  newer.write(batchOf(['c']))
  const zombie = kafka.writer(topic, exactlyOnce(topic), { leaderEpoch: 3, attempt: 7 }).writer
  await zombie.open(restored)
  zombie.write(batchOf(['zombie']))
  await zombie.prepareCommit(2)
  await newer.commit(second)
  await newer.commit(await newer.prepareCommit(3))
  assert.equal((await kafka.ongoing(topic)).length, 1, 'the zombie’s, which holds readers back')
  await newer.removeStrays?.()
  assert.deepEqual(await kafka.ongoing(topic), [])
  assert.deepEqual(await kafka.readAll(topic, COMMITTED), ['a', 'b', 'c'])
  for (const writer of [zombie, newer, first]) await writer.close()
})

test('two sinks of a job with one prefix leave each other alone', async () => {
  const topic = await kafka.createTopic(1)
  const one = kafka.writer(topic, exactlyOnce(topic), { operatorId: 'one' }).writer
  await one.open(null)
  one.write(batchOf(['a']))
  const first = await one.prepareCommit(1)
  const other = kafka.writer(topic, exactlyOnce(topic), { operatorId: 'other', attempt: 1 }).writer
  await other.open(null)
  other.write(batchOf(['b']))
  const second = await other.prepareCommit(1)
  await one.commit(first)
  await other.commit(second)
  assert.deepEqual(await kafka.readAll(topic, COMMITTED), ['a', 'b'])
  for (const writer of [one, other]) await writer.close()
})

test('a lost transaction is passed over when the option says so', async () => {
  const topic = await kafka.createTopic(1)
  const options = { ...exactlyOnce(topic), 'sink.ignore-lost-transactions': 'true' }
  const old = kafka.writer(topic, options).writer
  await old.open(null)
  old.write(batchOf(['x']))
  const committables = await old.prepareCommit(1)
  const fresh = kafka.writer(topic, options, { attempt: 1 }).writer
  await fresh.open(null)
  await fresh.close()
  const restored = kafka.writer(topic, options, { attempt: 2 }).writer
  await restored.open({ checkpointId: 1, states: [], committables })
  await restored.close()
})

test('closing a writer aborts its open transaction, so readers do not wait for its timeout', async () => {
  const topic = await kafka.createTopic(1)
  const { writer, metrics } = kafka.writer(topic, exactlyOnce(topic))
  await writer.open(null)
  writer.write(batchOf(range('x', 100)))
  while (metrics.numRecordsSend < 100) await new Promise((done) => setTimeout(done, 10))
  await writer.close()
  await kafka.append(topic, ['after'])
  assert.deepEqual(await kafka.readAll(topic, COMMITTED), ['after'])
})

test('with checkpoints a sink without options is exactly-once; without, finish makes it visible', async () => {
  const topic = await kafka.createTopic(1)
  const { writer } = kafka.writer(topic)
  await writer.open(null)
  writer.write(batchOf(['a']))
  const committables = await writer.prepareCommit(1)
  assert.equal(committables.length, 1)
  await writer.commit(committables)
  await writer.close()
  const plain = kafka.writer(topic, {}, { checkpointing: false }).writer
  await plain.open(null)
  plain.write(batchOf(['b']))
  await plain.finish()
  await plain.close()
  assert.deepEqual(await kafka.readAll(topic, COMMITTED), ['a', 'b'])
})

test('a transaction timeout beyond the broker’s limit is refused at the start', async () => {
  const topic = await kafka.createTopic(1)
  const { writer } = kafka.writer(topic, {
    ...exactlyOnce(topic),
    'properties.transaction.timeout.ms': '3600000',
  })
  await assert.rejects(writer.open(null), (error) => {
    assert.ok(isMillraceError(error, 'KAFKA_TRANSACTION_TIMEOUT_TOO_LARGE'))
    assert.match(error.message, /900000.*3600000/)
    return true
  })
  await writer.close()
})

for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
  test(`batches compressed with ${compression} are written and read back`, async () => {
    const topic = await kafka.createTopic(2)
    const lines = range('a line that repeats itself, repeats itself ', 3000)
    await kafka.append(topic, lines, { 'properties.compression.type': compression })
    assert.deepEqual((await kafka.readAll(topic)).sort(), lines.sort())
  })
}

test('each partitioner reaches the partitions it should', async () => {
  const topic = await kafka.createTopic(3)
  await kafka.append(topic, range('r', 9), { 'sink.partitioner': 'round-robin' })
  const dealt = await kafka.read(topic)
  assert.deepEqual(
    [...dealt.values()].map((lines) => lines.length),
    [3, 3, 3],
  )
  const fixed = await kafka.createTopic(3)
  const { writer } = kafka.writer(
    fixed,
    { 'sink.partitioner': 'fixed', 'sink.delivery-guarantee': 'none' },
    { subtaskIndex: 4, parallelism: 5 },
  )
  await writer.open(null)
  writer.write(batchOf(range('f', 50)))
  assert.deepEqual(await writer.prepareCommit(1), [])
  await writer.finish()
  await writer.close()
  assert.deepEqual([...(await kafka.read(fixed)).keys()], [`${fixed}-1`])
})

test('the queue is bounded: a writer that is ahead of the broker says so and wakes up again', async () => {
  const topic = await kafka.createTopic(1)
  const run = kafka.writer(topic, {
    'sink.delivery-guarantee': 'at-least-once',
    'properties.buffer.memory': '65536',
    'properties.batch.size': '16384',
  })
  await run.writer.open(null)
  let waits = 0
  for (let i = 0; i < 50; i++) {
    if (!run.writer.isAvailable()) {
      waits++
      await run.available()
    }
    run.writer.write(batchOf(range('some longer line of text to fill the queue ', 1000)))
  }
  await run.writer.finish()
  assert.ok(waits > 0)
  assert.equal(run.metrics.numRecordsSend, 50_000)
  await run.writer.close()
  assert.equal((await kafka.readAll(topic)).length, 50_000)
})

test('a topic that is missing is named at the start', async () => {
  const { writer } = kafka.writer('no-such-topic')
  await assert.rejects(writer.open(null), (error) => isMillraceError(error, 'KAFKA_TOPIC_MISSING'))
  await writer.close()
})
