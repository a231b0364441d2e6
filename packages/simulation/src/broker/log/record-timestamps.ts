/**
 * Finds the first record of a batch that is at least as late as a time; the deltas are decoded only
 * when they differ.
 */
import { BatchField } from '@millrace/connector-kafka/protocol'
import type { BatchHeader } from './batch-header.ts'

/** A batch as the log holds it. */
interface TimedBatch {
  readonly bytes: Uint8Array
  readonly header: BatchHeader
  readonly baseOffset: number
  readonly lastOffset: number
}

/**
 * Its offset, at least `startOffset`; -1 when the batch has none. Of a compressed batch: its
 * first record's.
 */
export function timestampAt(batch: TimedBatch, timestampMs: number, startOffset: number): number {
  const { header, baseOffset, lastOffset } = batch
  if (lastOffset < startOffset) return -1
  if (header.baseTimestampMs >= timestampMs || header.compressed) {
    return Math.max(baseOffset, startOffset)
  }
  let at: number = BatchField.RECORDS
  for (let i = 0; i < header.count; i++) {
    const [length, bodyAt] = varint(batch.bytes, at)
    const [delta] = varint(batch.bytes, bodyAt + 1)
    const offset = baseOffset + i
    if (offset >= startOffset && header.baseTimestampMs + delta >= timestampMs) return offset
    at = bodyAt + length
  }
  return -1
}

/**
 * The zigzag varint at `at` and the position after it; without bit operations, as deltas may
 * exceed 32 bits.
 */
function varint(bytes: Uint8Array, at: number): [value: number, next: number] {
  let raw = 0
  let scale = 1
  let position = at
  for (;;) {
    const byte = bytes[position++] as number
    raw += (byte & 0x7f) * scale
    scale *= 128
    if (byte < 0x80) break
  }
  return [raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2, position]
}
