/** The subtasks of one vertex in one checkpoint, as REST shows them. */
import { stateSizeOf } from '@millrace/core'
import type {
  CheckpointSubtask,
  CheckpointSubtasksAnswer,
  CheckpointTaskEntry,
} from '@millrace/rest-api'
import type { Acknowledgement, PendingCheckpoint } from './pending-checkpoint.ts'
import { SummaryStatistics } from './summary-statistics.ts'

type Acknowledged = CheckpointSubtask & { readonly className: 'completed' }

/** `task`: what the whole vertex shows in it. */
export function checkpointSubtasks(
  checkpoint: PendingCheckpoint,
  vertexId: string,
  task: CheckpointTaskEntry,
): CheckpointSubtasksAnswer {
  const own = [...checkpoint.acknowledgements.values()].filter(
    (acknowledgement) => acknowledgement.vertexId === vertexId,
  )
  const shown = own.map((acknowledgement) => acknowledged(checkpoint, acknowledgement))
  const byIndex = new Map(shown.map((subtask) => [subtask.index, subtask]))
  const summary = (value: (subtask: Acknowledged) => number) => {
    const statistics = new SummaryStatistics()
    for (const subtask of shown) statistics.add(value(subtask))
    return statistics.summary()
  }
  return {
    ...task,
    summary: {
      checkpointed_size: summary((subtask) => subtask.checkpointed_size),
      state_size: summary((subtask) => subtask.state_size),
      end_to_end_duration: summary((subtask) => subtask.end_to_end_duration),
      checkpoint_duration: {
        sync: summary(({ checkpoint: { sync } }) => sync),
        async: summary((subtask) => subtask.checkpoint.async),
      },
      alignment: {
        buffered: summary(({ alignment }) => alignment.buffered),
        processed: summary(({ alignment }) => alignment.processed),
        persisted: summary(({ alignment }) => alignment.persisted),
        duration: summary(({ alignment }) => alignment.duration),
      },
      start_delay: summary((subtask) => subtask.start_delay),
    },
    subtasks: Array.from(
      { length: task.num_subtasks },
      (_, index): CheckpointSubtask =>
        byIndex.get(index) ?? { className: 'pending', index, status: 'pending_or_failed' },
    ),
  }
}

function acknowledged(
  checkpoint: PendingCheckpoint,
  { subtaskIndex, timestampMs, metrics, state }: Acknowledgement,
): Acknowledged {
  let handlesSize = 0
  for (const handles of Object.values(state)) handlesSize += stateSizeOf(handles)
  return {
    className: 'completed',
    index: subtaskIndex,
    status: 'completed',
    ack_timestamp: timestampMs,
    end_to_end_duration: timestampMs - checkpoint.timestampMs,
    checkpointed_size: metrics?.checkpointedBytes ?? handlesSize,
    state_size: metrics?.stateBytes ?? handlesSize,
    checkpoint: {
      sync: Math.round(metrics?.syncDurationMs ?? 0),
      async: Math.round(metrics?.asyncDurationMs ?? 0),
    },
    alignment: {
      buffered: 0,
      processed: metrics?.processedBytes ?? 0,
      persisted: metrics?.persistedBytes ?? 0,
      duration: Math.round(metrics?.alignmentDurationMs ?? 0),
    },
    start_delay: Math.round(metrics?.startDelayMs ?? 0),
    unaligned_checkpoint: metrics?.unaligned ?? false,
    aborted: false,
  }
}
