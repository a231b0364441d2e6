/** Ids of jobs, operators and attempts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attemptIdOf, hexId, stableId } from './ids.ts'

test('ids are 32 hex digits, stable for equal text', () => {
  assert.equal(hexId(new Uint8Array([0, 15, 255])), '000fff')
  assert.match(stableId('source: t'), /^[0-9a-f]{32}$/)
  assert.equal(stableId('a'), stableId('a'))
  assert.notEqual(stableId('a'), stableId('b'))
  assert.equal(attemptIdOf('j', 'v', 1, 0), 'j_v_1_0')
})
