/**
 * Errors for clients of the reference: the bytes. That its own classes read them is shown by
 * test/integration/reference-client.test.ts.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureCause, failureOf } from './operation-responses.ts'
import { serializedThrowable } from './serialized-throwable.ts'

const decoded = (text: string) => Buffer.from(text, 'base64')

test('the descriptors are those of the reference, then come message, trace and class', () => {
  const shown = { className: 'C', message: 'm', stackTrace: 'at' }
  const bytes = decoded(serializedThrowable(shown))
  assert.equal(bytes.readUInt32BE(0), 0xaced0005)
  const text = bytes.toString('latin1')
  for (const name of ['org.apache.flink.util.SerializedThrowable', 'java.lang.Throwable']) {
    assert.ok(text.includes(name), name)
  }
  // Cause, message, trace and suppressed ones, end of block data; then the own fields.
  const throwable = `70${'7400016d'}7070${'78'}`
  assert.ok(bytes.toString('hex').endsWith(`${throwable}7400026174${'74000143'}70`))
})

test('texts are Java’s: surrogates one by one, NUL in two bytes, long ones with a long length', () => {
  const of = (message: string) =>
    decoded(serializedThrowable({ className: '', message, stackTrace: '' })).toString('hex')
  assert.ok(of('\u00e9\u0000').includes('740004c3a9c080'))
  assert.ok(of('\u{1f600}').includes('740006eda0bdedb880'))
  const long = 'x'.repeat(70_000)
  assert.ok(of(long).includes('7c0000000000011170787878'))
})

test('a failure cause has the fields of the reference, and is ours again on this side', () => {
  const error = {
    ...{ brand: 'millrace-error', code: 'SAVEPOINT_FAILED', message: 'Take it again.' },
    ...{ domain: 'external', retry: 'never' },
  } as never
  const cause = failureCause(error)
  assert.deepEqual(Object.keys(cause).sort(), ['class', 'serialized-throwable', 'stack-trace'])
  const answer = {
    status: { id: 'COMPLETED' },
    operation: { 'failure-cause': cause },
  } as const
  assert.equal(failureOf(answer)?.code, 'SAVEPOINT_FAILED')
})
