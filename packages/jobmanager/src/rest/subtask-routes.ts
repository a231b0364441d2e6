/** Routes about subtasks: one of them, its attempts and metrics, times, TaskManagers. */
import { REST_PATHS } from '@millrace/rest-api'
import { attemptOf, subtaskOf, vertexOf } from './find-subtask.ts'
import { plainMetrics } from './metric-answers.ts'
import type { RestContext, Route } from './route.ts'
import { subtaskDetail, subtaskTimes } from './subtask-view.ts'
import { unlessUnknown } from './unless-unknown.ts'
import { subtaskValues, taskManagersOf } from './vertex-view.ts'

export function mountSubtaskRoutes(route: Route, context: RestContext): void {
  const nowMs = () => context.platform.clock.nowMs()
  route('GET', REST_PATHS.jobVertexSubtaskTimes, ({ parameters }) =>
    subtaskTimes(vertexOf(context, parameters), nowMs()),
  )
  route('GET', REST_PATHS.jobVertexTaskManagers, ({ parameters }) =>
    taskManagersOf(vertexOf(context, parameters), nowMs()),
  )
  route('GET', REST_PATHS.jobVertexSubtask, ({ parameters }) =>
    subtaskDetail(subtaskOf(context, parameters).current, nowMs()),
  )
  route('GET', REST_PATHS.jobVertexAttempt, ({ parameters }) =>
    subtaskDetail(attemptOf(context, parameters), nowMs()),
  )
  route('GET', REST_PATHS.jobVertexSubtaskMetrics, ({ parameters, query }) =>
    unlessUnknown([], () =>
      plainMetrics(subtaskValues(subtaskOf(context, parameters).current), query.get),
    ),
  )
}
