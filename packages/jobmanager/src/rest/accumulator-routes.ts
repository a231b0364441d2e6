/**
 * Routes about accumulators: there are none here, of any job; clients of the reference engine ask
 * for them all the same.
 */
import { REST_PATHS } from '@millrace/rest-api'
import { attemptOf, vertexOf } from './find-subtask.ts'
import type { RestContext, Route } from './route.ts'

export function mountAccumulatorRoutes(route: Route, context: RestContext): void {
  route('GET', REST_PATHS.jobAccumulators, ({ parameters }) => {
    context.dispatcher.get(parameters.jobid as string)
    return {
      'job-accumulators': [],
      'user-task-accumulators': [],
      'serialized-user-task-accumulators': {},
    }
  })
  route('GET', REST_PATHS.jobVertexAccumulators, ({ parameters }) => ({
    id: vertexOf(context, parameters).vertex.id,
    'user-accumulators': [],
  }))
  route('GET', REST_PATHS.jobVertexSubtasksAccumulators, ({ parameters }) => {
    const { vertex, subtasks } = vertexOf(context, parameters)
    return {
      id: vertex.id,
      parallelism: vertex.parallelism,
      subtasks: subtasks.map(({ index, current }) => ({
        subtask: index,
        attempt: current.number,
        endpoint: current.slot?.taskManager.rpcAddress ?? '(unassigned)',
        'user-accumulators': [],
      })),
    }
  })
  route('GET', REST_PATHS.jobVertexAttemptAccumulators, ({ parameters }) => {
    const { id, number, subtaskIndex } = attemptOf(context, parameters)
    return { subtask: subtaskIndex, attempt: number, id, 'user-accumulators': [] }
  })
}
