export type { ApiName, BrokerFaults, FaultMoment, RequestFault } from './broker/broker-faults.ts'
export type {
  BrokerInspection,
  CommittedRecord,
  OpenTransaction,
  PartitionOffsets,
} from './broker/broker-inspection.ts'
export { SimulatedBroker, type SimulatedBrokerSettings } from './broker/simulated-broker.ts'
export {
  judgeOutput,
  type ObservedOutput,
} from './checkers/judge-output.ts'
export type { Violation } from './checkers/violation.ts'
export { SimulatedCluster, type SimulatedClusterSettings } from './cluster/simulated-cluster.ts'
export {
  describeFault,
  FAULT_CLASSES,
  FAULT_FAMILIES,
  type FaultClass,
  type FaultFamily,
  type PlannedFault,
} from './faults/fault.ts'
export {
  type DiskFaultRates,
  NO_DISK_FAULTS,
} from './platform/filesystem/disk-faults.ts'
export {
  type DiskAccess,
  SimulatedDisk,
  type StoredFile,
} from './platform/filesystem/simulated-disk.ts'
export { SimulatedFilesystem } from './platform/filesystem/simulated-filesystem.ts'
export { SimulatedNetwork } from './platform/network/simulated-network.ts'
export {
  NO_OBJECT_STORE_FAULTS,
  type ObjectStoreFaultRates,
} from './platform/object-store/object-store-faults.ts'
export { SimulatedObjectStore } from './platform/object-store/simulated-object-store.ts'
export { simulatedPlatform } from './platform/simulated-platform.ts'
export { runPlan, runSeed, type SeedOptions } from './run-seed.ts'
export {
  decodePlanFile,
  encodePlanFile,
  type PlanFile,
  planInvalid,
} from './scenario/plan-file.ts'
export type { SeedOutcome } from './scenario/run-outcome.ts'
export { drawPlan, type RunPlan } from './scenario/run-plan.ts'
export { type ShrunkRun, shrinkSeed } from './shrink-seed.ts'
export type { ClusterShape, FaultProfile } from './user-job/draw-cluster.ts'
export {
  ABORT,
  EOF,
  type InputItem,
  type UserInputs,
  type UserRow,
} from './user-job/input-marks.ts'
export type { SimulatedSession } from './user-job/plan-user-job.ts'
export { type SimulateOptions, simulate } from './user-job/simulate.ts'
export type { SeedReport, SimulationReport } from './user-job/simulation-report.ts'
export type { SinkOutput } from './user-job/user-output.ts'
export { type Expectation, expectedOutput } from './workload/expected-output.ts'
export {
  CHANGELOG_PROFILE,
  EMPTY_PARTITIONS_PROFILE,
  FILES_PROFILE,
  generateWorkload,
  LATE_PROFILE,
  MAIN_JOB_PROFILE,
  SILENCE_PROFILE,
  SWARM_PROFILE,
  type WorkloadProfile,
} from './workload/generate-workload.ts'
export {
  type Shrunk,
  shrinkWhileFailing,
  shrinkWorkload,
  workloadSize,
} from './workload/shrink/shrink-workload.ts'
export {
  inputName,
  lastArrivalMs,
  OUTPUT_NAME,
  rowCount,
  type Workload,
} from './workload/workload.ts'
export {
  type ArrivingLine,
  inputLines,
  type WorkloadPlaces,
  workloadSql,
} from './workload/workload-text.ts'
export { EventLog } from './world/event-log.ts'
export { delay, type Scheduler } from './world/scheduler.ts'
export { SeededRandom } from './world/seeded-random.ts'
export { SimulatedProcess } from './world/simulated-process.ts'
export { type RunEnd, SimulatedWorld } from './world/simulated-world.ts'
