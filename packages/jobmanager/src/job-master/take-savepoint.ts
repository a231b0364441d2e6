/** A savepoint of a job, asked for from outside: whether it can be, and where it goes. */
import { hexId } from '@millrace/core'
import { SavepointDirectory, savepointTarget } from '@millrace/state'
import type { SavepointFormat, SavepointOrder } from '../checkpoint/pending-savepoint.ts'
import { jobManagerError } from '../error-codes.ts'
import type { JobState } from './job-state.ts'

export interface SavepointRequest {
  /** A URI or an absolute path below which the savepoint gets a directory of its own. */
  readonly targetDirectory: string
  readonly format: SavepointFormat
  /** Absent: the job goes on. */
  readonly after?: SavepointOrder['after']
}

const RANDOM_BYTES = 6

/**
 * Resolves with the savepoint's directory when it is complete; the job goes on either way. Rejects
 * with SAVEPOINT_NOT_POSSIBLE, SAVEPOINT_DIRECTORY_UNUSABLE, SAVEPOINT_FAILED.
 */
export async function takeSavepoint(job: JobState, request: SavepointRequest): Promise<string> {
  try {
    return await take(job, request)
  } catch (error) {
    job.logger.warn('A savepoint was not taken.', { error })
    throw error
  }
}

async function take(job: JobState, request: SavepointRequest): Promise<string> {
  const { lifecycle, checkpoints, jobId, platform, stoppedBy } = job
  if (stoppedBy !== null && !lifecycle.hasEnded) {
    throw jobManagerError(
      'SAVEPOINT_NOT_POSSIBLE',
      `Job ${jobId} is stopped: its savepoint ${stoppedBy} is complete.`,
      { location: { file: stoppedBy } },
    )
  }
  if (lifecycle.state !== 'RUNNING' || checkpoints === null) {
    throw jobManagerError(
      'SAVEPOINT_NOT_POSSIBLE',
      `Take savepoints of jobs that run; job ${jobId} is ${lifecycle.state}.`,
      { hint: 'npx millrace list shows the jobs that run, and what others wait for.' },
    )
  }
  const target = savepointTarget(request.targetDirectory, platform.filesystem)
  refuseOwnDirectory(target, checkpoints.storage.directory)
  const random = hexId(platform.random.bytes(RANDOM_BYTES))
  const directory = new SavepointDirectory(target, jobId, random, platform.filesystem)
  const { format, after = 'go-on' } = request
  return checkpoints.savepoints.take(directory, { format, after })
}

/** What lies there goes with the job's checkpoints. */
function refuseOwnDirectory(target: string, own: string | null): void {
  if (own === null || !`${target}/`.startsWith(`${own}/`)) return
  throw jobManagerError(
    'SAVEPOINT_NOT_POSSIBLE',
    `Name a directory outside of ${own}, which is removed with the job's checkpoints; it is ${target}.`,
    { location: { file: target } },
  )
}
