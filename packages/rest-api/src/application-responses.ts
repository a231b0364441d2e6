/**
 * Answers about applications: fields as the reference engine's. Each job is an application of its
 * own, of the same id.
 */
import type { ExceptionEntry, JobOverview } from './job-responses.ts'

export type ApplicationStatus =
  | 'CREATED'
  | 'RUNNING'
  | 'FAILING'
  | 'FAILED'
  | 'CANCELING'
  | 'CANCELED'
  | 'FINISHED'

export interface ApplicationOverview {
  readonly id: string
  readonly name: string
  readonly 'start-time': number
  readonly 'end-time': number
  readonly duration: number
  readonly status: ApplicationStatus
  /** How many of its jobs are in each state. */
  readonly jobs: Readonly<Record<string, number>>
}

export interface ApplicationDetail extends Omit<ApplicationOverview, 'jobs'> {
  /** When it came into each state; 0: it did not. */
  readonly timestamps: Readonly<Record<ApplicationStatus, number>>
  readonly jobs: readonly JobOverview[]
}

export interface ApplicationExceptionsAnswer {
  readonly exceptionHistory: { readonly entries: readonly ExceptionEntry[] }
}
