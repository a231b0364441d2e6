/** Errors across borders. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineErrors, fromErrorData, isMillraceError, toErrorData } from './millrace-error.ts'

const { error } = defineErrors({
  DEMO_BAD: { domain: 'data', retry: 'never', description: 'For this test.' },
})

const withoutStacks = (data: unknown) =>
  JSON.parse(JSON.stringify(data, (key, value) => (key === 'stack' ? undefined : value)))

test('an error crosses a border as JSON with code, place, hint and causes intact', () => {
  const thrown = error('DEMO_BAD', 'Mend the record.', {
    hint: 'Remove it.',
    location: { topic: 't', partition: 2, offset: '17' },
    cause: new TypeError('inner', { cause: 'the root, a text' }),
  })
  const data = toErrorData(thrown)
  const back = fromErrorData(JSON.parse(JSON.stringify(data)))
  assert.equal(back.stack, data.stack)
  assert.deepEqual(withoutStacks(toErrorData(back)), withoutStacks(data))
  assert.ok(isMillraceError(back, 'DEMO_BAD') && !isMillraceError(back, 'OTHER'))
  assert.equal(data.cause?.code, 'INTERNAL_ERROR')
  assert.equal(data.cause?.cause?.message, 'the root, a text')
})

test('any thrown value becomes error data', () => {
  for (const value of ['text', 5, new Error('x'), { message: 'like an error' }]) {
    const data = toErrorData(value)
    assert.equal(data.code, 'INTERNAL_ERROR')
    assert.ok(data.message.length > 0)
  }
  assert.equal(isMillraceError(null), false)
  assert.equal(isMillraceError('text'), false)
})
