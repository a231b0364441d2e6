/** What the gateway needs of the JobManager; `rest-api`'s RestClient is one. */
import type { JobGraph } from '@millrace/graph'

export interface ClusterJobStatus {
  readonly name: string
  readonly state: string
  /** What it waits for, when it does. */
  readonly statusReason?: string
}

export interface ClusterClient {
  submit(jobGraph: JobGraph): Promise<{ readonly jobId: string }>
  status(jobId: string): Promise<ClusterJobStatus>
  /** The root failure of a FAILED job as an error; null when there is none. */
  failure(jobId: string): Promise<Error | null>
  cancel(jobId: string): Promise<void>
  list(): Promise<readonly { jobId: string; name: string; state: string; startTimeMs: number }[]>
  /** A request to an operator's coordinator. */
  coordinator(
    jobId: string,
    vertexId: string,
    operatorId: string,
    request: unknown,
  ): Promise<unknown>
}
