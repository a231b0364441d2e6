/** Whether a checkpoint starts now: a pure decision over the coordinator's facts. Times are of the monotonic clock. */
export interface TriggerFacts {
  readonly nowMs: number
  /** Every task runs. */
  readonly running: boolean
  readonly pending: number
  readonly maxConcurrent: number
  /** When periodic checkpoints began, and when the last was triggered (null: none yet). */
  readonly startedMs: number
  readonly lastTriggerMs: number | null
  /** When the last one ended, completed or not. */
  readonly lastEndMs: number | null
  readonly intervalMs: number
  readonly minPauseMs: number
  /** All input is read: one last checkpoint, as soon as no other is under way. */
  readonly finalWanted: boolean
}

export type TriggerDecision =
  | { readonly kind: 'trigger' }
  /** Ask again at `untilMs`. */
  | { readonly kind: 'postpone'; readonly untilMs: number }
  /** Ask again when something has changed (a checkpoint ended, the job runs). */
  | { readonly kind: 'reject'; readonly reason: 'not-running' | 'too-many-pending' }

export function decideTrigger(facts: TriggerFacts): TriggerDecision {
  if (!facts.running) return { kind: 'reject', reason: 'not-running' }
  if (facts.finalWanted) {
    return facts.pending > 0 ? { kind: 'reject', reason: 'too-many-pending' } : { kind: 'trigger' }
  }
  if (facts.pending >= facts.maxConcurrent) return { kind: 'reject', reason: 'too-many-pending' }
  const dueMs = Math.max(
    (facts.lastTriggerMs ?? facts.startedMs) + facts.intervalMs,
    facts.lastEndMs === null ? Number.NEGATIVE_INFINITY : facts.lastEndMs + facts.minPauseMs,
  )
  return facts.nowMs >= dueMs ? { kind: 'trigger' } : { kind: 'postpone', untilMs: dueMs }
}
