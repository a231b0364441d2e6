/**
 * The sentence that says what a job waits for that runs with the slots that there are; shown as
 * `status-reason`.
 */
export function describeSettling(facts: {
  readonly available: number
  readonly desired: number
  readonly least: number
  /** Until it begins with fewer, or fails; null: until there are more. */
  readonly leftMs: number | null
}): string {
  const { available, desired, least, leftMs } = facts
  const there = `${available} of ${desired} slots are there`
  const within = leftMs === null ? '' : ` within ${seconds(leftMs)}`
  if (available < least)
    return `${there}; it fails without at least ${least}${within || ' of them'}`
  return leftMs === null ? there : `${there}; it begins with these in ${seconds(leftMs)}`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
