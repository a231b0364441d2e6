/**
 * Typed client of the JobManager's REST interface, for the CLI and the SQL gateway.
 *
 * Failures are MillraceErrors: the server's own, rebuilt with code, hint and cause chain; REST_UNREACHABLE when
 * nothing answers;
 * REST_ANSWER_UNEXPECTED when something else does.
 */
import { type ErrorData, fromErrorData } from '@millrace/core'
import type { CheckpointsAnswer } from './checkpoint-responses.ts'
import type {
  ConfigEntriesAnswer,
  ErrorAnswer,
  OverviewAnswer,
  TaskManagerDetail,
  TaskManagersAnswer,
} from './cluster-responses.ts'
import { restError } from './error-codes.ts'
import type {
  JobDetail,
  JobExceptionsAnswer,
  JobsAnswer,
  JobsOverviewAnswer,
  SubmitAnswer,
} from './job-responses.ts'
import { REST_PATHS, restPath } from './rest-paths.ts'

/** The part of `fetch` that is used; the runtime's own fits. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string },
) => Promise<{ readonly status: number; text(): Promise<string> }>

export class RestClient {
  readonly baseUrl: string
  readonly #send: Fetch

  /** `baseUrl`: e.g. `http://127.0.0.1:8081`, with or without a trailing slash. */
  constructor(baseUrl: string, fetch: Fetch) {
    this.baseUrl = baseUrl.replace(/\/+$/, '')
    this.#send = fetch
  }

  overview(): Promise<OverviewAnswer> {
    return this.request('GET', REST_PATHS.overview)
  }

  /** `jobGraph`: a `JobGraph` of `@millrace/graph`. */
  submitJob(jobGraph: unknown): Promise<SubmitAnswer> {
    return this.request('POST', REST_PATHS.jobs, { jobGraph })
  }

  listJobs(): Promise<JobsAnswer> {
    return this.request('GET', REST_PATHS.jobs)
  }

  jobsOverview(): Promise<JobsOverviewAnswer> {
    return this.request('GET', REST_PATHS.jobsOverview)
  }

  /** Rejects with JOB_NOT_FOUND. */
  jobDetail(jobId: string): Promise<JobDetail> {
    return this.request('GET', restPath(REST_PATHS.job, { jobid: jobId }))
  }

  /** Resolves when the cancellation has begun; a job that has ended already rejects with JOB_ALREADY_ENDED. */
  async cancelJob(jobId: string): Promise<void> {
    await this.request('PATCH', restPath(REST_PATHS.job, { jobid: jobId }) + '?mode=cancel')
  }

  jobExceptions(jobId: string): Promise<JobExceptionsAnswer> {
    return this.request('GET', restPath(REST_PATHS.jobExceptions, { jobid: jobId }))
  }

  jobCheckpoints(jobId: string): Promise<CheckpointsAnswer> {
    return this.request('GET', restPath(REST_PATHS.jobCheckpoints, { jobid: jobId }))
  }

  taskManagers(): Promise<TaskManagersAnswer> {
    return this.request('GET', REST_PATHS.taskManagers)
  }

  taskManager(taskManagerId: string): Promise<TaskManagerDetail> {
    return this.request('GET', restPath(REST_PATHS.taskManager, { taskmanagerid: taskManagerId }))
  }

  jobManagerConfig(): Promise<ConfigEntriesAnswer> {
    return this.request('GET', REST_PATHS.jobManagerConfig)
  }

  /** Asks the JobManager-side part of an operator; `request` and the answer are the operator's own JSON. */
  coordinatorRequest<T>(
    jobId: string,
    vertexId: string,
    operatorId: string,
    request: unknown,
  ): Promise<T> {
    const path = restPath(REST_PATHS.jobOperatorCoordinator, {
      jobid: jobId,
      vertexid: vertexId,
      operatorid: operatorId,
    })
    return this.request('POST', path, request)
  }

  /** Any path below the base, for what has no method here. */
  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const url = this.baseUrl + path
    let status: number
    let text: string
    try {
      const response = await this.#send(url, {
        method,
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      status = response.status
      text = await response.text()
    } catch (cause) {
      throw restError('REST_UNREACHABLE', `No JobManager answers at ${this.baseUrl}.`, {
        hint: 'Start a cluster with: npx millrace cluster start; or name the address of a running one.',
        // fetch wraps what went wrong into an error that only says that it failed.
        cause: (cause as Error).cause ?? cause,
      })
    }
    const answer = this.#parse(url, status, text)
    if (status < 400) return answer as T
    const error = (answer as Partial<ErrorAnswer> | null)?.error
    if (isErrorData(error)) throw fromErrorData(error)
    throw this.#unexpected(url, status, text)
  }

  #parse(url: string, status: number, text: string): unknown {
    if (text === '') return {}
    try {
      return JSON.parse(text)
    } catch {
      throw this.#unexpected(url, status, text)
    }
  }

  #unexpected(url: string, status: number, text: string) {
    return restError(
      'REST_ANSWER_UNEXPECTED',
      `Check the address: ${url} does not answer as a Millrace JobManager does (HTTP ${status}: ${text.slice(0, 200)}).`,
    )
  }
}

function isErrorData(value: unknown): value is ErrorData {
  return (value as Partial<ErrorData> | undefined)?.brand === 'millrace-error'
}
