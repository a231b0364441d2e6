/**
 * Checkpoints of a job that outlives its JobManager: they are in a directory, and go when the
 * job has ended.
 */
import type { Configuration } from '@millrace/core'
import type { Filesystem, Platform } from '@millrace/platform'
import { checkpointPath, createCheckpointStorage, keepsCheckpointsAfter } from '@millrace/state'
import { jobManagerError } from '../error-codes.ts'
import type { TerminalJobStatus } from '../execution-graph/execution-state.ts'
import { claimedPathOf, disposeClaimed, insistOnRemoval } from './checkpoint-disposal.ts'
import { type CheckpointSettings, checkpointSettingsOf } from './checkpoint-settings.ts'

/** Throws CHECKPOINTS_NOT_SHARED. */
export function requireSharedCheckpoints(
  configuration: Configuration,
  jobId: string,
  filesystem: Filesystem,
): void {
  if (checkpointSettingsOf(configuration).intervalMs === null) return
  if (createCheckpointStorage(configuration, jobId, filesystem).directory !== null) return
  const key = 'execution.checkpointing.dir'
  throw jobManagerError(
    'CHECKPOINTS_NOT_SHARED',
    `Set '${key}' to a directory that all processes share: with high availability a job goes on under another JobManager.`,
    {
      hint: 'For example file:///var/millrace/checkpoints, or s3://bucket/checkpoints.',
      location: { optionKey: key },
    },
  )
}

/** Directories of those of the `retained` checkpoints that stay when the job ends in `state`. */
export function keptAfterEnd(
  configuration: Configuration,
  jobId: string,
  filesystem: Filesystem,
  state: TerminalJobStatus,
  retained: readonly number[],
): string[] {
  const settings = checkpointSettingsOf(configuration)
  if (settings.intervalMs === null || !keepsCheckpointsAfter(state, settings.retention)) return []
  const { directory } = createCheckpointStorage(configuration, jobId, filesystem)
  return directory === null ? [] : retained.map((id) => checkpointPath(directory, id))
}

/**
 * For a job that ended without its checkpoints having been opened here, or under a leader that
 * came no further. What a disk refuses is tried again: the next leader, who would do it, may be
 * long in coming.
 */
export async function cleanUpEnded(
  configuration: Configuration,
  jobId: string,
  platform: Platform,
  state: TerminalJobStatus,
  retained: readonly number[],
): Promise<void> {
  const settings = checkpointSettingsOf(configuration)
  if (settings.intervalMs === null) return
  const storage = createCheckpointStorage(configuration, jobId, platform.filesystem)
  const keeps = keepsCheckpointsAfter(state, settings.retention)
  await insistOnRemoval(async () => {
    if (!keeps) await storage.discardAll()
    else await storage.removeOthers(new Set(retained), Number.MAX_SAFE_INTEGER)
  }, platform)
  const claimed = claimedPathOf(configuration, platform.filesystem)
  if (claimed === null || retained.length < neededBeyondClaimed(settings, keeps)) return
  await insistOnRemoval(() => disposeClaimed(claimed, platform.filesystem), platform)
}

/** So many checkpoints of a job that ended make what it claimed its to remove. */
export function neededBeyondClaimed(settings: CheckpointSettings, keepsThem: boolean): number {
  // What the job never got beyond may be all that the user has.
  return keepsThem ? settings.retained : 1
}
