/** What the parser of command lines takes and refuses. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseArguments } from './arguments.ts'

test('-D takes its pair with or without a space, and says what is missing', () => {
  const { properties } = parseArguments(['-D', 'a=1', '-Db=2=3', '-D', 'c='], [])
  assert.deepEqual(properties, { a: '1', b: '2=3', c: '' })
  assert.throws(() => parseArguments(['-D'], []), {
    code: 'ARGUMENT_INVALID',
    message: 'Write -D key=value; nothing follows -D.',
  })
  assert.throws(() => parseArguments(['-D', 'rest.port'], []), {
    message: "Write -D key=value; found '-D rest.port'.",
  })
})
