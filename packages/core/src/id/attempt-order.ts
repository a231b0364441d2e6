/**
 * The order of the attempts of one subtask: by the epoch of the leader that deployed them, then by
 * number, which may start anew under a new leader.
 *
 * For what two attempts may reach at once, a broker or a directory: an attempt that was cut off
 * goes on for a while beside its successor. Invariant: an attempt undoes the work of older ones
 * alone, so that a late one harms nobody.
 */
export interface AttemptOrder {
  readonly leaderEpoch: number
  readonly attempt: number
}

export function isOlderAttempt(one: AttemptOrder, other: AttemptOrder): boolean {
  if (one.leaderEpoch !== other.leaderEpoch) return one.leaderEpoch < other.leaderEpoch
  return one.attempt < other.attempt
}
