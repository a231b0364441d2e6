/**
 * Whether a failure can be why a job fails, or only follows from another one: a task whose peer is
 * gone sees a broken connection, perhaps before anybody hears what ended the peer.
 *
 * Pure. `Failover` acts on whichever comes first and lets a cause displace a consequence; every
 * attempt that was deployed has a last word, and no restart begins before the last of them.
 */
import type { ErrorData } from '@millrace/core'

export type FailureRank = 'cause' | 'consequence'

/**
 * What is said by whoever does not reach a task or a TaskManager, or is not heard because others
 * have failed.
 */
const CONSEQUENCES: ReadonlySet<string> = new Set([
  'NETWORK_CONNECTION_LOST',
  'OPERATOR_EVENT_LOST',
  'TASK_DEPLOYMENT_FAILED',
  'RPC_UNAVAILABLE',
  'RPC_DEADLINE',
  'STALE_ATTEMPT',
])

/** Whether the task that says it is well itself, and so is its slot: a peer of it has gone. */
export function isPeersFailure(error: Pick<ErrorData, 'code'> | null): boolean {
  return error?.code === 'NETWORK_CONNECTION_LOST'
}

export function failureRank({ code }: Pick<ErrorData, 'code'>): FailureRank {
  return CONSEQUENCES.has(code) ? 'consequence' : 'cause'
}
