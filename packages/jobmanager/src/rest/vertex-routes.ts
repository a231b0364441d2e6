/** Routes about a job's vertices: subtasks, metrics, watermarks, backpressure. */
import { REST_PATHS } from '@millrace/rest-api'
import { jobManagerError } from '../error-codes.ts'
import type { ExecutionVertex } from '../execution-graph/execution-graph.ts'
import type { RestContext, Route } from './route.ts'
import {
  aggregatedMetrics,
  backpressure,
  plainMetrics,
  vertexDetail,
  watermarks,
} from './vertex-view.ts'

export function mountVertexRoutes(route: Route, context: RestContext): void {
  const vertexOf = (parameters: Readonly<Record<string, string>>): ExecutionVertex => {
    const { graph, jobId } = context.dispatcher.get(parameters.jobid as string)
    const vertex = graph.vertices.get(parameters.vertexid as string)
    if (vertex !== undefined) return vertex
    throw jobManagerError(
      'JOB_VERTEX_NOT_FOUND',
      `Job ${jobId} has no vertex ${parameters.vertexid}.`,
      { hint: `Its vertices: ${[...graph.vertices.keys()].join(', ')}.` },
    )
  }
  route('GET', REST_PATHS.jobVertex, ({ parameters }) =>
    vertexDetail(
      context.dispatcher.get(parameters.jobid as string).graph,
      vertexOf(parameters),
      context.platform.clock.nowMs(),
    ),
  )
  route('GET', REST_PATHS.jobVertexSubtasksMetrics, ({ parameters, query }) =>
    aggregatedMetrics(vertexOf(parameters), query.get, query.agg?.split(',') ?? []),
  )
  route('GET', REST_PATHS.jobVertexMetrics, ({ parameters, query }) =>
    plainMetrics(vertexOf(parameters), query.get),
  )
  route('GET', REST_PATHS.jobVertexWatermarks, ({ parameters }) => watermarks(vertexOf(parameters)))
  route('GET', REST_PATHS.jobVertexBackpressure, ({ parameters }) =>
    backpressure(vertexOf(parameters), context.platform.clock.nowMs()),
  )
}
