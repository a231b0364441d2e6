/**
 * Fencing by leader epoch: every control-plane request carries a `Fence`, and its receiver refuses
 * an epoch older than the one it knows. What an old leader or a forgotten process still sends
 * therefore changes nothing.
 */
import { protocolError } from './error-codes.ts'

export interface Fence {
  /** Epoch of the leading JobManager; 0 in a first registration. */
  readonly leaderEpoch: number
  /** TaskManager id or JobManager id. */
  readonly senderId: string
}

/** Throws STALE_LEADER unless the request's epoch is `currentEpoch` or newer. */
export function requireEpoch(fence: Fence | null | undefined, currentEpoch: number): void {
  const epoch = fence?.leaderEpoch ?? 0
  if (epoch >= currentEpoch) return
  throw protocolError(
    'STALE_LEADER',
    `Refused a call of '${fence?.senderId ?? ''}' under leader epoch ${epoch}; the current epoch is ${currentEpoch}.`,
  )
}
