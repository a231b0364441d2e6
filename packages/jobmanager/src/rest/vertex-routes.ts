/** Routes about a job's vertices: subtasks, metrics, watermarks, backpressure. */
import { REST_PATHS } from '@millrace/rest-api'
import { vertexOf } from './find-subtask.ts'
import { aggregatedMetrics, plainMetrics, rangesOf } from './metric-answers.ts'
import type { RestContext, Route } from './route.ts'
import { unlessUnknown } from './unless-unknown.ts'
import {
  backpressure,
  subtasksValues,
  vertexDetail,
  vertexValues,
  watermarks,
} from './vertex-view.ts'

/** Of a vertex that does not run there are no samples. */
const NO_SAMPLES = { status: 'deprecated' }

export function mountVertexRoutes(route: Route, context: RestContext): void {
  const jobOf = (parameters: Readonly<Record<string, string>>) =>
    context.dispatcher.get(parameters.jobid as string)
  const nowMs = () => context.platform.clock.nowMs()
  route('GET', REST_PATHS.jobVertex, ({ parameters }) =>
    vertexDetail(jobOf(parameters).graph, vertexOf(context, parameters), nowMs()),
  )
  route('GET', REST_PATHS.jobVertexSubtasksMetrics, ({ parameters, query }) =>
    unlessUnknown([], () =>
      aggregatedMetrics(
        subtasksValues(vertexOf(context, parameters), rangesOf(query.subtasks)),
        query,
      ),
    ),
  )
  route('GET', REST_PATHS.jobVertexMetrics, ({ parameters, query }) =>
    unlessUnknown([], () => plainMetrics(vertexValues(vertexOf(context, parameters)), query.get)),
  )
  // No operator's coordinator has metrics.
  route('GET', REST_PATHS.jobVertexCoordinatorMetrics, () => [])
  route('GET', REST_PATHS.jobVertexWatermarks, ({ parameters }) =>
    watermarks(vertexOf(context, parameters)),
  )
  route('GET', REST_PATHS.jobVertexBackpressure, ({ parameters }) =>
    unlessUnknown(NO_SAMPLES, () => {
      const vertex = vertexOf(context, parameters)
      return jobOf(parameters).hasEnded ? NO_SAMPLES : backpressure(vertex, nowMs())
    }),
  )
}
