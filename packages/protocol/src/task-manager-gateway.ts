/** What each TaskManager serves to the JobManager (proto/task-manager.proto), typed. */
import type { CheckpointOrder, FinishBasis } from '@millrace/core'
import type { Fence } from './fence.ts'
import type { OperatorEventRequest, SlotReport } from './job-manager-gateway.ts'
import type { TaskDeployment } from './task-deployment.ts'

export interface RequestSlotRequest {
  readonly fence: Fence
  readonly slotIndex: number
  readonly allocationId: string
  readonly jobId: string
}

export interface FreeSlotRequest {
  readonly fence: Fence
  readonly allocationId: string
  readonly reason: string
}

export interface DeployTasksRequest {
  readonly fence: Fence
  readonly allocationId: string
  readonly deployments: readonly TaskDeployment[]
}

export interface AttemptsRequest {
  readonly fence: Fence
  readonly attemptIds: readonly string[]
}

export interface FinishTasksRequest extends AttemptsRequest {
  readonly basis: FinishBasis
}

export interface TriggerCheckpointRequest {
  readonly fence: Fence
  readonly order: CheckpointOrder
  /** Source attempts on this TaskManager. */
  readonly attemptIds: readonly string[]
}

export interface NotifyCheckpointRequest {
  readonly fence: Fence
  readonly checkpointId: number
  readonly attemptIds: readonly string[]
  readonly outcome: 'complete' | 'aborted'
}

/** What people ask of a process. */
export type ProcessQuestion =
  | { readonly kind: 'log-files' }
  /** A text, or null: there is no such file. `name` null: the one that it logs to now. */
  | { readonly kind: 'log'; readonly name: string | null }
  /** `ThreadState`s. */
  | { readonly kind: 'threads' }
  /** `AttemptProfile`s: where the threads of these attempts are, sampled for so long. */
  | {
      readonly kind: 'profile'
      readonly attemptIds: readonly string[]
      readonly durationMs: number
      readonly intervalMs: number
    }

/** Calls with what they call; `value`: samples in it or below. */
export interface CallTree {
  readonly name: string
  readonly value: number
  readonly children: readonly CallTree[]
}

export interface AttemptProfile {
  readonly attemptId: string
  readonly onCpu: CallTree
  readonly offCpu: CallTree
}

export interface InspectRequest {
  readonly fence: Fence
  readonly question: ProcessQuestion
}

export interface JobManagerHeartbeat {
  readonly fence: Fence
}

/**
 * Every method may reject with STALE_LEADER. Attempts that are gone are skipped (their end was
 * reported already).
 */
export interface TaskManagerGateway {
  /** Starts the slot's thread. Rejects with SLOT_OCCUPIED or SLOT_UNKNOWN. */
  requestSlot(request: RequestSlotRequest): Promise<{ readonly dataAddress: string }>
  freeSlot(request: FreeSlotRequest): Promise<void>
  /** Resolves once the deployments are accepted, not when they run. */
  deployTasks(request: DeployTasksRequest): Promise<void>
  cancelTasks(request: AttemptsRequest): Promise<void>
  finishTasks(request: FinishTasksRequest): Promise<void>
  triggerCheckpoint(request: TriggerCheckpointRequest): Promise<void>
  notifyCheckpoint(request: NotifyCheckpointRequest): Promise<void>
  /** Rejects with STALE_ATTEMPT when the attempt is not here. */
  operatorEvent(request: OperatorEventRequest): Promise<void>
  /** Resolves with what `ProcessQuestion` says of each kind. */
  inspect(request: InspectRequest): Promise<{ readonly answer: unknown }>
  heartbeat(request: JobManagerHeartbeat): Promise<{ readonly slots: readonly SlotReport[] }>
}
