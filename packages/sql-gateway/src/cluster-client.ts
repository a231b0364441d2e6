/** What the gateway needs of the JobManager; `rest-api`'s RestClient is one. */
import type { JobGraph } from '@millrace/graph'
import type { RestorePlanAnswer } from '@millrace/rest-api'

/** How far event time has come in a job. */
export interface ClusterWatermark {
  /** Least over the job, epoch ms; null while there is none. */
  readonly lowMs: number | null
  /** What it waits for, and what would let it go on. */
  readonly holds: readonly { readonly what: string; readonly hint: string }[]
}

export interface ClusterJobStatus {
  readonly name: string
  readonly state: string
  /** What it waits for, when it does. */
  readonly statusReason?: string
  readonly watermark?: ClusterWatermark
}

export interface ClusterClient {
  /** What the job would start from; null: from nothing. Rejects with what keeps it from that. */
  restorePlan(jobGraph: JobGraph): Promise<RestorePlanAnswer | null>
  submit(jobGraph: JobGraph): Promise<{ readonly jobId: string }>
  status(jobId: string): Promise<ClusterJobStatus>
  /** The root failure of a FAILED job as an error; null when there is none. */
  failure(jobId: string): Promise<Error | null>
  cancel(jobId: string): Promise<void>
  /**
   * Stops the job by a savepoint and resolves with its directory once the job has finished; below
   * `targetDirectory`, or where the cluster keeps savepoints. `drain`: its windows are fired first.
   */
  stopWithSavepoint(
    jobId: string,
    request: {
      readonly targetDirectory: string | null
      readonly drain: boolean
      report(progress: string): void
    },
  ): Promise<string>
  list(): Promise<readonly { jobId: string; name: string; state: string; startTimeMs: number }[]>
  /** A request to an operator's coordinator. */
  coordinator(
    jobId: string,
    vertexId: string,
    operatorId: string,
    request: unknown,
  ): Promise<unknown>
}
