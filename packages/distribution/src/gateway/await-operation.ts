/**
 * awaitOperation: waits for what a cluster was asked to do, says what it waits for, and gives up
 * when nothing has moved for `client.timeout`.
 *
 * The cluster has deadlines of its own for most of it; this one is for what they do not see. Giving
 * up changes nothing on the cluster: the error says what goes on there.
 */
import { isMillraceError } from '@millrace/core'
import type { Clock } from '@millrace/platform'
import { type AsyncOperationAnswer, failureOf } from '@millrace/rest-api'
import { clusterError } from '../error-codes.ts'
import { CLIENT_OPTIONS } from '../registry/client-options.ts'

const POLL_MS = 100

export interface AwaitedOperation<T> {
  /** Begins a line: `savepoint of job 0123`. */
  readonly title: string
  /** Its outcome, null while it has none. Rejects with what it failed with. */
  outcome(): Promise<T | null>
  /** How far it is and what it waits for, without the title. */
  progress(): Promise<string>
  /** For somebody who waits no longer: what goes on, and where to look for it. */
  readonly hint: string
}

export interface Waiting {
  readonly clock: Clock
  /** Of no news. */
  readonly timeoutMs: number
  report(progress: string): void
}

/** Rejects with what the operation failed with, or OPERATION_STALLED. */
export async function awaitOperation<T>(
  operation: AwaitedOperation<T>,
  { clock, timeoutMs, report }: Waiting,
): Promise<T> {
  let shown = ''
  let newsMs = clock.monotonicMs()
  for (;;) {
    const outcome = await operation.outcome()
    if (outcome !== null) return outcome
    const progress = await operation.progress()
    const nowMs = clock.monotonicMs()
    if (progress !== shown) newsMs = nowMs
    shown = progress
    if (nowMs - newsMs >= timeoutMs) throw stalled(operation, progress, timeoutMs)
    report(`${operation.title}: ${progress}`)
    await new Promise<void>((wake) => clock.setTimer(POLL_MS, wake))
  }
}

/**
 * The outcome of one that was triggered over REST. When the JobManager that was asked is gone,
 * nobody knows of it any more: OPERATION_LOST, with what `found` says of the job.
 */
export async function triggeredOutcome(
  title: string,
  ask: () => Promise<AsyncOperationAnswer>,
  found: () => Promise<string>,
): Promise<NonNullable<AsyncOperationAnswer['operation']> | null> {
  let answer: AsyncOperationAnswer
  try {
    answer = await ask()
  } catch (cause) {
    if (!isMillraceError(cause, 'OPERATION_UNKNOWN')) throw cause
    throw clusterError(
      'OPERATION_LOST',
      `Look whether it was done before asking again: the JobManager that was asked for the ${title} leads no more. ${await found()}`,
      { cause, hint: 'millrace list --all shows what became of jobs.' },
    )
  }
  const failure = failureOf(answer)
  if (failure !== null) throw failure
  return answer.status.id === 'COMPLETED' ? (answer.operation ?? {}) : null
}

function stalled({ title, hint }: AwaitedOperation<unknown>, progress: string, timeoutMs: number) {
  const { key } = CLIENT_OPTIONS.timeout
  return clusterError(
    'OPERATION_STALLED',
    `Look what holds the ${title}, or raise '${key}': nothing has moved for ${timeoutMs / 1000} s. It ${progress}.`,
    { hint, location: { optionKey: key } },
  )
}
