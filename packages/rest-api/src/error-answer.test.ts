/**
 * Error bodies: nothing but `errors`, readable by the reference's clients, and whole again in ours.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import type { ErrorData } from '@millrace/core'
import { errorAnswer, errorDataOf } from './index.ts'

const ERROR: ErrorData = {
  brand: 'millrace-error',
  code: 'SQL_UNKNOWN_TABLE',
  message: "Unknown table 'a\n(b)'.",
  domain: 'user',
  retry: 'never',
  hint: "Did you mean 'c'?",
  location: { line: 1, column: 15 },
  stack: 'Error\n\tat ours',
  cause: {
    brand: 'millrace-error',
    code: 'INNER',
    message: 'why',
    domain: 'internal',
    retry: 'backoff',
    stack: 'Error\n\tat inner',
  },
}

const { stack: _outer, cause: { stack: _inner, ...CAUSE } = {}, ...REST } = ERROR

for (const wrapped of [false, true]) {
  test(`An error comes back whole but for its stack, ${wrapped ? 'wrapped' : 'plain'}`, () => {
    const answer = JSON.parse(JSON.stringify(errorAnswer(ERROR, wrapped)))
    assert.deepEqual(Object.keys(answer), ['errors'])
    assert.deepEqual(errorDataOf(answer), { ...REST, cause: CAUSE })
  })
}

/**
 * What the reference's JDBC driver shows: the last cause's message up to the next line that
 * begins with `at`.
 */
function shownByDriver(trace: string): string | null {
  const lines = trace.split('\n').map((line) => line.trim())
  const end = lines.findIndex((line) => line.includes('End of exception on server side>'))
  let shown: string | null = null
  for (let i = 0; i < end; i++) {
    const first = /^Caused by:\s*(\S+Exception)(?:\s*:\s*(.*))?$/.exec(lines[i] as string)?.[2]
    if (first === undefined) continue
    const rest = lines.slice(i + 1, end)
    const length = rest.findIndex((line) => line.startsWith('at') || line.startsWith('Caused by:'))
    shown = [first, ...rest.slice(0, length < 0 ? rest.length : length)].join('\n')
  }
  return shown
}

test('A client that reads the trace shows code, message, place, cause and hint, and no JSON', () => {
  const [first, trace] = errorAnswer(ERROR, true).errors
  assert.equal(first, 'Internal server error.')
  assert.equal(
    shownByDriver(trace as string),
    "[SQL_UNKNOWN_TABLE] Unknown table 'a\n(b)'. (line 1, column 15)\nbecause of [INNER] why\nHint: Did you mean 'c'?",
  )
})

test('What another server answers is none of our errors', () => {
  for (const answer of [
    null,
    'text',
    { errors: 'x' },
    { errors: [7, 'Not found: /v1/x'] },
    { errors: ['\tat millrace.error(no json)'] },
    { errors: ['\tat millrace.error({"code":"X"})'] },
  ]) {
    assert.equal(errorDataOf(answer), null)
  }
})
