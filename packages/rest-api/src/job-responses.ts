/**
 * Answers about jobs: fields as the reference engine's, times in epoch ms (-1: not
 * yet), ours marked.
 */
import type { ErrorData, WatermarkHold } from '@millrace/core'
import type { FailureCause } from './operation-responses.ts'

export type JobStatus =
  | 'INITIALIZING'
  | 'CREATED'
  | 'RUNNING'
  | 'FAILING'
  | 'FAILED'
  | 'CANCELLING'
  | 'CANCELED'
  | 'FINISHED'
  | 'RESTARTING'
  | 'SUSPENDED'
  | 'RECONCILING'

export type ExecutionState =
  | 'CREATED'
  | 'SCHEDULED'
  | 'DEPLOYING'
  | 'INITIALIZING'
  | 'RUNNING'
  | 'FINISHED'
  | 'CANCELING'
  | 'CANCELED'
  | 'FAILED'
  | 'RECONCILING'

export interface JobsAnswer {
  readonly jobs: readonly { readonly id: string; readonly status: JobStatus }[]
}

export interface SubmitAnswer {
  readonly jobUrl: string
  readonly jobid: string
}

/** Counts of subtasks in the jobs' overview: `total` and each execution state in lower case. */
export type TaskCounts = Readonly<Record<string, number>>

/** Counts of subtasks of a job or vertex, by execution state. */
export type StateCounts = Readonly<Record<ExecutionState, number>>

export interface JobOverview {
  readonly jid: string
  readonly name: string
  readonly 'start-time': number
  readonly 'end-time': number
  readonly duration: number
  readonly state: JobStatus
  readonly 'last-modification': number
  readonly tasks: TaskCounts
  readonly jobType: string
  readonly schedulerType: string
  /**
   * Operators that adaptive planning has yet to make; none ever here, but clients demand a number.
   */
  readonly 'pending-operators': number
  /** Ours: why the job is not RUNNING, or null. */
  readonly 'status-reason': string | null
}

export interface JobsOverviewAnswer {
  readonly jobs: readonly JobOverview[]
}

export interface VertexMetrics {
  readonly 'read-bytes': number
  readonly 'read-bytes-complete': boolean
  readonly 'write-bytes': number
  readonly 'write-bytes-complete': boolean
  readonly 'read-records': number
  readonly 'read-records-complete': boolean
  readonly 'write-records': number
  readonly 'write-records-complete': boolean
  readonly 'accumulated-backpressured-time': number
  readonly 'accumulated-idle-time': number
  readonly 'accumulated-busy-time': number
}

/** Ours: what holds a vertex's watermark back. */
export interface VertexWatermarkHold extends Omit<WatermarkHold, 'certain'> {
  readonly subtask: number
  readonly operator: string
}

export interface JobVertexSummary {
  readonly id: string
  readonly slotSharingGroupId: string
  readonly name: string
  readonly maxParallelism: number
  readonly parallelism: number
  /** Ours: no rescale raises its parallelism of 1. */
  readonly single: boolean
  readonly status: ExecutionState
  readonly 'start-time': number
  readonly 'end-time': number
  readonly duration: number
  readonly tasks: StateCounts
  readonly metrics: VertexMetrics
  /** Ours: least watermark over the subtasks, epoch ms; null when none. */
  readonly 'low-watermark': number | null
  /** Ours: rows dropped as late so far. */
  readonly 'late-records-dropped': number
  /** Ours: malformed records skipped, and fields read as NULL, with `json.ignore-parse-errors`. */
  readonly 'records-in-errors': number
  /** Ours. */
  readonly 'watermark-holds': readonly VertexWatermarkHold[]
}

export interface JobPlanNode {
  readonly id: string
  readonly parallelism: number
  readonly operator: string
  readonly operator_strategy: string
  readonly description: string
  readonly inputs?: readonly {
    readonly num: number
    readonly id: string
    readonly ship_strategy: string
    readonly exchange: string
  }[]
  readonly optimizer_properties: object
}

export interface JobPlan {
  readonly jid: string
  readonly name: string
  readonly type: string
  readonly nodes: readonly JobPlanNode[]
}

export interface JobDetail {
  readonly jid: string
  /** A job is an application of its own. */
  readonly 'application-id': string
  readonly name: string
  readonly isStoppable: boolean
  readonly state: JobStatus
  readonly 'job-type': string
  readonly 'pending-operators': number
  readonly 'start-time': number
  readonly 'end-time': number
  readonly duration: number
  readonly maxParallelism: number
  readonly now: number
  readonly timestamps: Readonly<Record<JobStatus, number>>
  readonly vertices: readonly JobVertexSummary[]
  readonly 'status-counts': StateCounts
  readonly plan: JobPlan
  readonly schedulerType: string
  /**
   * Ours: why the job is not RUNNING ("needs 3 slots, 2 registered, waiting 4:12 of
   * 5:00"), or null.
   */
  readonly 'status-reason': string | null
  /** Ours: the error that ended the job, or null. */
  readonly 'failure-cause': ErrorData | null
  /** Ours. */
  readonly restarts: number
}

/** By vertex id: how many subtasks it may have, and is to have. */
export type JobRequirements = Readonly<
  Record<
    string,
    { readonly parallelism: { readonly lowerBound: number; readonly upperBound: number } }
  >
>

export interface JobConfigAnswer {
  readonly jid: string
  readonly name: string
  readonly 'execution-config': {
    readonly 'restart-strategy': string
    readonly 'job-parallelism': number
    readonly 'object-reuse-mode': boolean
    readonly 'user-config': Readonly<Record<string, string>>
  }
}

export interface ExceptionEntry {
  readonly exceptionName: string
  readonly stacktrace: string
  readonly timestamp: number
  readonly taskName: string | null
  readonly endpoint: string | null
  readonly location: string | null
  readonly taskManagerId: string | null
  readonly failureLabels: Readonly<Record<string, string>>
  /** Ours: the whole error with its cause chain. */
  readonly error: ErrorData
}

export interface RootExceptionEntry extends ExceptionEntry {
  readonly concurrentExceptions: readonly ExceptionEntry[]
}

export interface JobExceptionsAnswer {
  readonly 'root-exception': string | null
  readonly timestamp: number | null
  readonly 'all-exceptions': readonly {
    readonly exception: string
    readonly task: string
    readonly location: string
    readonly endpoint: string
    readonly timestamp: number
    readonly taskManagerId: string
  }[]
  readonly truncated: boolean
  readonly exceptionHistory: {
    readonly entries: readonly RootExceptionEntry[]
    readonly truncated: boolean
  }
}

/** How a job ended; clients wait by asking for it. */
export interface JobExecutionResultAnswer {
  readonly status: { readonly id: 'IN_PROGRESS' | 'COMPLETED' }
  readonly 'job-execution-result'?: {
    readonly id: string
    readonly name: string
    readonly 'application-id': string
    readonly 'application-status': 'SUCCEEDED' | 'FAILED' | 'CANCELED' | 'UNKNOWN'
    readonly 'accumulator-results': object
    readonly 'net-runtime': number
    readonly 'start-time': number
    readonly 'end-time': number
    readonly 'failure-cause'?: FailureCause
  }
}
