/** Scripts through a gateway: statements one after another, each to its first result. */
import type { SqlGateway } from '@millrace/rest-api'
import { splitStatements } from '@millrace/sql'

export interface ExecutedScript {
  readonly session: string
  /** Of the last statement; its results can be paged on. */
  readonly operation: string
  /** Of the last job that a statement started. */
  readonly jobId: string | undefined
}

/**
 * Runs the statements: all but the last to their end, the last, once the cluster is ready, until
 * it has started.
 */
export async function executeScript(
  gateway: SqlGateway,
  script: string,
  clusterReady: Promise<unknown> = Promise.resolve(),
): Promise<ExecutedScript> {
  const { sessionHandle: session } = await gateway.openSession({})
  const statements = splitStatements(script).filter(({ text }) => text.trim() !== '')
  let operation = ''
  let jobId: string | undefined
  for (const [index, { text }] of statements.entries()) {
    const last = index === statements.length - 1
    if (last) await clusterReady
    operation = (await gateway.execute(session, { statement: text })).operationHandle
    for (let token = 0; ; ) {
      const page = await gateway.fetchResults(session, operation, token, 1000)
      jobId = page.jobID ?? jobId
      if (page.resultType === 'EOS' || (last && page.jobID !== undefined)) break
      token = page.nextToken ?? token
    }
  }
  return { session, operation, jobId }
}

/**
 * Runs a script whose last statement is an INSERT; gives its job's id. Only that statement waits
 * for `clusterReady`: the others need no cluster, and run while it starts.
 */
export async function submitScript(
  gateway: SqlGateway,
  script: string,
  clusterReady?: Promise<unknown>,
): Promise<string> {
  const { jobId } = await executeScript(gateway, script, clusterReady)
  if (jobId === undefined) throw new Error('The script has no statement that starts a job.')
  return jobId
}
