/** Routes about applications: each job is one, of the same id. */
import {
  type ApplicationDetail,
  type ApplicationOverview,
  type ApplicationStatus,
  REST_PATHS,
} from '@millrace/rest-api'
import type { JobStatus } from '../execution-graph/execution-state.ts'
import type { JobMaster } from '../job-master/job-master.ts'
import { jobExceptions, jobOverview, jobSpan } from './job-view.ts'
import { shownConfiguration } from './mask-secrets.ts'
import type { RestContext, Route } from './route.ts'

const STATUS: Readonly<Record<JobStatus, ApplicationStatus>> = {
  INITIALIZING: 'RUNNING',
  CREATED: 'RUNNING',
  RUNNING: 'RUNNING',
  RESTARTING: 'RUNNING',
  RECONCILING: 'RUNNING',
  SUSPENDED: 'RUNNING',
  FAILING: 'FAILING',
  FAILED: 'FAILED',
  CANCELLING: 'CANCELING',
  CANCELED: 'CANCELED',
  FINISHED: 'FINISHED',
}
/** The state of the job at which the application came into its own. */
const SINCE: Readonly<Record<ApplicationStatus, JobStatus>> = {
  CREATED: 'INITIALIZING',
  RUNNING: 'INITIALIZING',
  FAILING: 'FAILING',
  FAILED: 'FAILED',
  CANCELING: 'CANCELLING',
  CANCELED: 'CANCELED',
  FINISHED: 'FINISHED',
}

export function mountApplicationRoutes(route: Route, context: RestContext): void {
  const nowMs = () => context.platform.clock.nowMs()
  const jobOf = (parameters: Readonly<Record<string, string>>) =>
    context.dispatcher.get(parameters.applicationid as string)
  route('GET', REST_PATHS.applications, () => ({
    applications: context.dispatcher.all().map((job) => overview(job, nowMs())),
  }))
  route('GET', REST_PATHS.application, ({ parameters }) => detail(jobOf(parameters), nowMs()), {
    failsInside: true,
  })
  route(
    'POST',
    REST_PATHS.applicationCancel,
    async ({ parameters }) => {
      await jobOf(parameters).cancel()
      return {}
    },
    { status: 202 },
  )
  // What went wrong is the job's: an application has nothing that fails by itself.
  route('GET', REST_PATHS.applicationExceptions, ({ parameters }) => {
    const { exceptionHistory } = jobExceptions(jobOf(parameters), Number.POSITIVE_INFINITY)
    return { exceptionHistory: { entries: exceptionHistory.entries } }
  })
  route('GET', REST_PATHS.applicationConfig, ({ parameters }) => {
    jobOf(parameters)
    return shownConfiguration(context.configuration)
  })
}

function overview(job: JobMaster, nowMs: number): ApplicationOverview {
  return {
    id: job.jobId,
    name: `SingleJobApplication(${job.jobGraph.name})`,
    ...jobSpan(job, nowMs),
    status: STATUS[job.state],
    jobs: { [job.state]: 1 },
  }
}

function detail(job: JobMaster, nowMs: number): ApplicationDetail {
  const { timestampsMs } = job.lifecycle
  const since = Object.entries(SINCE).map(([status, state]) => [
    status,
    timestampsMs.get(state) ?? 0,
  ])
  return {
    ...overview(job, nowMs),
    timestamps: Object.fromEntries(since) as Record<ApplicationStatus, number>,
    jobs: [jobOverview(job, nowMs)],
  }
}
