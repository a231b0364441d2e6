/** How much of a partition is asked for at a time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideFetchBytes, NOTHING_SEEN } from './decide-fetch-bytes.ts'

const MIB = 1 << 20

test('whole batches are asked for, with room for somewhat larger ones', () => {
  const table: [bytesMax: number, largestBytes: number, cutBytes: number, expected: number][] = [
    // The one that is known, and as many as fit that are a 64th larger.
    [2 * MIB, 450_000, 450_100, 450_100 + 3 * 457_032],
    [2 * MIB, 640_000, 300_000, 300_000 + 2 * 650_000],
    // The one that is known leaves no room for another.
    [2 * MIB, 1_500_000, 1_400_000, 1_400_000],
    // Nothing was cut off, or it is larger than the limit: a broker sends one batch all the same.
    [2 * MIB, 450_000, 0, 2 * MIB],
    [2 * MIB, 450_000, 3 * MIB, 2 * MIB],
    // Small batches: not worth it.
    [2 * MIB, 16_384, 16_384, 2 * MIB],
  ]
  for (const [bytesMax, largestBytes, cutBytes, expected] of table) {
    assert.equal(decideFetchBytes(bytesMax, { largestBytes, cutBytes }), expected)
  }
  assert.equal(decideFetchBytes(2 * MIB, NOTHING_SEEN), 2 * MIB)
})

test('never more than the limit, never less than the batch that comes next', () => {
  for (let i = 1; i < 3000; i++) {
    const seen = { largestBytes: (i * 7919) % 3_000_000, cutBytes: (i * 104_729) % 2_500_000 }
    const bytes = decideFetchBytes(2 * MIB, seen)
    assert.ok(bytes <= 2 * MIB && bytes >= Math.min(seen.cutBytes, 2 * MIB))
  }
})
