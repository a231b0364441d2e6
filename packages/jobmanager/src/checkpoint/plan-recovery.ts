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

/** Of an operator that goes on with stored state: what columns its tables have there. */
export interface RecoveredColumns {
  readonly id: string
  /** By table; null: a checkpoint that does not say. */
  readonly columns: Readonly<Record<string, readonly string[]>> | null
}

/** Makes a job fit to the state that it goes on with. */
export type FitToStored = (
  jobGraph: JobGraph,
  stored: readonly RecoveredColumns[],
) => Promise<JobGraph>

/**
 * The graph as it goes on with what it names: whoever submits it need not have asked first. Rejects
 * as reading that checkpoint does, and as `fit`.
 */
export async function fittedToStored(
  jobGraph: JobGraph,
  configuration: Configuration,
  filesystem: Filesystem,
  fit: FitToStored,
): Promise<JobGraph> {
  const named = configuration.get(CheckpointingOptions.recoveryPath)
  const isKeyed = operatorsOf(jobGraph).some(({ states }) => states !== undefined)
  if (named === undefined || !isKeyed) return jobGraph
  const path = checkpointDirectoryPath(named, filesystem)
  const manifest = await readCheckpoint(path, filesystem)
  return fit(jobGraph, planRestore(manifest, jobGraph.vertices).restored)
}

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
