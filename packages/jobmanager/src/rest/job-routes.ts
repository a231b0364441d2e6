/**
 * Routes about jobs: list, submit, detail, plan, configuration, exceptions, cancel, requests to
 * operator coordinators.
 */
import { REST_PATHS } from '@millrace/rest-api'
import { jobManagerError } from '../error-codes.ts'
import { RestOptions } from '../jobmanager-options.ts'
import { jobConfig, jobDetail, jobExceptions, jobOverview, jobPlan } from './job-view.ts'
import type { RestContext, Route } from './route.ts'

export function mountJobRoutes(route: Route, context: RestContext): void {
  const nowMs = () => context.platform.clock.nowMs()
  const jobOf = (parameters: Readonly<Record<string, string>>) =>
    context.dispatcher.get(parameters.jobid as string)
  route('GET', REST_PATHS.jobs, () => ({
    jobs: context.dispatcher.all().map(({ jobId, state }) => ({ id: jobId, status: state })),
  }))
  route(
    'POST',
    REST_PATHS.jobs,
    async ({ body }) => {
      const jobGraph = (body as { jobGraph?: unknown } | null | undefined)?.jobGraph
      const { jobId } = await context.dispatcher.submit(jobGraph)
      return { jobUrl: `/jobs/${jobId}`, jobid: jobId }
    },
    { status: 202 },
  )
  route('POST', REST_PATHS.jobsRestorePlan, async ({ body }) => {
    const jobGraph = (body as { jobGraph?: unknown } | null | undefined)?.jobGraph
    return { plan: await context.dispatcher.planRestore(jobGraph) }
  })
  route('GET', REST_PATHS.jobsOverview, () => ({
    jobs: context.dispatcher.all().map((job) => jobOverview(job, nowMs())),
  }))
  route('GET', REST_PATHS.job, ({ parameters }) => jobDetail(jobOf(parameters), nowMs()))
  route('GET', REST_PATHS.jobStatus, ({ parameters }) => ({ status: jobOf(parameters).state }), {
    failsInside: true,
  })
  route('GET', REST_PATHS.jobPlan, ({ parameters }) => ({ plan: jobPlan(jobOf(parameters)) }))
  route('GET', REST_PATHS.jobConfig, ({ parameters }) => jobConfig(jobOf(parameters)))
  route('GET', REST_PATHS.jobExceptions, ({ parameters, query }) => {
    const job = jobOf(parameters)
    const limit = Number(
      query.maxExceptions ?? job.configuration.get(RestOptions.exceptionHistorySize),
    )
    if (Number.isInteger(limit) && limit >= 0) return jobExceptions(job, limit)
    throw jobManagerError(
      'REST_REQUEST_INVALID',
      `Set maxExceptions to a whole number; it is '${query.maxExceptions}'.`,
    )
  })
  route(
    'PATCH',
    REST_PATHS.job,
    async ({ parameters, query }) => {
      const job = jobOf(parameters)
      if (query.mode !== undefined && query.mode !== 'cancel') {
        throw jobManagerError(
          'REST_REQUEST_INVALID',
          `Set mode to 'cancel'; it is '${query.mode}'.`,
        )
      }
      await job.cancel()
      return {}
    },
    { status: 202 },
  )
  route('POST', REST_PATHS.jobOperatorCoordinator, ({ parameters, body }) =>
    jobOf(parameters).clientRequest(
      parameters.vertexid as string,
      parameters.operatorid as string,
      body ?? null,
    ),
  )
}
