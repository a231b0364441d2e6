/**
 * Typed client of the JobManager's REST interface, for the CLI and the SQL gateway.
 *
 * Failures are MillraceErrors: the server's own, rebuilt with code, hint and cause chain;
 * REST_UNREACHABLE when nothing answers;
 * REST_ANSWER_UNEXPECTED when something else does.
 */
import { fromErrorData } from '@millrace/core'
import type { CheckpointsAnswer } from './checkpoint-responses.ts'
import type {
  ConfigEntriesAnswer,
  OverviewAnswer,
  TaskManagerDetail,
  TaskManagersAnswer,
} from './cluster-responses.ts'
import { errorDataOf } from './error-answer.ts'
import { restError } from './error-codes.ts'
import type {
  JobDetail,
  JobExceptionsAnswer,
  JobRequirements,
  JobsAnswer,
  JobsOverviewAnswer,
  SubmitAnswer,
} from './job-responses.ts'
import type { AsyncOperationAnswer, CheckpointType, TriggerAnswer } from './operation-responses.ts'
import { REST_PATHS, restPath } from './rest-paths.ts'
import type { RestorePlanAnswer } from './restore-plan.ts'

/** The part of `fetch` that is used; the runtime's own fits. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string },
) => Promise<{
  readonly status: number
  readonly headers?: { get(name: string): string | null }
  text(): Promise<string>
}>

export class RestClient {
  readonly baseUrl: string
  readonly #send: Fetch

  /** `baseUrl`: e.g. `http://127.0.0.1:8081`, with or without a trailing slash. */
  constructor(baseUrl: string, fetch: Fetch) {
    this.baseUrl = baseUrl.replace(/\/+$/, '')
    this.#send = fetch
  }

  overview(): Promise<OverviewAnswer> {
    return this.#get(REST_PATHS.overview, 'taskmanagers')
  }

  /** `jobGraph`: a `JobGraph` of `@millrace/graph`. */
  submitJob(jobGraph: unknown): Promise<SubmitAnswer> {
    return this.request('POST', REST_PATHS.jobs, { jobGraph }, ['jobid'])
  }

  /** Null: the job names nothing to start from. Rejects with what keeps it from starting. */
  async restorePlan(jobGraph: unknown): Promise<RestorePlanAnswer | null> {
    const answer = await this.request<{ plan: RestorePlanAnswer | null }>(
      'POST',
      REST_PATHS.jobsRestorePlan,
      { jobGraph },
      ['plan'],
    )
    return answer.plan
  }

  listJobs(): Promise<JobsAnswer> {
    return this.#get(REST_PATHS.jobs, 'jobs')
  }

  jobsOverview(): Promise<JobsOverviewAnswer> {
    return this.#get(REST_PATHS.jobsOverview, 'jobs')
  }

  /** Rejects with JOB_NOT_FOUND. */
  jobDetail(jobId: string): Promise<JobDetail> {
    return this.#get(restPath(REST_PATHS.job, { jobid: jobId }), 'state', 'vertices')
  }

  /**
   * Resolves when the cancellation has begun; one that has finished or failed rejects with
   * JOB_ALREADY_ENDED.
   */
  async cancelJob(jobId: string): Promise<void> {
    await this.request('PATCH', restPath(REST_PATHS.job, { jobid: jobId }) + '?mode=cancel')
  }

  jobExceptions(jobId: string): Promise<JobExceptionsAnswer> {
    return this.request('GET', restPath(REST_PATHS.jobExceptions, { jobid: jobId }))
  }

  jobCheckpoints(jobId: string): Promise<CheckpointsAnswer> {
    return this.#get(restPath(REST_PATHS.jobCheckpoints, { jobid: jobId }), 'counts', 'latest')
  }

  jobRequirements(jobId: string): Promise<JobRequirements> {
    return this.request('GET', restPath(REST_PATHS.jobRequirements, { jobid: jobId }))
  }

  /**
   * Resolves when they are kept; the job comes to them by itself. Rejects with
   * RESOURCE_REQUIREMENTS_INVALID, RESCALE_NOT_POSSIBLE.
   */
  async requireOfJob(jobId: string, requirements: JobRequirements): Promise<void> {
    const path = restPath(REST_PATHS.jobRequirements, { jobid: jobId })
    await this.request('PUT', path, requirements)
  }

  /**
   * Resolves with the id to ask `checkpointStatus` for. `triggerId`: of 32 hexadecimal digits, so
   * that the request may be repeated.
   */
  async triggerCheckpoint(
    jobId: string,
    request: { readonly checkpointType: CheckpointType; readonly triggerId: string },
  ): Promise<string> {
    const path = restPath(REST_PATHS.jobCheckpoints, { jobid: jobId })
    const answer = await this.request<TriggerAnswer>('POST', path, request, ['request-id'])
    return answer['request-id']
  }

  /** Rejects with OPERATION_UNKNOWN. */
  checkpointStatus(jobId: string, triggerId: string): Promise<AsyncOperationAnswer> {
    const path = restPath(REST_PATHS.jobCheckpoint, { jobid: jobId, triggerid: triggerId })
    return this.#get(path, 'status')
  }

  /**
   * Resolves with the id to ask `savepointStatus` for. `triggerId`: of 32 hexadecimal digits, so
   * that the request may be repeated.
   */
  async triggerSavepoint(
    jobId: string,
    request: { readonly targetDirectory: string | null; readonly triggerId?: string },
  ): Promise<string> {
    const { targetDirectory, triggerId } = request
    const body = {
      ...(targetDirectory === null ? {} : { 'target-directory': targetDirectory }),
      ...(triggerId === undefined ? {} : { triggerId }),
    }
    const path = restPath(REST_PATHS.jobSavepoints, { jobid: jobId })
    const answer = await this.request<TriggerAnswer>('POST', path, body, ['request-id'])
    return answer['request-id']
  }

  /** As `triggerSavepoint`, of one that stops the job; `drain`: its windows are fired first. */
  async triggerStop(
    jobId: string,
    request: {
      readonly targetDirectory: string | null
      readonly drain: boolean
      readonly triggerId?: string
    },
  ): Promise<string> {
    const { targetDirectory, drain, triggerId } = request
    const body = {
      ...(targetDirectory === null ? {} : { targetDirectory }),
      drain,
      ...(triggerId === undefined ? {} : { triggerId }),
    }
    const path = restPath(REST_PATHS.jobStop, { jobid: jobId })
    const answer = await this.request<TriggerAnswer>('POST', path, body, ['request-id'])
    return answer['request-id']
  }

  /** Rejects with OPERATION_UNKNOWN. */
  savepointStatus(jobId: string, triggerId: string): Promise<AsyncOperationAnswer> {
    const path = restPath(REST_PATHS.jobSavepoint, { jobid: jobId, triggerid: triggerId })
    return this.#get(path, 'status')
  }

  /**
   * Removes a savepoint; resolves with the id to ask `savepointDisposalStatus` for. `triggerId`: as
   * of `triggerSavepoint`.
   */
  async triggerSavepointDisposal(path: string, triggerId?: string): Promise<string> {
    const body = { 'savepoint-path': path, ...(triggerId === undefined ? {} : { triggerId }) }
    const route = REST_PATHS.savepointDisposals
    const answer = await this.request<TriggerAnswer>('POST', route, body, ['request-id'])
    return answer['request-id']
  }

  /** Rejects with OPERATION_UNKNOWN. */
  savepointDisposalStatus(triggerId: string): Promise<AsyncOperationAnswer> {
    return this.#get(restPath(REST_PATHS.savepointDisposal, { triggerid: triggerId }), 'status')
  }

  taskManagers(): Promise<TaskManagersAnswer> {
    return this.#get(REST_PATHS.taskManagers, 'taskmanagers')
  }

  taskManager(taskManagerId: string): Promise<TaskManagerDetail> {
    return this.request('GET', restPath(REST_PATHS.taskManager, { taskmanagerid: taskManagerId }))
  }

  jobManagerConfig(): Promise<ConfigEntriesAnswer> {
    return this.request('GET', REST_PATHS.jobManagerConfig)
  }

  /**
   * Asks the JobManager-side part of an operator; `request` and the answer are the
   * operator's own JSON.
   */
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

  #get<T>(path: string, ...required: readonly (keyof T & string)[]): Promise<T> {
    return this.request('GET', path, undefined, required)
  }

  /**
   * Any path below the base, for what has no method here. `required`: fields without which it is
   * no such answer.
   */
  async request<T>(
    method: string,
    path: string,
    body?: unknown,
    required: readonly (keyof T & string)[] = [],
  ): Promise<T> {
    const url = this.baseUrl + path
    let status: number
    let text: string
    let server: string | null
    try {
      const response = await this.#send(url, {
        method,
        headers: body === undefined ? {} : { 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      status = response.status
      server = response.headers?.get('server') ?? null
      text = await response.text()
    } catch (cause) {
      throw restError('REST_UNREACHABLE', `No JobManager answers at ${this.baseUrl}.`, {
        hint: 'Start a cluster with: npx millrace cluster start; or name the address of a running one.',
        // fetch wraps what went wrong into an error that only says that it failed.
        cause: (cause as Error).cause ?? cause,
      })
    }
    const unexpected = () => unexpectedAnswer(url, { status, server, text }, required)
    const answer = parseAnswer(text, unexpected)
    if (status < 400) {
      const fields = answer as Partial<Record<string, unknown>> | null
      if (required.every((name) => fields?.[name] !== undefined)) return answer as T
      throw unexpected()
    }
    const error = errorDataOf(answer)
    if (error !== null) throw fromErrorData(error)
    throw unexpected()
  }
}

function parseAnswer(text: string, unexpected: () => Error): unknown {
  if (text === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    throw unexpected()
  }
}

const SHOWN_CHARACTERS = 200

function unexpectedAnswer(
  url: string,
  found: { readonly status: number; readonly server: string | null; readonly text: string },
  required: readonly string[],
): Error {
  const who = found.server === null ? '' : ` from ${found.server}`
  const text = found.text.slice(0, SHOWN_CHARACTERS).replace(/\s+/g, ' ').trim()
  const said = text === '' ? 'an empty answer' : text
  const expected = required.length === 0 ? 'JSON' : `JSON with '${required.join("' and '")}'`
  return restError(
    'REST_ANSWER_UNEXPECTED',
    `Check the address: ${url} does not answer as a Millrace JobManager does. ` +
      `Expected ${expected}; found HTTP ${found.status}${who}: ${said}`,
    { hint: 'rest.address and rest.port name the JobManager: -D rest.port=8081' },
  )
}
