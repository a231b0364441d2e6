export { CheckpointCoordinator } from './checkpoint/checkpoint-coordinator.ts'
export { Dispatcher } from './dispatcher/dispatcher.ts'
export { validateJobGraph } from './dispatcher/validate-job-graph.ts'
export { JOBMANAGER_ERRORS } from './error-codes.ts'
export {
  JobManager,
  type JobManagerAddresses,
  type JobManagerSettings,
} from './job-manager.ts'
export { JobMaster } from './job-master/job-master.ts'
export * from './jobmanager-options.ts'
export { createHttpServer } from './rest/http-server.ts'
export { createRestServer, listenRest } from './rest/rest-server.ts'
export { type DecideParallelism, decideParallelism } from './scheduler/decide-parallelism.ts'
