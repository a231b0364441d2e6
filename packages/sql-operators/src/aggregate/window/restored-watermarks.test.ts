/** Watermarks of key groups after a restore: what fires, what had fired, what is written next. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ColumnBatch, Float64Column, keyGroups, type StateTable } from '@millrace/core'
import { RestoredWatermarks } from './restored-watermarks.ts'

const MAX = 16
const OWN = { start: 4, end: 11 }
const items = (...texts: string[]) => texts.map((text) => new TextEncoder().encode(text))
const texts = (bytes: readonly Uint8Array[]) => bytes.map((each) => new TextDecoder().decode(each))

/** Slot n has key n. */
const table = {
  spec: { key: { fields: [{}] } },
  keyColumns: (slots: Int32Array) => [new Float64Column(Float64Array.from(slots), null)],
} as unknown as StateTable
const slots = Int32Array.from({ length: 100 }, (_, n) => n)
const column = new Float64Column(Float64Array.from(slots), null)
const groups = keyGroups(new ColumnBatch(100, [column]), [0], MAX)

test('a window fires for the keys of those that had not come so far', () => {
  const restored = new RestoredWatermarks(items('500 0 7', '299 8 15', '100 12 15'), OWN, MAX)
  assert.equal(restored.leastMs, 299)
  const fires = (endMs: number) => [...restored.unfired(table, slots, endMs)]
  assert.deepEqual(
    fires(400),
    [...slots].filter((slot) => groups[slot] > 7 || groups[slot] < 4),
  )
  assert.deepEqual(
    fires(501),
    [...slots].filter((slot) => groups[slot] > 7 || groups[slot] < 4),
  )
  assert.equal(fires(502).length, 100)
})

test('what is written says it of each, until the last has caught up', () => {
  const restored = new RestoredWatermarks(items('500 0 7', '299 8 15'), OWN, MAX)
  assert.deepEqual(texts(restored.itemsAt(300, OWN)), ['500 4 7', '300 8 11'])
  assert.deepEqual(texts(restored.itemsAt(500, OWN)), ['500 4 11'])
})

test('state of earlier builds has one watermark for all', () => {
  const restored = new RestoredWatermarks(items('500', '-Infinity'), OWN, MAX)
  assert.equal(restored.leastMs, Number.NEGATIVE_INFINITY)
  assert.equal(new RestoredWatermarks([], OWN, MAX).leastMs, null)
})
