/** What the JobManager serves to TaskManagers (proto/job-manager.proto), typed. */
import type { ErrorData } from '@millrace/core'
import type { Fence } from './fence.ts'
import type { TaskState } from './task-deployment.ts'
import type { CheckpointTaskMetrics, TaskManagerMetricsReport } from './task-metrics.ts'

/** `allocationId` and `jobId` are empty strings while the slot is free. */
export interface SlotReport {
  readonly slotIndex: number
  readonly allocationId: string
  readonly jobId: string
}

/** How the memory of a TaskManager's process is divided, bytes. */
export interface TaskManagerMemory {
  /** Main thread, code and the runtime's own structures. */
  readonly frameworkBytes: number
  /** Of all slots: heap and typed arrays, without the following. */
  readonly taskBytes: number
  readonly managedBytes: number
  readonly networkBytes: number
  readonly totalBytes: number
  /** Of the machine; 0: not known. */
  readonly physicalBytes: number
}

export interface RegisterTaskManagerRequest {
  readonly fence: Fence
  readonly taskManagerId: string
  readonly instanceId: string
  readonly rpcAddress: string
  readonly slots: readonly SlotReport[]
  readonly memoryBytes: number
  readonly memory?: TaskManagerMemory
  readonly cpuCores: number
}

export interface RegisterTaskManagerAnswer {
  readonly leaderEpoch: number
  readonly jobManagerId: string
}

export interface TaskManagerHeartbeat {
  readonly fence: Fence
  readonly taskManagerId: string
  readonly instanceId: string
  readonly slots: readonly SlotReport[]
}

export interface UpdateTaskStateRequest {
  readonly fence: Fence
  readonly attemptId: string
  readonly state: TaskState
  /** With RUNNING: all input has been processed to its end. */
  readonly ended: boolean
  readonly error?: ErrorData
}

export interface AcknowledgeCheckpointRequest {
  readonly fence: Fence
  readonly attemptId: string
  readonly checkpointId: number
  /** `SubtaskStateHandles`, unchecked: operator id → `OperatorStateHandles`. */
  readonly state: unknown
  readonly metrics?: CheckpointTaskMetrics
  /** `ChannelStateHandle`, unchecked; absent: nothing was under way. */
  readonly channels?: unknown
}

export interface DeclineCheckpointRequest {
  readonly fence: Fence
  readonly attemptId: string
  readonly checkpointId: number
  readonly error?: ErrorData
}

export interface OperatorEventRequest {
  readonly fence: Fence
  readonly attemptId: string
  readonly operatorId: string
  readonly event: unknown
}

export interface ReportMetricsRequest {
  readonly fence: Fence
  readonly taskManagerId: string
  readonly metrics: TaskManagerMetricsReport
}

export interface DisconnectRequest {
  readonly fence: Fence
  readonly taskManagerId: string
  readonly reason: string
}

/** Every method may reject with STALE_LEADER; those with an attempt also with STALE_ATTEMPT. */
export interface JobManagerGateway {
  /**
   * Also the way to come back after a lost connection; a new `instanceId` replaces what ran
   * under the old one.
   */
  registerTaskManager(request: RegisterTaskManagerRequest): Promise<RegisterTaskManagerAnswer>
  /** `known: false`: register again. */
  heartbeat(request: TaskManagerHeartbeat): Promise<{ readonly known: boolean }>
  updateTaskState(request: UpdateTaskStateRequest): Promise<void>
  acknowledgeCheckpoint(request: AcknowledgeCheckpointRequest): Promise<void>
  declineCheckpoint(request: DeclineCheckpointRequest): Promise<void>
  operatorEvent(request: OperatorEventRequest): Promise<{ readonly answer: unknown }>
  reportMetrics(request: ReportMetricsRequest): Promise<void>
  /** The TaskManager is shutting down in order. */
  disconnect(request: DisconnectRequest): Promise<void>
}
