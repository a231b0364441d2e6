/**
 * When checkpoints start: pure decisions over the coordinator's facts. Times are of the
 * monotonic clock.
 *
 * A restart does not begin the interval anew: results that wait for a commit have waited through
 * the outage already.
 */
export interface TriggerFacts {
  readonly nowMs: number
  /** Every task runs. */
  readonly running: boolean
  readonly pending: number
  readonly maxConcurrent: number
  /**
   * When the first one since all tasks run is due, and when the last was triggered (null:
   * none since then).
   */
  readonly firstDueMs: number
  readonly lastTriggerMs: number | null
  /** When the last one ended, completed or not. */
  readonly lastEndMs: number | null
  /** Infinity: none is due by itself. */
  readonly intervalMs: number
  readonly minPauseMs: number
  /** All input is read: one last checkpoint, as soon as no other is under way. */
  readonly finalWanted: boolean
  /** Somebody asked for one: no time is waited for. */
  readonly demanded: boolean
  /** One is wanted as soon as the pause allows it, whatever the interval. */
  readonly soon: boolean
  /** When one could not even be started, since all tasks run; null: none. */
  readonly notStartedMs: number | null
}

/** Whoever was not reached is perhaps reached a little later, or noticed as lost. */
export const FINAL_RETRY_MS = 500

export type TriggerDecision =
  | { readonly kind: 'trigger' }
  /** Ask again at `untilMs`. */
  | { readonly kind: 'postpone'; readonly untilMs: number }
  /** Ask again when something has changed (a checkpoint ended, the job runs). */
  | { readonly kind: 'reject'; readonly reason: 'not-running' | 'too-many-pending' }

export function decideTrigger(facts: TriggerFacts): TriggerDecision {
  if (!facts.running) return { kind: 'reject', reason: 'not-running' }
  if (facts.finalWanted) {
    if (facts.pending > 0) return { kind: 'reject', reason: 'too-many-pending' }
    const { nowMs, notStartedMs } = facts
    const againMs = notStartedMs === null ? nowMs : notStartedMs + FINAL_RETRY_MS
    return nowMs >= againMs ? { kind: 'trigger' } : { kind: 'postpone', untilMs: againMs }
  }
  if (facts.pending >= facts.maxConcurrent) return { kind: 'reject', reason: 'too-many-pending' }
  if (facts.demanded) return { kind: 'trigger' }
  const dueMs = Math.max(
    facts.soon ? Number.NEGATIVE_INFINITY : intervalDueMs(facts),
    facts.lastEndMs === null ? Number.NEGATIVE_INFINITY : facts.lastEndMs + facts.minPauseMs,
  )
  return facts.nowMs >= dueMs ? { kind: 'trigger' } : { kind: 'postpone', untilMs: dueMs }
}

function intervalDueMs({ lastTriggerMs, firstDueMs, intervalMs }: TriggerFacts): number {
  return lastTriggerMs === null ? firstDueMs : lastTriggerMs + intervalMs
}

/**
 * So long tasks run after a restart before the first checkpoint: it is to hold what they have
 * caught up with.
 */
export const RESUMED_RUN_MS = 300

export interface FirstTriggerFacts {
  /** All tasks run since now. */
  readonly nowMs: number
  readonly intervalMs: number
  /** They began from a checkpoint. */
  readonly resumed: boolean
  /** The last trigger before; null: another JobManager's, or none. */
  readonly lastTriggerMs: number | null
}

/**
 * When the first checkpoint is due: after an interval, or after a restart when it would have
 * been due without.
 */
export function decideFirstTrigger(facts: FirstTriggerFacts): number {
  const { nowMs, intervalMs, resumed, lastTriggerMs } = facts
  // Without an interval (Infinity) none is due by itself, whatever the job began from.
  if (!resumed || intervalMs === Number.POSITIVE_INFINITY) return nowMs + intervalMs
  const soonestMs = nowMs + Math.min(intervalMs, RESUMED_RUN_MS)
  return lastTriggerMs === null ? soonestMs : Math.max(soonestMs, lastTriggerMs + intervalMs)
}
