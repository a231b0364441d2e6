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

// Cause: both restarted for ever as KAFKA_UNREACHABLE, "closed the connection".
test('what a listener wants of its clients is said at once', { skip }, async () => {
  const topic = await kafka.createTopic(1)
  const refusals: [string, Record<string, string>, RegExp][] = [
    [
      'a login where none is taken',
      { ...login('wonder'), 'properties.bootstrap.servers': kafka.servers },
      /'properties.security.protocol' to PLAINTEXT.*takes neither TLS nor a SASL login.*SASL_PLAINTEXT/,
    ],
    [
      'no login where one is wanted',
      { 'properties.bootstrap.servers': kafka.broker.saslServers ?? '' },
      /'properties.security.protocol' to SASL_PLAINTEXT.*wants a SASL login \(PLAIN\)/,
    ],
    [
      'TLS where there is none',
      { 'properties.security.protocol': 'SSL' },
      /'properties.security.protocol' to PLAINTEXT.*the table says SSL/,
    ],
    [
      'a mechanism that is not offered',
      { ...login('wonder'), 'properties.sasl.mechanism': 'SCRAM-SHA-256' },
      /'properties.sasl.mechanism' to one of PLAIN/,
    ],
  ]
  for (const [what, properties, message] of refusals) {
    const startedMs = Date.now()
    await assert.rejects(
      kafka.readAll(topic, properties),
      (error) => {
        assert.ok(isMillraceError(error, 'KAFKA_SECURITY_MISMATCH'), String(error))
        assert.match(error.message, message)
        assert.equal(error.retry, 'never')
        return true
      },
      what,
    )
    assert.ok(Date.now() - startedMs < 4500, `${what} is no matter of patience`)
  }
})
