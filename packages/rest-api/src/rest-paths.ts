/**
 * REST paths, as the reference engine has them; each is served bare and under `/v1`.
 *
 * Templates (`:jobid`) for the server; `restPath` fills one in for a client. docs and server are checked against
 * this table.
 */
export const REST_PATHS = {
  overview: '/overview',
  config: '/config',
  jobs: '/jobs',
  jobsOverview: '/jobs/overview',
  job: '/jobs/:jobid',
  jobStatus: '/jobs/:jobid/status',
  jobPlan: '/jobs/:jobid/plan',
  jobConfig: '/jobs/:jobid/config',
  jobExceptions: '/jobs/:jobid/exceptions',
  jobCheckpoints: '/jobs/:jobid/checkpoints',
  jobCheckpointsConfig: '/jobs/:jobid/checkpoints/config',
  jobCheckpointDetails: '/jobs/:jobid/checkpoints/details/:checkpointid',
  jobVertex: '/jobs/:jobid/vertices/:vertexid',
  jobVertexSubtasksMetrics: '/jobs/:jobid/vertices/:vertexid/subtasks/metrics',
  jobVertexMetrics: '/jobs/:jobid/vertices/:vertexid/metrics',
  jobVertexWatermarks: '/jobs/:jobid/vertices/:vertexid/watermarks',
  jobVertexBackpressure: '/jobs/:jobid/vertices/:vertexid/backpressure',
  /** Ours: a client's request to the JobManager-side part of an operator (the rows of a SELECT). */
  jobOperatorCoordinator: '/jobs/:jobid/vertices/:vertexid/operators/:operatorid/coordinator',
  taskManagers: '/taskmanagers',
  taskManager: '/taskmanagers/:taskmanagerid',
  jobManagerConfig: '/jobmanager/config',
} as const

/** The path with its parameters filled in (URI-encoded). */
export function restPath(template: string, parameters: Readonly<Record<string, string>>): string {
  return template.replace(/:([a-z]+)/g, (_, name: string) =>
    encodeURIComponent(parameters[name] as string),
  )
}
