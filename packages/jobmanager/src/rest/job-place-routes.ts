/**
 * Routes of one job about the processes that run it: they are the cluster's, since all jobs share
 * them.
 */
import { REST_PATHS } from '@millrace/rest-api'
import { jobManagerError } from '../error-codes.ts'
import { shownConfiguration } from './mask-secrets.ts'
import { environmentOf } from './process-routes.ts'
import type { RestContext, Route } from './route.ts'

export function mountJobPlaceRoutes(route: Route, context: RestContext): void {
  const jobOf = (parameters: Readonly<Record<string, string>>) =>
    context.dispatcher.get(parameters.jobid as string)
  route('GET', REST_PATHS.jobJobManagerConfig, ({ parameters }) => {
    jobOf(parameters)
    return shownConfiguration(context.configuration)
  })
  route('GET', REST_PATHS.jobJobManagerEnvironment, ({ parameters }) => {
    jobOf(parameters)
    return environmentOf(context.inspection)
  })
  route('GET', REST_PATHS.jobJobManagerLogUrl, ({ parameters }) => {
    jobOf(parameters)
    return { url: `${context.restUrl}/#/job-manager/logs` }
  })
  route('GET', REST_PATHS.jobTaskManagerLogUrl, ({ parameters }) => {
    jobOf(parameters)
    return { url: `${context.restUrl}/#/task-manager/${parameters.taskmanagerid}/logs` }
  })
  for (const [method, path] of [
    ['PATCH', REST_PATHS.jobRescaling],
    ['GET', REST_PATHS.jobRescalingStatus],
  ] as const) {
    route(method, path, () => {
      throw jobManagerError(
        'RESCALING_REPLACED',
        'Rescale a job by its resource requirements: this way is switched off, as in the reference engine.',
        { hint: `PUT ${REST_PATHS.jobRequirements}, or: npx millrace rescale JOB_ID N.` },
      )
    })
  }
}
