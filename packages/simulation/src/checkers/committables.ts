/** What the sinks of a checkpoint had pre-committed and not yet known to be committed. */
import { keyGroupRangeOf } from '@millrace/core'
import type { Filesystem } from '@millrace/platform'
import { readCommittables } from '@millrace/sql-operators/inspect-state'
import { openRestoredState, readCheckpoint } from '@millrace/state'

/** `location`: of a checkpoint or savepoint. */
export async function committablesAt(
  location: string,
  filesystem: Filesystem,
): Promise<Uint8Array[]> {
  const manifest = await readCheckpoint(location, filesystem)
  const committables: Uint8Array[] = []
  for (const { operatorName, parallelism, maxParallelism, subtasks } of manifest.operators) {
    for (const [subtask, handles] of subtasks.entries()) {
      if (handles === null) continue
      const state = await openRestoredState({
        handles,
        checkpointId: manifest.checkpointId,
        keyGroupRange: keyGroupRangeOf(subtask, parallelism, maxParallelism),
        filesystem,
        operator: operatorName,
      })
      committables.push(...readCommittables(state))
    }
  }
  return committables
}
