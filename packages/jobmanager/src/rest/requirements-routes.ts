/** Routes about a job's resource requirements: the bounds of each vertex's parallelism. */
import { type JobRequirements, REST_PATHS } from '@millrace/rest-api'
import type { ParallelismBounds, ResourceRequirements } from '../scheduler/resource-requirements.ts'
import { fieldsOf, invalidRequest } from './operation-requests.ts'
import type { RestContext, Route } from './route.ts'

export function mountRequirementsRoutes(route: Route, context: RestContext): void {
  const jobOf = (parameters: Readonly<Record<string, string>>) =>
    context.dispatcher.get(parameters.jobid as string)
  route('GET', REST_PATHS.jobRequirements, ({ parameters }) =>
    shown(jobOf(parameters).requirements),
  )
  route('PUT', REST_PATHS.jobRequirements, async ({ parameters, body }) => {
    await jobOf(parameters).require(requirementsOf(body))
    return {}
  })
}

function shown(requirements: ResourceRequirements): JobRequirements {
  const entries = Object.entries(requirements).map(([id, parallelism]) => [id, { parallelism }])
  return Object.fromEntries(entries) as JobRequirements
}

/** Throws REST_REQUEST_INVALID. */
function requirementsOf(body: unknown): ResourceRequirements {
  const entries = Object.entries(fieldsOf(body)).map(([id, value]) => {
    const parallelism = (value as { parallelism?: unknown } | null)?.parallelism
    const { lowerBound, upperBound } = (parallelism ?? {}) as Partial<ParallelismBounds>
    if (typeof lowerBound === 'number' && typeof upperBound === 'number') {
      return [id, { lowerBound, upperBound }] as const
    }
    const found = JSON.stringify(value)
    throw invalidRequest(
      `Give vertex '${id}' {"parallelism":{"lowerBound":1,"upperBound":2}} or other numbers; it is ${found}`,
    )
  })
  return Object.fromEntries(entries)
}
