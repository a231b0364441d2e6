/**
 * REST paths, as the reference engine has them; each is served bare and under `/v1`.
 *
 * Templates (`:jobid`) for the server; `restPath` fills one in for a client. docs and server are
 * checked against this table.
 */
export const REST_PATHS = {
  overview: '/overview',
  config: '/config',
  jobs: '/jobs',
  jobsOverview: '/jobs/overview',
  /** Ours: what a job would start from, before it is submitted. */
  jobsRestorePlan: '/jobs/restore-plan',
  job: '/jobs/:jobid',
  jobStatus: '/jobs/:jobid/status',
  jobPlan: '/jobs/:jobid/plan',
  jobConfig: '/jobs/:jobid/config',
  jobExceptions: '/jobs/:jobid/exceptions',
  jobCheckpoints: '/jobs/:jobid/checkpoints',
  jobCheckpointsConfig: '/jobs/:jobid/checkpoints/config',
  jobCheckpointDetails: '/jobs/:jobid/checkpoints/details/:checkpointid',
  jobCheckpoint: '/jobs/:jobid/checkpoints/:triggerid',
  jobStop: '/jobs/:jobid/stop',
  jobSavepoints: '/jobs/:jobid/savepoints',
  jobSavepoint: '/jobs/:jobid/savepoints/:triggerid',
  savepointDisposals: '/savepoint-disposal',
  savepointDisposal: '/savepoint-disposal/:triggerid',
  jobRescales: '/jobs/:jobid/rescales/overview',
  jobRescalesConfig: '/jobs/:jobid/rescales/config',
  jobRescalesHistory: '/jobs/:jobid/rescales/history',
  jobRescalesSummary: '/jobs/:jobid/rescales/summary',
  jobRescaleDetails: '/jobs/:jobid/rescales/details/:rescaleuuid',
  jobRequirements: '/jobs/:jobid/resource-requirements',
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
