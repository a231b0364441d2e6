/**
 * How many bytes of a partition the next fetch asks for: as many whole batches as go into the
 * limit.
 *
 * A broker cuts what it sends at the byte that was asked for, wherever that is in a batch; what is
 * cut off is received for nothing and sent again. With batches of half a megabyte that was a sixth
 * of all bytes.
 */
import type { SeenBatches } from '../records/record-batch-reader.ts'

export const NOTHING_SEEN: SeenBatches = { largestBytes: 0, cutBytes: 0 }

/** Batches may be larger than those before by this part of them. */
const GROWTH = 64
/** Of batches so small a part of the limit, not much is lost with one. */
const WORTHWHILE = 64

export function decideFetchBytes(bytesMax: number, seen: SeenBatches): number {
  const { largestBytes, cutBytes } = seen
  if (cutBytes === 0 || cutBytes >= bytesMax || largestBytes * WORTHWHILE < bytesMax) {
    return bytesMax
  }
  const batchBytes = largestBytes + Math.ceil(largestBytes / GROWTH)
  return cutBytes + Math.floor((bytesMax - cutBytes) / batchBytes) * batchBytes
}
