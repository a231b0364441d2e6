/** Answers about rescales of a job: fields as the reference engine's, times in epoch ms. */
import type { StatisticsSummary } from './checkpoint-responses.ts'

export interface RescaleDetails {
  readonly rescaleUuid: string
  readonly resourceRequirementsUuid: string
  readonly rescaleAttemptId: number
  /** By vertex id; empty in the history. */
  readonly vertices: Readonly<
    Record<
      string,
      {
        readonly jobVertexId: string
        readonly jobVertexName: string
        readonly slotSharingGroupId: string
        readonly slotSharingGroupName: string
        readonly desiredParallelism: number
        readonly sufficientParallelism: number
        readonly preRescaleParallelism: number | null
        readonly postRescaleParallelism: number | null
      }
    >
  >
  /** Ours are not described one by one. */
  readonly slots: Readonly<Record<string, never>>
  readonly schedulerStates: readonly {
    readonly state: string
    readonly enterTimestampInMillis: number
    readonly leaveTimestampInMillis: number | null
    readonly durationInMillis: number | null
    readonly stringifiedException: string | null
  }[]
  readonly startTimestampInMillis: number
  readonly endTimestampInMillis: number | null
  readonly terminalState: 'COMPLETED' | 'FAILED' | 'IGNORED' | null
  readonly triggerCause: string
  readonly terminatedReason: string | null
}

export interface RescalesCounts {
  readonly ignored: number
  readonly inProgress: number
  readonly completed: number
  readonly failed: number
}

export interface RescalesAnswer {
  readonly rescalesCounts: RescalesCounts
  readonly latest: {
    readonly completed: RescaleDetails | null
    readonly failed: RescaleDetails | null
    readonly ignored: RescaleDetails | null
  }
}

/** Newest first. */
export type RescalesHistoryAnswer = readonly RescaleDetails[]

export interface RescalesSummaryAnswer {
  readonly rescalesCounts: RescalesCounts
  readonly rescalesDurationStatsInMillis: StatisticsSummary
  readonly completedRescalesDurationStatsInMillis: StatisticsSummary
  readonly ignoredRescalesDurationStatsInMillis: StatisticsSummary
  readonly failedRescalesDurationStatsInMillis: StatisticsSummary
}

/** Of a job that follows the slots that there are; -1: without end. */
export interface RescaleConfigAnswer {
  readonly rescaleHistoryMax: number
  readonly schedulerExecutionMode: 'REACTIVE' | null
  readonly submissionResourceWaitTimeoutInMillis: number
  readonly submissionResourceStabilizationTimeoutInMillis: number
  readonly slotIdleTimeoutInMillis: number
  readonly executingCooldownTimeoutInMillis: number
  readonly executingResourceStabilizationTimeoutInMillis: number
  readonly maximumDelayForTriggeringRescaleInMillis: number
  readonly rescaleOnFailedCheckpointCount: number
}
