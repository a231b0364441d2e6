/** Logging in to a real broker over SASL PLAIN, with the right and the wrong password. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '@millrace/core'
import { startFixture } from './kafka-fixture.ts'

const kafka = await startFixture({ sasl: { username: 'alice', password: 'wonder' } })
const skip =
  kafka.broker.saslServers === null ? 'the broker of KAFKA_BOOTSTRAP_SERVERS is not ours' : false
const login = (password: string) => ({
  'properties.bootstrap.servers': kafka.broker.saslServers ?? '',
  'properties.security.protocol': 'SASL_PLAINTEXT',
  'properties.sasl.mechanism': 'PLAIN',
  'properties.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="${password}";`,
})

test('source and sink work over a connection that was logged in', { skip }, async () => {
  const topic = await kafka.createTopic(2)
  await kafka.append(topic, ['a', 'b'], login('wonder'))
  assert.deepEqual(await kafka.readAll(topic, login('wonder')), ['a', 'b'])
})

test('a wrong password is refused at once, and not shown', { skip }, async () => {
  const topic = await kafka.createTopic(1)
  await assert.rejects(kafka.readAll(topic, login('secret-but-wrong')), (error) => {
    assert.ok(isMillraceError(error, 'KAFKA_AUTHENTICATION_FAILED'))
    assert.ok(
      !JSON.stringify(error).includes('secret-but-wrong') && !error.message.includes('secret'),
    )
    return true
  })
})
