/**
 * A broker that restarts, dies or hangs in the middle: nothing is lost or doubled, and what does
 * not come back is named.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchOf, linesOf } from '@millrace/connector-kafka/testing'
import { isMillraceError } from '@millrace/core'
import { delay, startFixture } from './kafka-fixture.ts'

const kafka = await startFixture()
const ours = kafka.broker.jars !== null
const skip = ours ? false : 'the broker of KAFKA_BOOTSTRAP_SERVERS is not ours to restart'
// A broker takes long to come back on a busy machine.
const patient = { 'properties.default.api.timeout.ms': '120000' }
const range = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${name}${String(i).padStart(6, '0')}`)

test('a broker restart in the middle loses and doubles nothing, for source and sink', {
  skip,
}, async () => {
  const topic = await kafka.createTopic(2)
  const run = await kafka.run({
    topic,
    'properties.bootstrap.servers': kafka.servers,
    'scan.startup.mode': 'earliest-offset',
    'properties.isolation.level': 'read_committed',
    ...patient,
  })
  const { writer } = kafka.writer(topic, {
    'sink.delivery-guarantee': 'exactly-once',
    'sink.transactional-id-prefix': topic,
    ...patient,
  })
  await writer.open(null)
  const seen: string[] = []
  const written: string[] = []
  const reading = run.drain(
    (batch) => void seen.push(...linesOf(batch)),
    () => seen.length >= 3000,
  )
  for (let checkpoint = 1; checkpoint <= 3; checkpoint++) {
    const lines = range(`c${checkpoint}-`, 1000)
    written.push(...lines)
    writer.write(batchOf(lines.slice(0, 500)))
    // In the second round the broker is away while rows are flushed, and killed between
    // pre-commit and commit.
    const restart = checkpoint === 2 ? delay(20).then(() => kafka.broker.restart()) : null
    writer.write(batchOf(lines.slice(500)))
    const committables = await writer.prepareCommit(checkpoint)
    await restart
    if (checkpoint === 3) {
      await kafka.broker.kill()
      const again = kafka.broker.restart()
      await writer.commit(committables)
      await again
    } else await writer.commit(committables)
  }
  await reading
  assert.deepEqual(seen.sort(), written.sort())
  await writer.close()
  await run.close()
})

test('a broker that stays away fails the source with its address and the reason', {
  skip,
}, async () => {
  const topic = await kafka.createTopic(1)
  await kafka.append(topic, ['x'])
  const run = await kafka.run({
    topic,
    'properties.bootstrap.servers': kafka.servers,
    'scan.startup.mode': 'earliest-offset',
    'properties.default.api.timeout.ms': '1000',
  })
  const reading = run.drain(() => {})
  await delay(100)
  await kafka.broker.kill()
  await assert.rejects(reading, (error) => {
    assert.ok(isMillraceError(error, 'KAFKA_UNREACHABLE'))
    assert.ok(error.message.includes(kafka.servers))
    return true
  })
  await run.close()
})
