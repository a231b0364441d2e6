/** At a job's start: its checkpoint storage, checked, and the checkpoint that it starts from. */
import { type Configuration, isMillraceError } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import {
  type CheckpointStorage,
  checkpointDirectoryPath,
  checkpointPath,
  createCheckpointStorage,
  MemoryCheckpointStorage,
  readCheckpoint,
  removeCheckpoint,
} from '@millrace/state'
import type { JobRecord } from '../high-availability/job-record.ts'
import { CheckpointingOptions } from '../jobmanager-options.ts'
import { CheckpointCoordinator } from './checkpoint-coordinator.ts'
import { claimedPathOf, insistOnRemoval } from './checkpoint-disposal.ts'
import type { CheckpointHost } from './checkpoint-host.ts'
import { checkpointSettingsOf } from './checkpoint-settings.ts'
import type { CheckpointStatistics } from './checkpoint-statistics.ts'

/** Rejects with what is wrong with the directory or the checkpoint. */
export async function openCheckpoints(job: {
  readonly platform: Platform
  readonly configuration: Configuration
  readonly statistics: CheckpointStatistics
  readonly record: JobRecord
  readonly host: CheckpointHost
}): Promise<CheckpointCoordinator> {
  const { platform, configuration, statistics, record, host } = job
  const settings = checkpointSettingsOf(configuration)
  const recoveryPath = configuration.get(CheckpointingOptions.recoveryPath)
  const { jobId } = host
  // Savepoints have directories of their own.
  const storage =
    settings.intervalMs === null
      ? new MemoryCheckpointStorage()
      : createCheckpointStorage(configuration, jobId, platform.filesystem)
  await prepare(storage, platform)
  const coordinator = new CheckpointCoordinator(
    platform,
    settings,
    storage,
    statistics,
    host,
    record,
  )
  const { stop } = record
  if (stop !== null && !stop.isDecided) void removeUndecided(stop.path, platform)
  const newest = record.retained.at(-1)
  if (stop?.isDecided === true) {
    coordinator.resumeStop(await readCheckpoint(stop.path, platform.filesystem), stop.path)
  } else if (newest !== undefined) {
    const manifest = await storage.read(newest)
    coordinator.restoreFrom(manifest, checkpointPath(storage.directory as string, newest))
  } else if (recoveryPath !== undefined) {
    const location = checkpointDirectoryPath(recoveryPath, platform.filesystem)
    coordinator.restoreFrom(await readCheckpoint(location, platform.filesystem), location)
  }
  const claimed = claimedPathOf(configuration, platform.filesystem)
  // Also when the job has checkpoints by now: a former leader may not have come to removing it.
  if (claimed !== null) coordinator.completed.claim(claimed)
  await coordinator.completed.countSegments()
  if (record.isDurable) await coordinator.completed.removeLeftovers()
  return coordinator
}

/** Of a stop that a former leader had begun: the job goes on, so nothing of it may stay. */
async function removeUndecided(path: string, platform: Platform): Promise<void> {
  try {
    await insistOnRemoval(() => removeCheckpoint(path, platform.filesystem), platform)
  } catch (error) {
    platform.logger.warn('A savepoint that did not stop its job could not be removed', {
      path,
      error,
    })
  }
}

async function prepare(storage: CheckpointStorage, platform: Platform): Promise<void> {
  try {
    await storage.prepare()
  } catch (error) {
    const isTriedAgain = isMillraceError(error) && error.retry === 'backoff'
    // The job does not start, and nobody else would remove them; a disk in trouble may
    // refuse for a while.
    if (!isTriedAgain) {
      insistOnRemoval(() => storage.removeProbes(), platform).catch(() => {})
    }
    throw error
  }
}
