/**
 * Bad input with a real broker: malformed records, missing topics, brokers that do not answer, and
 * one that goes away while a job runs.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { ONCE, startBadInput } from '../end-to-end/bad-input-fixture.ts'
import { startKafkaBroker } from '../kafka-broker/broker.ts'
import { createTopics, openProducer, produce, readWholeTopic } from '../support/kafka-topics.ts'
import { sqlRunner } from '../support/run-sql.ts'
import { until } from '../support/until.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-bad-kafka-'))
const broker = await startKafkaBroker({ directory, heap: '384m' })
after(async () => {
  await broker.kill().catch(() => {})
  rmSync(directory, { recursive: true, force: true })
})
const servers = broker.bootstrapServers
const fixture = await startBadInput()

const table = (name: string, topic: string, more = '', at = servers) =>
  `CREATE TABLE ${name} (id INT, name STRING) WITH ('connector' = 'kafka', 'topic' = '${topic}', 'properties.bootstrap.servers' = '${at}',
   'scan.startup.mode' = 'earliest-offset', 'format' = 'json'${more});`
const BOUNDED = ", 'scan.bounded.mode' = 'latest-offset'"

async function fill(topic: string, partition: number, values: readonly string[]): Promise<void> {
  const producer = await openProducer(servers)
  await produce(
    producer,
    topic,
    values.map((value) => ({ partition, value })),
  )
  await producer.disconnect()
}

describe('bad input from Kafka', { concurrency: false }, () => {
  it('a malformed record is named by topic, partition and offset, and nothing of the open transaction is committed', async () => {
    await createTopics(servers, { readings: 2, results: 1 })
    await fill('readings', 1, ['{"id":1,"name":"a"}', '{"id":"two","name":"b"}'])
    const { error } = await fixture.failingJob(
      `${table('readings', 'readings', BOUNDED)} ${table('results', 'results')} ${ONCE}
       SET 'execution.checkpointing.interval' = '500 ms'; SET 'execution.checkpointing.dir' = 'file://${fixture.path('checkpoints')}';
       INSERT INTO results SELECT * FROM readings;`,
    )
    assert.equal(error.code, 'FORMAT_RECORD_MALFORMED')
    assert.match(error.message, /Field 'id' expects INT, found "two"/)
    const { topic, partition, offset } = error.location ?? {}
    assert.deepEqual({ topic, partition, offset }, { topic: 'readings', partition: 1, offset: '1' })
    assert.deepEqual(await readWholeTopic(servers, 'results'), [])
  })

  it('a missing topic names the nearest one, as source and as sink', async () => {
    const source = await fixture.failingJob(
      `${table('t', 'raedings', BOUNDED)} ${ONCE} SELECT * FROM t;`,
    )
    assert.equal(source.error.code, 'KAFKA_TOPIC_MISSING')
    assert.equal(source.error.location?.topic, 'raedings')
    assert.match(source.error.hint ?? '', /readings/)
    const sink = await fixture.failingJob(
      `${table('r', 'readings', BOUNDED)} ${table('t', 'resluts')} ${ONCE} INSERT INTO t SELECT * FROM r;`,
    )
    assert.equal(sink.error.code, 'KAFKA_TOPIC_MISSING')
    assert.match(sink.error.hint ?? '', /results/)
  })

  it('a broker that does not answer is named within the time that was given', async () => {
    const limit = ", 'properties.default.api.timeout.ms' = '1000'"
    const { error } = await fixture.failingJob(
      `${table('t', 'readings', limit, '127.0.0.1:1')} ${ONCE} SELECT * FROM t;`,
    )
    assert.equal(error.code, 'KAFKA_UNREACHABLE')
    assert.match(error.message, /127\.0\.0\.1:1 .* within 1000 ms/)
    assert.match(error.hint ?? '', /Check 'properties\.bootstrap\.servers'/)
  })

  it('a broker that goes away restarts the job with a named reason; once it is back the job goes on and nothing is lost or doubled', async () => {
    await createTopics(servers, { 'vanish-in': 1, 'vanish-out': 1 })
    await fill(
      'vanish-in',
      0,
      Array.from({ length: 50 }, (_, id) => `{"id":${id},"name":"before"}`),
    )
    const runner = sqlRunner(fixture.cluster.restAddress)
    const limit = ", 'properties.default.api.timeout.ms' = '2000'"
    const jobId = await runner.submit(
      `${table('i', 'vanish-in', limit)} ${table('o', 'vanish-out', `${limit}, 'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'vanish'`)}
       SET 'execution.checkpointing.interval' = '300 ms'; SET 'execution.checkpointing.dir' = 'file://${fixture.path('vanish')}';
       SET 'restart-strategy.type' = 'fixed-delay'; SET 'restart-strategy.fixed-delay.attempts' = '1000'; SET 'restart-strategy.fixed-delay.delay' = '500 ms';
       INSERT INTO o SELECT * FROM i;`,
    )
    const committed = async () => (await readWholeTopic(servers, 'vanish-out')).length
    await until('the first half is committed', async () => (await committed()) >= 50)
    assert.equal(await committed(), 50)
    await broker.kill()
    const down = await runner.awaitJob(
      jobId,
      (detail) => detail.restarts > 0 || detail.state === 'RESTARTING',
      120_000,
    )
    const { exceptionHistory } = await runner.rest.jobExceptions(jobId)
    const reasons = exceptionHistory.entries.map(({ error }) => JSON.stringify(error))
    assert.match(reasons[0] ?? '', /KAFKA_|CHECKPOINT_/, `${down.state}`)
    assert.ok(reasons.some((reason) => reason.includes(servers) || reason.includes('KAFKA_')))
    await broker.restart()
    await fill(
      'vanish-in',
      0,
      Array.from({ length: 50 }, (_, id) => `{"id":${id + 50},"name":"after"}`),
    )
    await until('all is committed', async () => (await committed()) >= 100)
    const ids = (await readWholeTopic(servers, 'vanish-out')).map((text) => JSON.parse(text).id)
    assert.deepEqual(
      ids.sort((a, b) => a - b),
      Array.from({ length: 100 }, (_, id) => id),
    )
    await runner.rest.cancelJob(jobId)
    await runner.close()
  })
})
