/**
 * When a job that adapts itself to its slots begins a round, and with how many of them: a pure
 * decision over what is there and how long it has waited.
 *
 * With all that it may use at once; with fewer once enough of them have been there for the settling
 * time, or once nobody waits any longer; with too few never.
 */
export interface StartFacts {
  /** Slots that the job holds, and free ones. */
  readonly available: number
  /** Slots that are just being emptied. */
  readonly freeing: number
  /** For the upper bounds, and for the lower ones. */
  readonly desired: number
  readonly least: number
  readonly waitedMs: number
  /** How long there have been enough for the lower bounds. */
  readonly sufficientForMs: number
  readonly stabilizationMs: number
  /** Null: without end. */
  readonly waitMs: number | null
  /** It was decided by slots that were counted before: nothing has to settle. */
  readonly atOnce: boolean
}

export type StartDecision =
  | { readonly kind: 'begin' }
  /** `forMs`: until it is due; null: until something changes. */
  | { readonly kind: 'wait'; readonly forMs: number | null }
  | { readonly kind: 'fail' }

export function decideStart(facts: StartFacts): StartDecision {
  const { available, freeing, desired, least, waitedMs, waitMs } = facts
  if (available >= desired) return { kind: 'begin' }
  const isSufficient = available >= least
  const waitLeftMs = waitMs === null ? null : waitMs - waitedMs
  if (waitLeftMs !== null && waitLeftMs <= 0) return { kind: isSufficient ? 'begin' : 'fail' }
  // Its own slots may be among them: it would begin without, to grow again at once.
  if (freeing > 0 || !isSufficient) return { kind: 'wait', forMs: waitLeftMs }
  const settlesInMs = facts.atOnce ? 0 : facts.stabilizationMs - facts.sufficientForMs
  if (settlesInMs <= 0) return { kind: 'begin' }
  return { kind: 'wait', forMs: Math.min(settlesInMs, waitLeftMs ?? settlesInMs) }
}
