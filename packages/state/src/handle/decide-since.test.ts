/** When a checkpoint builds upon the one before, and what such chains cost. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StatePart } from '@millrace/core'
import { buildsUpon, CHAIN_PARTS_MAX, carried, inlineBytes } from './decide-since.ts'

function part(size: number, kind: 'file' | 'inline' = 'file'): StatePart {
  const where = kind === 'file' ? { kind, path: '/s' } : { kind, bytes: '' }
  return {
    handle: { ...where, size, crc32: 1 } as StatePart['handle'],
    keyGroups: { start: 0, end: 3 },
    lists: { l: { count: 1, offset: 0, stride: 1 } },
    unions: ['u'],
  }
}

test('small state, long chains and changes larger than the whole are written whole', () => {
  assert.equal(buildsUpon([]), false)
  assert.equal(buildsUpon([part(900, 'inline')]), false)
  assert.equal(buildsUpon([part(900)]), true)
  assert.equal(buildsUpon([part(900), part(400, 'inline'), part(499)]), true)
  assert.equal(buildsUpon([part(900), part(400, 'inline'), part(500)]), false)
  assert.equal(buildsUpon([part(900), ...Array(CHAIN_PARTS_MAX - 2).fill(part(1))]), true)
  assert.equal(buildsUpon([part(900), ...Array(CHAIN_PARTS_MAX - 1).fill(part(1))]), false)
})

test('of a state that changes by 1 % each time less than 3 % is written on average', () => {
  const [whole, change] = [part(1_000_000), part(10_000)]
  let chain: StatePart[] = []
  let bytes = 0
  const checkpoints = 1000
  for (let n = 0; n < checkpoints; n++) {
    const next = buildsUpon(chain) ? change : whole
    chain = next === whole ? [whole] : [...chain, next]
    bytes += next.handle.size
  }
  assert.ok(bytes / checkpoints < 30_000, `${bytes / checkpoints} bytes a checkpoint`)
})

test('what is carried on is rows by key alone', () => {
  const { handle } = part(7)
  assert.deepEqual(carried([part(7), { ...part(8), keyGroups: null }]), [
    { handle, keyGroups: { start: 0, end: 3 }, lists: {}, unions: [] },
  ])
  assert.equal(inlineBytes([part(7), part(8, 'inline'), part(9, 'inline')]), 17)
})
