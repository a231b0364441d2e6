/** The sentence that tells people what a job that does not run waits for; shown as `status-reason`. */
import type { ErrorData } from '@millrace/core'
import type { ExecutionGraph } from '../execution-graph/execution-graph.ts'

export function describeStatus(facts: {
  readonly graph: ExecutionGraph
  /** From the slot pool, while slots are waited for. */
  readonly slots: string | null
  readonly restartInMs: number | null
  readonly lastFailure: ErrorData | null
  readonly failureCause: ErrorData | null
}): string | null {
  const { graph, slots, restartInMs, lastFailure, failureCause } = facts
  switch (graph.state) {
    case 'RUNNING':
    case 'FINISHED':
    case 'CANCELED':
      return null
    case 'FAILED':
    case 'FAILING':
      return failureCause?.message ?? null
    case 'RESTARTING': {
      const after = lastFailure === null ? '' : ` after: ${lastFailure.message}`
      if (slots !== null) return `${slots}${after}`
      if (restartInMs !== null && restartInMs > 0) {
        return `restarts in ${(restartInMs / 1000).toFixed(1)} s${after}`
      }
      return `${progress(graph)}${after}`
    }
    case 'INITIALIZING':
      return lastFailure === null ? progress(graph) : `tries again after: ${lastFailure.message}`
    default:
      return slots ?? progress(graph)
  }
}

function progress(graph: ExecutionGraph): string {
  const counts = graph.stateCounts()
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  if (counts.CANCELING > 0) return `${counts.CANCELING} of ${total} tasks are being cancelled`
  return `${counts.RUNNING} of ${total} tasks run`
}
