/** Options of a Kafka table: what is accepted, what is refused and how. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '@millrace/core'
import type { Filesystem } from '@millrace/platform'
import { parseKafkaProperties } from './client/kafka-properties.ts'
import { type KafkaSourceConfig, planKafkaSink, planKafkaSource } from './kafka-table.ts'
import { splitOwner } from './source/kafka-split.ts'
import { planTable } from './testing/source-harness.ts'

const base = { topic: 'readings', 'properties.bootstrap.servers': 'localhost:9092' }
const early = { ...base, 'scan.startup.mode': 'earliest-offset' }

function refused(plan: () => unknown, optionKey: string, message: RegExp): void {
  assert.throws(plan, (error) => {
    assert.ok(isMillraceError(error))
    assert.equal(error.location?.optionKey, optionKey)
    assert.match(error.message, message)
    return true
  })
}

test('the source of the main job is planned unbounded with partition discovery', () => {
  const plan = planKafkaSource(planTable({ ...early, 'properties.group.id': 'g' }))
  const config = plan.config as KafkaSourceConfig
  assert.equal(plan.bounded, false)
  assert.deepEqual(config.topics, ['readings'])
  assert.deepEqual(config.properties, { 'bootstrap.servers': 'localhost:9092', 'group.id': 'g' })
  assert.equal(config.discoveryIntervalMs, 300_000)
  assert.deepEqual(JSON.parse(JSON.stringify(config)), config)
})

test('a source begins at its group’s offsets, or, without a group and a mode, at the earliest', () => {
  const startOf = (more: Record<string, string>) => {
    const { startup, startupUnsaid } = planKafkaSource(planTable({ ...base, ...more }))
      .config as KafkaSourceConfig
    return [startup.mode, startupUnsaid]
  }
  assert.deepEqual(startOf({}), ['earliest-offset', true])
  assert.deepEqual(startOf({ 'properties.group.id': 'g' }), ['group-offsets', false])
  assert.deepEqual(startOf({ 'scan.startup.mode': 'latest-offset' }), ['latest-offset', false])
})

test('bad options are refused with the key they stand in', () => {
  const source = (more: Record<string, string>) => () =>
    planKafkaSource(planTable({ ...early, ...more }))
  refused(
    source({ 'properties.bootstrap.servers': 'localhost' }),
    'properties.bootstrap.servers',
    /host:port/,
  )
  refused(source({ 'scan.startup.mode': 'group-offsets' }), 'properties.group.id', /group-offsets/)
  refused(
    source({ 'scan.startup.mode': 'timestamp' }),
    'scan.startup.timestamp-millis',
    /milliseconds/,
  )
  refused(
    source({ 'scan.startup.mode': 'specific-offsets', 'scan.startup.specific-offsets': '0:1' }),
    'scan.startup.specific-offsets',
    /partition:0,offset:42/,
  )
  refused(source({ 'scan.startup.mode': 'earliest' }), 'scan.startup.mode', /one of/)
  refused(source({ 'topic-pattern': 'x' }), 'topic', /one of/)
  refused(source({ format: 'jsn' }), 'format', /raw/)
})

test('exactly-once without a prefix is refused as the reference does, and left open when neither is set', () => {
  const sink = (more: Record<string, string>) => planKafkaSink(planTable({ ...base, ...more }))
  refused(
    () => sink({ 'sink.delivery-guarantee': 'exactly-once' }),
    'sink.transactional-id-prefix',
    /needs it/,
  )
  assert.equal((sink({}).config as { guarantee: unknown }).guarantee, null)
  refused(() => sink({ topic: 'a;b' }), 'topic', /one topic/)
})

test('credentials are parsed and never shown', async () => {
  const filesystem = {} as Filesystem
  const jaas =
    'org.apache.kafka.common.security.plain.PlainLoginModule required username="me" password="se\\"cret";'
  const properties = {
    'bootstrap.servers': '[::1]:9092, b:1',
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'PLAIN',
  }
  const settings = await parseKafkaProperties(
    { ...properties, 'sasl.jaas.config': jaas },
    filesystem,
  )
  assert.deepEqual(settings.sasl, { mechanism: 'plain', username: 'me', password: 'se"cret' })
  assert.deepEqual(settings.bootstrapServers[0], { host: '::1', port: 9092 })
  await assert.rejects(
    parseKafkaProperties({ ...properties, 'sasl.jaas.config': 'password="hidden"' }, filesystem),
    (error) => isMillraceError(error, 'KAFKA_OPTION_INVALID') && !error.message.includes('hidden'),
  )
  await assert.rejects(
    parseKafkaProperties({ ...properties, 'sasl.mechanism': 'OAUTHBEARER' }, filesystem),
    /Not supported yet/,
  )
})

test('the partitions of a topic are spread evenly over the readers', () => {
  for (const parallelism of [1, 2, 3, 7]) {
    const counts = new Array(parallelism).fill(0)
    for (let partition = 0; partition < 3 * parallelism; partition++) {
      counts[splitOwner('some-topic', partition, parallelism)]++
    }
    assert.deepEqual(counts, new Array(parallelism).fill(3))
  }
})
