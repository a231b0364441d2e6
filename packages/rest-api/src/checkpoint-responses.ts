/** Answers about checkpoints: fields as the reference engine's; sizes in bytes, durations in ms. */
export type CheckpointStatus = 'IN_PROGRESS' | 'COMPLETED' | 'FAILED'

export interface CheckpointEntry {
  /** `completed`, `in_progress` or `failed`. */
  readonly className: 'completed' | 'in_progress' | 'failed'
  readonly id: number
  readonly status: CheckpointStatus
  readonly is_savepoint: boolean
  /** Of a checkpoint null. */
  readonly savepointFormat: 'CANONICAL' | 'NATIVE' | null
  readonly checkpoint_type: 'CHECKPOINT' | 'UNALIGNED_CHECKPOINT' | 'SAVEPOINT'
  readonly trigger_timestamp: number
  readonly latest_ack_timestamp: number
  readonly checkpointed_size: number
  readonly state_size: number
  readonly end_to_end_duration: number
  readonly alignment_buffered: number
  /** Read between the first barrier and the last. */
  readonly processed_data: number
  /** Of elements under way that the barrier overtook. */
  readonly persisted_data: number
  readonly num_subtasks: number
  readonly num_acknowledged_subtasks: number
  readonly tasks: Readonly<Record<string, CheckpointTaskEntry>>
  /** Completed ones. */
  readonly external_path?: string
  readonly discarded?: boolean
  /** Failed ones. */
  readonly failure_timestamp?: number
  readonly failure_message?: string | null
}

export interface CheckpointTaskEntry {
  readonly id: number
  readonly status: CheckpointStatus
  readonly latest_ack_timestamp: number
  readonly checkpointed_size: number
  readonly state_size: number
  readonly end_to_end_duration: number
  readonly alignment_buffered: number
  readonly processed_data: number
  readonly persisted_data: number
  readonly num_subtasks: number
  readonly num_acknowledged_subtasks: number
}

export interface StatisticsSummary {
  readonly min: number
  readonly max: number
  readonly avg: number
  readonly p50: number
  readonly p90: number
  readonly p95: number
  readonly p99: number
  readonly p999: number
}

export interface RestoredCheckpoint {
  readonly id: number
  readonly restore_timestamp: number
  readonly is_savepoint: boolean
  readonly external_path: string
}

export interface CheckpointsAnswer {
  readonly counts: {
    readonly restored: number
    readonly total: number
    readonly in_progress: number
    readonly completed: number
    readonly failed: number
  }
  readonly summary: {
    readonly checkpointed_size: StatisticsSummary
    readonly state_size: StatisticsSummary
    readonly end_to_end_duration: StatisticsSummary
    readonly alignment_buffered: StatisticsSummary
    readonly processed_data: StatisticsSummary
    readonly persisted_data: StatisticsSummary
  }
  readonly latest: {
    readonly completed: CheckpointEntry | null
    readonly savepoint: CheckpointEntry | null
    readonly failed: CheckpointEntry | null
    readonly restored: RestoredCheckpoint | null
  }
  readonly history: readonly CheckpointEntry[]
}

export interface CheckpointsConfigAnswer {
  readonly mode: 'exactly_once' | 'at_least_once'
  readonly interval: number
  readonly timeout: number
  readonly min_pause: number
  readonly max_concurrent: number
  readonly externalization: { readonly enabled: boolean; readonly delete_on_cancellation: boolean }
  readonly state_backend: string
  readonly checkpoint_storage: string
  readonly unaligned_checkpoints: boolean
  readonly tolerable_failed_checkpoints: number
  readonly aligned_checkpoint_timeout: number
  readonly checkpoints_after_tasks_finish: boolean
  readonly state_changelog_enabled: boolean
  /** Of a changelog that is not there, as the reference's answers have it. */
  readonly changelog_periodic_materialization_interval: number
  readonly changelog_storage: string
}

/** One subtask in one checkpoint. */
export type CheckpointSubtask =
  | {
      readonly className: 'pending'
      readonly index: number
      readonly status: 'pending_or_failed'
    }
  | {
      readonly className: 'completed'
      readonly index: number
      readonly status: 'completed'
      readonly ack_timestamp: number
      readonly end_to_end_duration: number
      readonly checkpointed_size: number
      readonly state_size: number
      readonly checkpoint: { readonly sync: number; readonly async: number }
      readonly alignment: {
        readonly buffered: number
        readonly processed: number
        readonly persisted: number
        readonly duration: number
      }
      readonly start_delay: number
      readonly unaligned_checkpoint: boolean
      readonly aborted: boolean
    }

export interface CheckpointSubtasksAnswer extends CheckpointTaskEntry {
  readonly summary: {
    readonly checkpointed_size: StatisticsSummary
    readonly state_size: StatisticsSummary
    readonly end_to_end_duration: StatisticsSummary
    readonly checkpoint_duration: {
      readonly sync: StatisticsSummary
      readonly async: StatisticsSummary
    }
    readonly alignment: {
      readonly buffered: StatisticsSummary
      readonly processed: StatisticsSummary
      readonly persisted: StatisticsSummary
      readonly duration: StatisticsSummary
    }
    readonly start_delay: StatisticsSummary
  }
  readonly subtasks: readonly CheckpointSubtask[]
}
