/** What a subtask knows of segments that its next checkpoint may build upon. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CheckpointOrder, StatePart } from '@millrace/core'
import { StateChains } from './state-chains.ts'

const orderOf = (since: number | null): CheckpointOrder => ({
  ...{ id: 100, timestampMs: 1, kind: 'checkpoint', align: 'exactly-once', after: 'go-on' },
  incremental: { since },
})
const part = (path: string): StatePart => ({
  handle: { kind: 'file', path, size: 9, crc32: 1 },
  ...{ keyGroups: { start: 0, end: 1 }, lists: {}, unions: [] },
})

test('the order says upon which checkpoint, the chain of that one is given', () => {
  const chains = new StateChains()
  chains.written(1, 'a', [part('1')])
  chains.written(2, 'a', [part('2')])
  assert.deepEqual(chains.base(orderOf(1), 'a'), [part('1')])
  assert.deepEqual(chains.base(orderOf(2), 'a'), [part('2')])
  assert.equal(chains.base(orderOf(null), 'a'), null)
  const { incremental: _, ...alone } = orderOf(null)
  assert.equal(chains.base(alone, 'a'), null)
  assert.equal(chains.base(orderOf(2), 'b'), null)
  // Nothing is built upon an older one than before.
  assert.equal(chains.base(orderOf(1), 'a'), null)
})

test('what it was restored from is known, what was given up is forgotten, and so are old ones', () => {
  const chains = new StateChains()
  const list = { ...part('l'), keyGroups: null, lists: { l: { count: 1, offset: 0, stride: 1 } } }
  chains.restored(5, { a: { parts: [part('1'), list] } })
  assert.deepEqual(chains.base(orderOf(5), 'a'), [part('1')])
  chains.forget(5)
  assert.equal(chains.base(orderOf(5), 'a'), null)
  for (let id = 10; id < 20; id++) chains.written(id, 'a', [part(`${id}`)])
  assert.equal(chains.base(orderOf(11), 'a'), null)
  assert.deepEqual(chains.base(orderOf(19), 'a'), [part('19')])
})
