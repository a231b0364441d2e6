/** Which checkpoints go, as pure decisions; the JobManager carries them out. */

export type ExternalizedRetention =
  | 'NO_EXTERNALIZED_CHECKPOINTS'
  | 'DELETE_ON_CANCELLATION'
  | 'RETAIN_ON_CANCELLATION'

/** How a job ended; `SUSPENDED`: this JobManager lost leadership, the job goes on elsewhere. */
export type JobEnd = 'FINISHED' | 'CANCELED' | 'FAILED' | 'SUSPENDED'

/**
 * Of the complete checkpoints those to discard: all but the newest `retained` (at least one). One
 * that a restore is reading (`inUse`) stays.
 */
export function decideDiscard(
  complete: readonly number[],
  retained: number,
  inUse: ReadonlySet<number> = new Set(),
): number[] {
  const newestFirst = [...complete].sort((a, b) => b - a)
  return newestFirst
    .slice(Math.max(1, retained))
    .filter((id) => !inUse.has(id))
    .reverse()
}

/** Whether complete checkpoints stay when the job has ended. */
export function keepsCheckpointsAfter(end: JobEnd, retention: ExternalizedRetention): boolean {
  switch (end) {
    case 'FINISHED':
      return false
    case 'CANCELED':
      return retention === 'RETAIN_ON_CANCELLATION'
    case 'FAILED':
      return retention !== 'NO_EXTERNALIZED_CHECKPOINTS'
    case 'SUSPENDED':
      return true
  }
}
