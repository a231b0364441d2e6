/** Why a checkpoint or savepoint ended as a failure, as errors. */
import type { MillraceError } from '@millrace/core'
import { jobManagerError } from '../error-codes.ts'
import type { PendingCheckpoint } from './pending-checkpoint.ts'

export function declined(
  { title }: PendingCheckpoint,
  taskName: string,
  cause: unknown,
): MillraceError {
  return jobManagerError('CHECKPOINT_DECLINED', `${taskName} could not take part in ${title}.`, {
    location: { subtask: taskName },
    ...(cause === undefined ? {} : { cause }),
  })
}

export function expired(checkpoint: PendingCheckpoint, timeoutMs: number): MillraceError {
  const { title, subtaskCount, acknowledgements } = checkpoint
  const missing = subtaskCount - acknowledgements.size
  const key = 'execution.checkpointing.timeout'
  return jobManagerError(
    'CHECKPOINT_EXPIRED',
    `${title} was not complete after ${timeoutMs / 1000} s: ` +
      `${missing} of ${subtaskCount} subtasks have not acknowledged it.`,
    { hint: `Look for backpressure, or raise ${key}.`, location: { optionKey: key } },
  )
}

export function tooManyFailed(
  { id }: PendingCheckpoint,
  tolerated: number,
  cause: MillraceError,
): MillraceError {
  const key = 'execution.checkpointing.tolerable-failed-checkpoints'
  return jobManagerError(
    'CHECKPOINT_FAILURES_EXCEEDED',
    `Checkpoint ${id} failed; ${key} is ${tolerated}.`,
    { location: { optionKey: key }, cause },
  )
}

export function givenUp({ title }: PendingCheckpoint, reason: string): MillraceError {
  return jobManagerError('CHECKPOINT_DECLINED', `Gave up ${title}: ${reason}.`)
}

export function overtaken(older: PendingCheckpoint, by: PendingCheckpoint): MillraceError {
  return jobManagerError('CHECKPOINT_DECLINED', `${older.title} was overtaken by ${by.id}.`)
}

/** Asked for from outside, and not begun. */
export function notPossible(
  what: 'checkpoint' | 'savepoint',
  jobId: string,
  why: string,
): MillraceError {
  return jobManagerError(
    what === 'savepoint' ? 'SAVEPOINT_NOT_POSSIBLE' : 'CHECKPOINT_NOT_POSSIBLE',
    `Wait until job ${jobId} runs; no ${what} of it can be taken now: ${why}.`,
    { hint: 'npx millrace list shows what it waits for.' },
  )
}
