/**
 * Order and equality of two records of a table: by their sub fields, and of their keys.
 *
 * NULL comes first, texts by UTF-8 bytes, false before true, -0 before 0, NaN last.
 */
import type { RecordMemory } from '@millrace/core'
import type { FieldPlace, RecordLayout } from './record-layout.ts'
import { compareEntries, type TextHeap } from './text-heap.ts'

/**
 * Below 0, 0 or above 0, as the sub fields of slot `a` are before, equal to or after those of `b`.
 */
export function compareRecords(
  layout: RecordLayout,
  memory: RecordMemory,
  texts: TextHeap,
  a: number,
  b: number,
): number {
  for (let c = layout.keyCount; c < layout.keyed.length; c++) {
    const order = compareField(layout.keyed[c]!, memory, texts, a, b)
    if (order !== 0) return order
  }
  return 0
}

export function sameKeys(
  layout: RecordLayout,
  memory: RecordMemory,
  texts: TextHeap,
  a: number,
  b: number,
): boolean {
  for (let c = 0; c < layout.keyCount; c++) {
    if (compareField(layout.keyed[c]!, memory, texts, a, b) !== 0) return false
  }
  return true
}

function compareField(
  place: FieldPlace,
  memory: RecordMemory,
  texts: TextHeap,
  a: number,
  b: number,
): number {
  const { words, longs, ints, stride } = memory
  const p = a * stride + place.word
  const q = b * stride + place.word
  if (place.type === 'str') {
    const x = words[p] as number
    const y = words[q] as number
    if (x < 0 || y < 0) return (x < 0 ? 0 : 1) - (y < 0 ? 0 : 1)
    return compareEntries(texts.pool, x, texts.pool, y)
  }
  const aNull = ((ints[a * stride * 2 + place.nullInt] as number) & place.nullBit) !== 0
  const bNull = ((ints[b * stride * 2 + place.nullInt] as number) & place.nullBit) !== 0
  if (aNull || bNull) return (aNull ? 0 : 1) - (bNull ? 0 : 1)
  if (place.type === 'i64') {
    const x = longs[p] as bigint
    const y = longs[q] as bigint
    return x < y ? -1 : x > y ? 1 : 0
  }
  return compareDoubles(words[p] as number, words[q] as number)
}

/** -0 before 0, NaN last. */
export function compareDoubles(x: number, y: number): number {
  if (x < y) return -1
  if (x > y) return 1
  if (Object.is(x, y)) return 0
  if (Number.isNaN(x)) return 1
  if (Number.isNaN(y)) return -1
  return Object.is(x, -0) ? -1 : 1
}
