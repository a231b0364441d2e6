/**
 * Finds lines in a block, eight bytes at a time.
 *
 * Between file blocks and the decoder; writes record spans, copies nothing.
 */
import type { RecordSpans } from '@millrace/connector'

/** Position of the first `\n` in `b[p … e)`, or -1. `v` views the same bytes. */
export function indexOfNewline(b: Uint8Array, v: DataView, p: number, e: number): number {
  while (p + 8 <= e) {
    const x = v.getInt32(p, true) ^ 0x0a0a0a0a
    const y = v.getInt32(p + 4, true) ^ 0x0a0a0a0a
    // The high bit of each byte that is a newline; the lowest one set is always a true one.
    const first = (x - 0x01010101) & ~x & 0x80808080
    const second = (y - 0x01010101) & ~y & 0x80808080
    if ((first | second) !== 0) {
      const found = first !== 0 ? first : second
      return p + (first !== 0 ? 0 : 4) + ((31 - Math.clz32(found & -found)) >> 3)
    }
    p += 8
  }
  for (; p < e; p++) if (b[p] === 10) return p
  return -1
}

/**
 * Appends the whole lines of `b[p … e)` that begin before `limit` to `spans`, until it holds
 * `rowsMax`; blank lines are passed over.
 * Returns the position after the last newline taken.
 */
export function scanLines(
  spans: RecordSpans,
  b: Uint8Array,
  v: DataView,
  p: number,
  e: number,
  limit: number,
  rowsMax: number,
): number {
  const { starts, lengths } = spans
  let count = spans.count
  while (count < rowsMax && p < limit) {
    const newline = indexOfNewline(b, v, p, e)
    if (newline < 0) break
    const length = newline - p
    if (length > 1 || (length === 1 && b[p] !== 13)) {
      starts[count] = p
      lengths[count++] = length
    }
    p = newline + 1
  }
  spans.count = count
  return p
}
