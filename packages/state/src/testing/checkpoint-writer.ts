/** Takes a whole checkpoint of one operator, as slots and JobManager do together, for tests. */

import type { OperatorStateHandles } from '@millrace/core'
import type { Clock, Filesystem } from '@millrace/platform'
import type { CheckpointManifest } from '../checkpoint/checkpoint-manifest.ts'
import type { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import { checkpointPath } from '../handle/checkpoint-path.ts'
import { sharedPath } from '../handle/shared-segments.ts'
import { openRestoredState } from '../restore/open-restored-state.ts'
import { reassignState } from '../restore/reassign-state.ts'
import { writeOperatorSnapshot } from '../segment/write-operator-snapshot.ts'
import {
  type OperatorContent,
  type ReadBack,
  rangeOf,
  readBack,
  snapshotOf,
} from './random-state.ts'

export const OPERATOR = { id: 'a'.repeat(32), name: 'GlobalWindowAggregate[3]' }

/** The parts of a clock that state uses. */
export const testClock = {
  setImmediate: (action: () => void): void => void setImmediate(action),
} as unknown as Clock

/** Of a job without state. */
export function manifestOf(checkpointId: number): CheckpointManifest {
  return {
    jobId: 'j',
    checkpointId,
    timestampMs: 1,
    leaderEpoch: 1,
    operators: [],
    coordinators: {},
  }
}

export interface CheckpointPlan {
  readonly content: OperatorContent
  readonly checkpointId: number
  readonly parallelism: number
  readonly maxParallelism: number
  readonly memoryThreshold: number
  /** Its segments are among those that later ones may refer to. */
  readonly isShared?: boolean
  /** `testClock` when absent. */
  readonly clock?: Clock
}

export async function takeCheckpoint(
  storage: CheckpointStorage,
  filesystem: Filesystem,
  plan: CheckpointPlan,
): Promise<CheckpointManifest> {
  const { content, checkpointId, parallelism, maxParallelism, memoryThreshold } = plan
  const { isShared = false } = plan
  const pathIn = isShared ? sharedPath : checkpointPath
  const subtasks: OperatorStateHandles[] = []
  for (let subtask = 0; subtask < parallelism; subtask++) {
    const handles = await writeOperatorSnapshot(
      snapshotOf(content, subtask, parallelism, maxParallelism),
      {
        directory: storage.directory === null ? null : pathIn(storage.directory, checkpointId),
        checkpointId,
        isShared,
        operatorId: OPERATOR.id,
        subtaskIndex: subtask,
        attempt: 0,
        keyGroupRange: rangeOf(subtask, parallelism, maxParallelism),
        memoryThreshold,
        filesystem,
        clock: plan.clock ?? testClock,
      },
    )
    // Handles travel as JSON.
    subtasks.push(JSON.parse(JSON.stringify(handles)))
  }
  const manifest: CheckpointManifest = {
    jobId: 'b'.repeat(32),
    checkpointId,
    timestampMs: 1_700_000_000_000,
    leaderEpoch: 1,
    operators: [
      {
        operatorId: OPERATOR.id,
        operatorName: OPERATOR.name,
        vertexId: 'c'.repeat(32),
        parallelism,
        maxParallelism,
        subtasks,
      },
    ],
    coordinators: { [OPERATOR.id]: { splits: ['p-0'] } },
  }
  await storage.complete(manifest)
  return manifest
}

/** What each subtask of a job with `parallelism` sees of the checkpoint. */
export async function restoreCheckpoint(
  manifest: CheckpointManifest,
  filesystem: Filesystem,
  parallelism: number,
  maxParallelism: number,
): Promise<ReadBack[]> {
  const vertex = { name: 'v', parallelism, maxParallelism, operators: [OPERATOR] }
  const reassigned = reassignState(manifest, [vertex], { ignoreUnclaimedState: false })
  const handles = reassigned.get(OPERATOR.id)
  const seen: ReadBack[] = []
  for (let subtask = 0; subtask < parallelism; subtask++) {
    const state = await openRestoredState({
      handles: handles?.[subtask] ?? { parts: [] },
      checkpointId: manifest.checkpointId,
      keyGroupRange: rangeOf(subtask, parallelism, maxParallelism),
      filesystem,
    })
    seen.push(await readBack(state))
  }
  return seen
}
