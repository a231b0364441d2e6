/**
 * What a windowed query that gives no rows waits for, in words: how far event time is, who holds
 * it, what lets it go.
 */
import { formatTimestamp } from '@millrace/core'
import type { ClusterWatermark } from './cluster-client.ts'

/** Further ones are counted; each is a line or two of a terminal. */
const HOLDS_SHOWN = 1

export function describeWatermark(watermark: ClusterWatermark | undefined): string {
  const { lowMs, holds } = watermark ?? { lowMs: null, holds: [] }
  const at =
    lowMs === null
      ? 'there is no watermark yet, and no window ends before'
      : `windows that end after ${formatTimestamp(lowMs, 3)} wait for the watermark, which is there`
  const [first] = holds
  // Nothing is ahead of it, so no idle timeout would help either.
  if (first === undefined) return lowMs === null ? at : `${at}; it moves on with later rows`
  const others = holds.length - HOLDS_SHOWN
  const more = others > 0 ? ` (and ${others} more)` : ''
  return `${at}; it waits for ${first.what}${more}. ${first.hint}`
}
