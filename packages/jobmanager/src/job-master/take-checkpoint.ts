/** A checkpoint of a job, asked for from outside: whether it can be. */
import { jobManagerError } from '../error-codes.ts'
import { CheckpointingOptions } from '../jobmanager-options.ts'
import type { JobState } from './job-state.ts'

/**
 * `isFull`: builds upon none before. Resolves with its id once it counts. Rejects with
 * CHECKPOINT_NOT_POSSIBLE, CHECKPOINT_FAILED.
 */
export async function takeCheckpoint(job: JobState, isFull: boolean): Promise<number> {
  try {
    return await take(job, isFull)
  } catch (error) {
    job.logger.warn('A checkpoint that was asked for was not taken.', { error })
    throw error
  }
}

async function take({ lifecycle, checkpoints, jobId }: JobState, isFull: boolean): Promise<number> {
  if (lifecycle.state !== 'RUNNING') {
    throw jobManagerError(
      'CHECKPOINT_NOT_POSSIBLE',
      `Take checkpoints of jobs that run; job ${jobId} is ${lifecycle.state}.`,
      { hint: 'npx millrace list shows the jobs that run, and what others wait for.' },
    )
  }
  if (checkpoints?.isPeriodic === true) return checkpoints.takeNow(isFull)
  const { key } = CheckpointingOptions.interval
  throw jobManagerError(
    'CHECKPOINT_NOT_POSSIBLE',
    `Run job ${jobId} with checkpoints to take one: '${key}' is not set.`,
    { location: { optionKey: key } },
  )
}
