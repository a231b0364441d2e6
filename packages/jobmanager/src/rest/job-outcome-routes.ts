/** Routes about how a job ended, and its own metrics. */
import { failureCause, type JobExecutionResultAnswer, REST_PATHS } from '@millrace/rest-api'
import type { JobMaster } from '../job-master/job-master.ts'
import { jobMetrics } from './job-metrics.ts'
import { jobSpan } from './job-view.ts'
import { aggregatedMetrics, plainMetrics } from './metric-answers.ts'
import type { RestContext, Route } from './route.ts'
import { unlessUnknown } from './unless-unknown.ts'

const OUTCOMES = { FINISHED: 'SUCCEEDED', FAILED: 'FAILED', CANCELED: 'CANCELED' } as const

export function mountJobOutcomeRoutes(route: Route, context: RestContext): void {
  const nowMs = () => context.platform.clock.nowMs()
  const jobOf = (parameters: Readonly<Record<string, string>>) =>
    context.dispatcher.get(parameters.jobid as string)
  route('GET', REST_PATHS.jobExecutionResult, ({ parameters }) =>
    executionResult(jobOf(parameters), nowMs()),
  )
  route('GET', REST_PATHS.jobMetrics, ({ parameters, query }) =>
    unlessUnknown([], () => plainMetrics(jobMetrics(jobOf(parameters), nowMs()), query.get)),
  )
  route('GET', REST_PATHS.jobsMetrics, ({ query }) => {
    const named = query.jobs?.split(',')
    const jobs = context.dispatcher.all().filter(({ jobId }) => named?.includes(jobId) ?? true)
    return aggregatedMetrics(
      jobs.map((job) => jobMetrics(job, nowMs())),
      query,
    )
  })
  // Nobody's heartbeat keeps a job alive: one that asks for that ends by a time of its own.
  route(
    'PATCH',
    REST_PATHS.jobClientHeartbeat,
    ({ parameters }) => {
      jobOf(parameters)
      return {}
    },
    { status: 202 },
  )
}

/** How clients wait for a job. */
function executionResult(job: JobMaster, nowMs: number): JobExecutionResultAnswer {
  if (!job.hasEnded) return { status: { id: 'IN_PROGRESS' } }
  const { jobId, jobGraph, state, failureCause: error } = job
  const span = jobSpan(job, nowMs)
  return {
    status: { id: 'COMPLETED' },
    'job-execution-result': {
      id: jobId,
      name: jobGraph.name,
      'application-id': jobId,
      'application-status': OUTCOMES[state as keyof typeof OUTCOMES] ?? 'UNKNOWN',
      'accumulator-results': {},
      'net-runtime': span.duration,
      'start-time': span['start-time'],
      'end-time': span['end-time'],
      ...(error === null ? {} : { 'failure-cause': failureCause(error) }),
    },
  }
}
