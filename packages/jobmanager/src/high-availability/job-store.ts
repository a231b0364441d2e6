/**
 * Submitted jobs that outlive their JobManager: graphs, and how they ended.
 *
 * Invariants: a submission is acknowledged only when its graph is durable and whoever leads next
 * will read it; a job that has ended is never run again, even when its graph could not be removed.
 */
import type { ErrorData } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import { type JobRecord, type JobResult, VOLATILE_JOB_RECORD } from './job-record.ts'

export interface StoredJob {
  readonly jobGraph: JobGraph
  /** What the job ran with: the cluster's configuration at its submission, and its own over it. */
  readonly configuration: Readonly<Record<string, string>>
  readonly submittedMs: number
}

export interface RecoveredJobs {
  /** In order of submission; their records are sealed. */
  readonly running: readonly (StoredJob & { readonly record: JobRecord })[]
  /** In order of their end; with the graph when it has not been removed yet. */
  readonly ended: readonly {
    readonly jobId: string
    readonly result: JobResult
    readonly stored: (StoredJob & { readonly retained: readonly number[] }) | null
  }[]
  /** Cannot be read; they stay stored. */
  readonly damaged: readonly { readonly jobId: string; readonly error: ErrorData }[]
}

export interface JobStore {
  readonly isDurable: boolean
  /** Tells the attempts of this leader from those of others; empty when there are no others. */
  readonly attemptLineage: string
  /** What former leaders left. Rejects with LEADERSHIP_LOST. */
  recover(): Promise<RecoveredJobs>
  /**
   * Makes a submission durable. Rejects with JOB_ALREADY_SUBMITTED, and with LEADERSHIP_LOST when
   * nobody knows whether it will be run.
   */
  add(job: StoredJob): Promise<JobRecord>
  /** After the end of the job and of everything that belonged to it. */
  removeGraph(jobId: string): Promise<void>
  /** Forgets an ended job altogether. */
  forget(jobId: string): Promise<void>
}

/** Without high availability: jobs live and die with the JobManager. */
export const VOLATILE_JOB_STORE: JobStore = {
  isDurable: false,
  attemptLineage: '',
  recover: async () => ({ running: [], ended: [], damaged: [] }),
  add: async () => VOLATILE_JOB_RECORD,
  removeGraph: async () => {},
  forget: async () => {},
}
