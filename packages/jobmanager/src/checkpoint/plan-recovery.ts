/**
 * What a job that names a checkpoint or savepoint would start from, read and checked before anybody
 * submits it.
 *
 * Everything that can be known without running a task is found here, under the names that the job
 * itself would fail with.
 */
import type { Configuration } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import type { Filesystem } from '@millrace/platform'
import type { RestorePlanAnswer } from '@millrace/rest-api'
import {
  checkFiles,
  checkpointDirectoryPath,
  claimsOf,
  IGNORE_UNCLAIMED_STATE,
  planRestore,
  readCheckpoint,
  reassignChannels,
  reassignState,
} from '@millrace/state'
import { CheckpointingOptions } from '../jobmanager-options.ts'
import { channelEdges, operatorsOf } from '../scheduler/channel-edges.ts'
import { chainCuts, unchained } from '../scheduler/unchain.ts'

/**
 * Null: the job names none. Rejects with CHECKPOINT_NOT_FOUND, CHECKPOINT_METADATA_CORRUPTED,
 * STATE_CORRUPTED, STATE_UNCLAIMED and what else a restore is refused with.
 */
export async function planRecovery(
  jobGraph: JobGraph,
  configuration: Configuration,
  filesystem: Filesystem,
): Promise<RestorePlanAnswer | null> {
  const named = configuration.get(CheckpointingOptions.recoveryPath)
  if (named === undefined) return null
  const path = checkpointDirectoryPath(named, filesystem)
  const manifest = await readCheckpoint(path, filesystem)
  const ignoreUnclaimedState = configuration.get(IGNORE_UNCLAIMED_STATE)
  reassignState(manifest, jobGraph.vertices, { ignoreUnclaimedState })
  if (manifest.inFlight !== undefined) {
    const claims = claimsOf(manifest, operatorsOf(jobGraph))
    const edges = channelEdges(unchained(jobGraph, chainCuts(jobGraph, manifest)))
    reassignChannels(manifest.inFlight, edges, { ignoreUnclaimedState, claims })
  }
  await checkFiles(manifest, filesystem)
  const { restored, empty, unclaimed } = planRestore(manifest, jobGraph.vertices)
  return {
    path,
    'job-id': manifest.jobId,
    'checkpoint-id': manifest.checkpointId,
    'is-savepoint': manifest.savepoint !== undefined,
    timestamp: manifest.timestampMs,
    restored: restored.map(({ id, name, from, isFilterChanged, changes, columns }) => ({
      ...{ id, name, from, changes, columns },
      'filter-changed': isFilterChanged,
    })),
    empty,
    unclaimed,
  }
}
