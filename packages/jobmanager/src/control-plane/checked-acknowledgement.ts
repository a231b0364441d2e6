/**
 * The state that a task acknowledges, checked where it comes in: its shape, and that it is this
 * task's to give.
 *
 * It goes into the checkpoint's manifest as it is and comes back to tasks at a restore, perhaps
 * much later; what is damaged is to be found while it can still be declined.
 */
import {
  type ChannelStateHandle,
  faultInChannelState,
  faultInStateHandles,
  type KeyGroupRange,
  keyGroupRangeOf,
  type SubtaskStateHandles,
} from '@millrace/core'
import type { JobVertex } from '@millrace/graph'
import { jobManagerError } from '../error-codes.ts'

export interface AcknowledgingTask {
  readonly vertex: JobVertex
  readonly subtaskIndex: number
}

/** Throws ACKNOWLEDGEMENT_INVALID. */
export function checkedAcknowledgement(
  { vertex, subtaskIndex }: AcknowledgingTask,
  state: unknown,
): SubtaskStateHandles {
  const given = state ?? {}
  const fault = faultInStateHandles(given) ?? foreignState(given as SubtaskStateHandles)
  if (fault === null) return given as SubtaskStateHandles
  throw jobManagerError(
    'ACKNOWLEDGEMENT_INVALID',
    `Refused the state of subtask ${subtaskIndex} of '${vertex.name}': ${fault}.`,
  )

  function foreignState(handles: SubtaskStateHandles): string | null {
    const own = keyGroupRangeOf(subtaskIndex, vertex.parallelism, vertex.maxParallelism)
    for (const [operatorId, { parts }] of Object.entries(handles)) {
      if (!vertex.operators.some(({ id }) => id === operatorId)) {
        return `it has no operator ${operatorId}`
      }
      for (const { keyGroups } of parts) {
        if (keyGroups === null || lieWithin(keyGroups, own)) continue
        return `key groups ${keyGroups.start} to ${keyGroups.end} of operator ${operatorId} are not within its own, ${own.start} to ${own.end}`
      }
    }
    return null
  }
}

/** Null: it has none. Throws ACKNOWLEDGEMENT_INVALID. */
export function checkedChannels(
  { vertex, subtaskIndex }: AcknowledgingTask,
  channels: unknown,
): ChannelStateHandle | null {
  if (channels === undefined) return null
  const fault = faultInChannelState(channels)
  if (fault === null) return channels as ChannelStateHandle
  throw jobManagerError(
    'ACKNOWLEDGEMENT_INVALID',
    `Refused the elements under way of subtask ${subtaskIndex} of '${vertex.name}': ${fault}.`,
  )
}

function lieWithin(range: KeyGroupRange, own: KeyGroupRange): boolean {
  return range.start >= own.start && range.end <= own.end
}
