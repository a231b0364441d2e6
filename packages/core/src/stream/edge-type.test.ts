/** Codecs are made of edge types; what has none is refused by name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../error/millrace-error.ts'
import { codecOf } from './edge-type.ts'

test('an edge of objects is refused by name where its codec is made', () => {
  assert.throws(
    () => codecOf({ kind: 'objects', serializer: { artifact: 'a', export: 'order' } }),
    (error) => isMillraceError(error, 'EDGE_TYPE_UNSUPPORTED') && /objects/.test(error.message),
  )
})
