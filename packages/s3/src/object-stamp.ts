/**
 * The stamp at the end of each stored object: a line of its own with 16 random bytes
 * in hexadecimal.
 *
 * A bucket's version of an object (its ETag) is a digest of its bytes, so the same bytes written
 * again would be the version of before, and a writer that had slept could win. The stamp makes
 * every write another one. It stands in the bytes because metadata does not count for the digest.
 */
import type { Random } from '@millrace/platform'

const RANDOM_BYTES = 16
const STAMP_BYTES = 1 + 2 * RANDOM_BYTES
const STAMP = /^\n[0-9a-f]{32}$/

/** A copy of the bytes with a fresh stamp. */
export function withStamp(bytes: Uint8Array, random: Random): Uint8Array {
  const stamp = Buffer.from(random.bytes(RANDOM_BYTES)).toString('hex')
  const stored = new Uint8Array(bytes.length + STAMP_BYTES)
  stored.set(bytes)
  stored.set(Buffer.from(`\n${stamp}`), bytes.length)
  return stored
}

/** Bytes that nobody stamped stay as they are: whoever decodes them says what is wrong. */
export function withoutStamp(stored: Uint8Array): Uint8Array {
  const end = Math.max(0, stored.length - STAMP_BYTES)
  const stamp = Buffer.from(stored.subarray(end)).toString('latin1')
  return STAMP.test(stamp) ? stored.slice(0, end) : stored
}
