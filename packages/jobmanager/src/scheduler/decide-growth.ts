/**
 * When a job that runs with fewer slots than it may use takes those that have come: a pure
 * decision.
 *
 * Never before it has run for the cooldown. Then at once when it gets all that it may use;
 * otherwise once more slots than it holds have been there for the settling time.
 */
export interface GrowthFacts {
  readonly runningForMs: number
  /** How long there have been slots for a higher parallelism. */
  readonly possibleForMs: number
  /** They are enough for the upper bounds. */
  readonly isDesired: boolean
  readonly cooldownMs: number
  readonly stabilizationMs: number
}

/** In how many ms; 0: now. */
export function decideGrowthMs(facts: GrowthFacts): number {
  const cooldownLeftMs = facts.cooldownMs - facts.runningForMs
  const settlesInMs = facts.isDesired ? 0 : facts.stabilizationMs - facts.possibleForMs
  return Math.max(0, cooldownLeftMs, settlesInMs)
}
