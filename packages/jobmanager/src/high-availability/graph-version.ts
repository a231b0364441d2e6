/**
 * Which job graphs this JobManager runs: those of its own format, submitted or stored by an
 * earlier leader.
 *
 * Operators and their state change with the format, so a graph of another one is refused by name
 * before anything of it is read, and stays stored.
 */
import { JOB_GRAPH_VERSION } from '@millrace/graph'
import { jobManagerError } from '../error-codes.ts'

/** Before graphs had a version. */
const VERSION_WITHOUT_NUMBER = 1

/** `what`: names the graph in the message. Throws JOB_GRAPH_VERSION_UNSUPPORTED. */
export function requireGraphVersion(
  graph: { readonly formatVersion?: unknown },
  what: string,
): void {
  const version = graph.formatVersion ?? VERSION_WITHOUT_NUMBER
  if (version === JOB_GRAPH_VERSION) return
  throw jobManagerError(
    'JOB_GRAPH_VERSION_UNSUPPORTED',
    `Submit the job again: ${what} has format ${JSON.stringify(version)}, and this version of Millrace runs format ${JOB_GRAPH_VERSION}.`,
    {
      hint: 'Use a client of the version that the cluster has; a version that runs the other format can still run it.',
    },
  )
}
