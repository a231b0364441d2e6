/** Ids, hashes and the partition of key groups. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeUtf8 } from '../batch/utf8.ts'
import { attemptIdOf, hexId, stableId } from './ids.ts'
import {
  hashBytes,
  hashFloat64,
  hashInt64,
  keyGroupRangeOf,
  subtaskOfKeyGroup,
} from './key-group.ts'

test('key group ranges partition the groups and agree with subtaskOfKeyGroup', () => {
  for (const maxParallelism of [1, 2, 7, 128, 1000, 32768]) {
    for (const parallelism of [1, 2, 3, 5, 7, 64, 127, 128]) {
      if (parallelism > maxParallelism) continue
      let next = 0
      for (let subtask = 0; subtask < parallelism; subtask++) {
        const { start, end } = keyGroupRangeOf(subtask, parallelism, maxParallelism)
        assert.equal(start, next)
        assert.ok(end >= start)
        assert.equal(subtaskOfKeyGroup(start, parallelism, maxParallelism), subtask)
        assert.equal(subtaskOfKeyGroup(end, parallelism, maxParallelism), subtask)
        next = end + 1
      }
      assert.equal(next, maxParallelism)
    }
  }
})

test('hashBytes is Murmur3 x86_32 with seed 0', () => {
  const hash = (text: string) => {
    const bytes = encodeUtf8(`--${text}`)
    return hashBytes(bytes, 2, bytes.length - 2) >>> 0
  }
  assert.equal(hash(''), 0)
  assert.equal(hash('hello'), 0x248bfa47)
  assert.equal(hash('hello, world'), 0x149bbb7f)
  assert.equal(hash('The quick brown fox jumps over the lazy dog'), 0x2e4ff723)
})

test('equal keys hash equally whatever their sign of zero', () => {
  assert.equal(hashFloat64(0), hashFloat64(-0))
  assert.notEqual(hashFloat64(1), hashFloat64(2))
  assert.notEqual(hashInt64(1n), hashInt64(1n << 32n))
})

test('ids are 32 hex digits, stable for equal text', () => {
  assert.equal(hexId(new Uint8Array([0, 15, 255])), '000fff')
  assert.match(stableId('source: t'), /^[0-9a-f]{32}$/)
  assert.equal(stableId('a'), stableId('a'))
  assert.notEqual(stableId('a'), stableId('b'))
  assert.equal(attemptIdOf('j', 'v', 1, 0), 'j_v_1_0')
})
