/** Hashes of keys, and the partition of key groups among subtasks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeUtf8 } from '../batch/utf8.ts'
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

test('hashes tell values apart, and give both zeros one', () => {
  assert.equal(hashFloat64(0), hashFloat64(-0))
  assert.notEqual(hashFloat64(1), hashFloat64(2))
  assert.notEqual(hashInt64(1n), hashInt64(1n << 32n))
})

test('every NaN is one key, whatever its bits', () => {
  // Cause: 0/0 and the constant NaN differ in their sign bit, and one group became two.
  const bits = new Uint32Array([0, 0x7ff8_0000, 0, 0xfff8_0000, 1, 0x7ff0_0000])
  const hashes = new Set([...new Float64Array(bits.buffer)].map(hashFloat64))
  assert.equal(hashes.size, 1)
  assert.equal(hashFloat64(Number.NaN), [...hashes][0])
})
