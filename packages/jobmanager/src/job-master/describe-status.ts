/**
 * The sentence that tells people what a job waits for, before it runs or for its first rows, and
 * what ended it; shown as `status-reason`.
 */
import type { ErrorData } from '@millrace/core'
import type { ExecutionGraph } from '../execution-graph/execution-graph.ts'
import type { JobStatus } from '../execution-graph/execution-state.ts'

export function describeStatus(facts: {
  readonly state: JobStatus
  readonly graph: ExecutionGraph
  /** From the coordinators, while one waits for something outside. */
  readonly outside: string | null
  /** From the slot pool, while slots are waited for. */
  readonly slots: string | null
  readonly restartInMs: number | null
  /** What it is rescaled to; null: it is not. */
  readonly rescale: string | null
  readonly lastFailure: ErrorData | null
  readonly failureCause: ErrorData | null
  /** The savepoint that stopped it; null: none has. */
  readonly stoppedBy: string | null
}): string | null {
  const { state, graph, outside, slots, restartInMs, failureCause, rescale } = facts
  const { lastFailure, stoppedBy } = facts
  switch (state) {
    case 'RUNNING':
      return outside
    case 'FINISHED':
      return stoppedBy === null ? null : `stopped by savepoint ${stoppedBy}`
    case 'CANCELED':
      return null
    case 'FAILED':
    case 'FAILING':
      return failureCause?.message ?? null
    case 'RESTARTING': {
      if (rescale !== null) return `is rescaled to ${rescale}: ${slots ?? progress(graph)}`
      const after = lastFailure === null ? '' : ` after: ${inShort(lastFailure)}`
      if (slots !== null) return `${slots}${after}`
      if (restartInMs !== null && restartInMs > 0) {
        return `restarts in ${(restartInMs / 1000).toFixed(1)} s${after}`
      }
      return `${progress(graph)}${after}`
    }
    case 'INITIALIZING':
      return lastFailure === null ? progress(graph) : `tries again after: ${inShort(lastFailure)}`
    default:
      return slots ?? progress(graph)
  }
}

/**
 * What failed, and what that came from in the end, unless the one has the other's words: that a
 * checkpoint failed tells nobody that a disk is full.
 */
function inShort(failure: ErrorData): string {
  let origin = failure
  while (origin.cause !== undefined) origin = origin.cause
  const { message } = failure
  if (message.includes(origin.message)) return message
  return `${message.replace(/\.$/, '')}: ${origin.message}`
}

function progress(graph: ExecutionGraph): string {
  const counts = graph.stateCounts()
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  if (counts.CANCELING > 0) return `${counts.CANCELING} of ${total} tasks are being cancelled`
  return `${counts.RUNNING} of ${total} tasks run`
}
