/** The sentence that says what a job without slots waits for; shown as `status-reason`. */
export function describeWait(facts: {
  readonly needed: number
  readonly registered: number
  readonly free: number
  readonly waitedMs: number
  readonly timeoutMs: number
}): string {
  const { needed, registered, free, waitedMs, timeoutMs } = facts
  const occupied = free < registered && registered > 0 ? ` (${free} free)` : ''
  const slots = needed === 1 ? 'slot' : 'slots'
  return `needs ${needed} ${slots}, ${registered} registered${occupied}, waiting ${minutes(waitedMs)} of ${minutes(timeoutMs)}`
}

/** `4:12`. */
function minutes(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
