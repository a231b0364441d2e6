/** Routes about a job's vertices: subtasks, metrics, watermarks, backpressure. */
import { REST_PATHS } from '@millrace/rest-api'
import { RestOptions } from '../jobmanager-options.ts'
import { subtaskOf, vertexOf } from './find-subtask.ts'
import { FlameGraphs, type FlameGraphType } from './flame-graphs.ts'
import { aggregatedMetrics, plainMetrics, rangesOf } from './metric-answers.ts'
import { invalidRequest } from './operation-requests.ts'
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

const FLAME_GRAPH_TYPES: readonly FlameGraphType[] = ['FULL', 'ON_CPU', 'OFF_CPU']

function mountFlameGraphs(route: Route, context: RestContext): void {
  const { configuration, platform } = context
  const isEnabled = configuration.get(RestOptions.flameGraphEnabled)
  const graphs = new FlameGraphs(platform.clock, {
    refreshMs: configuration.get(RestOptions.flameGraphRefresh),
    cleanUpMs: configuration.get(RestOptions.flameGraphCleanUp),
    samples: configuration.get(RestOptions.flameGraphSamples),
    delayMs: configuration.get(RestOptions.flameGraphDelay),
  })
  route('GET', REST_PATHS.jobVertexFlameGraph, ({ parameters, query }) => {
    const vertex = vertexOf(context, parameters)
    const { type = 'FULL', subtaskindex } = query
    const found = FLAME_GRAPH_TYPES.find((each) => each === type.toUpperCase())
    if (found === undefined) {
      throw invalidRequest(`Set 'type' to one of ${FLAME_GRAPH_TYPES.join(', ')}; it is '${type}'`)
    }
    if (!isEnabled) return { endTimestamp: -2 }
    if (context.dispatcher.get(parameters.jobid as string).hasEnded) return { endTimestamp: -1 }
    const key = `${parameters.jobid} ${parameters.vertexid}`
    const subtask =
      subtaskindex === undefined ? null : subtaskOf(context, { ...parameters, subtaskindex }).index
    return graphs.answer(key, vertex, context.fence, { type: found, subtask })
  })
}

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
  mountFlameGraphs(route, context)
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
