/**
 * What a JobManager does about the leader lease, as a pure decision.
 *
 * Times are its own monotonic clock's alone. The holder counts from before it sent its last
 * successful renewal, the others from after they read it, and its deadline is shorter than their
 * patience: so it has stopped before another one begins.
 */
import type { LeaderRecord, LeaseTimings } from '@millrace/protocol'

export interface LeaseFacts {
  readonly nowMs: number
  readonly ownId: string
  /** The leadership that is held. */
  readonly held: { readonly epoch: number; readonly renewedMs: number } | null
  /** When the last renewal failed, if it did since the last success. */
  readonly failedMs: number | null
  /**
   * What was read last, and since when it stands unchanged; null: not read since it
   * may have changed.
   */
  readonly seen: { readonly record: LeaderRecord | null; readonly sinceMs: number } | null
  readonly timings: LeaseTimings
}

export type LeaseDecision =
  | { readonly kind: 'read' }
  | { readonly kind: 'acquire'; readonly epoch: number }
  | { readonly kind: 'renew' }
  | { readonly kind: 'step-down'; readonly reason: string }
  | { readonly kind: 'wait'; readonly ms: number }

/** After a failed renewal the next one is tried so much sooner. */
const RETRY_FRACTION = 4

export function decideLease(facts: LeaseFacts): LeaseDecision {
  return facts.held === null ? decideAsCandidate(facts) : decideAsHolder(facts, facts.held)
}

function decideAsHolder(
  { nowMs, ownId, failedMs, seen, timings }: LeaseFacts,
  held: { readonly epoch: number; readonly renewedMs: number },
): LeaseDecision {
  if (nowMs - held.renewedMs >= timings.renewDeadlineMs) {
    const reason = `the lease could not be renewed for ${timings.renewDeadlineMs / 1000} s`
    return { kind: 'step-down', reason }
  }
  if (seen === null) return { kind: 'read' }
  const { record } = seen
  if (record === null) return { kind: 'step-down', reason: 'the lease is gone' }
  if (record.holderId !== ownId || record.epoch !== held.epoch) {
    const by = record.holderId === '' ? 'nobody' : `'${record.holderId}'`
    return {
      kind: 'step-down',
      reason: `the lease is held by ${by} under epoch ${record.epoch}`,
    }
  }
  const dueMs =
    failedMs === null
      ? held.renewedMs + timings.retryPeriodMs
      : failedMs + timings.retryPeriodMs / RETRY_FRACTION
  return nowMs >= dueMs ? { kind: 'renew' } : { kind: 'wait', ms: dueMs - nowMs }
}

function decideAsCandidate({ nowMs, ownId, seen, timings }: LeaseFacts): LeaseDecision {
  if (seen === null) return { kind: 'read' }
  const { record, sinceMs } = seen
  if (record === null) return { kind: 'acquire', epoch: 1 }
  // Named, but not leading: a write whose outcome was unknown. Nobody can act under that epoch.
  const vacant = record.holderId === '' || record.holderId === ownId
  const expiresMs = sinceMs + Math.max(record.leaseDurationMs, timings.leaseDurationMs)
  if (vacant || nowMs >= expiresMs) return { kind: 'acquire', epoch: record.epoch + 1 }
  return { kind: 'wait', ms: Math.min(timings.retryPeriodMs, expiresMs - nowMs) }
}
