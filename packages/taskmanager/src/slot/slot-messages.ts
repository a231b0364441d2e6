/**
 * What the TaskManager's main thread and a slot's thread say to each other; structured clones, in
 * order.
 *
 * The main thread speaks gRPC and keeps the books; the slot runs tasks. Invariant: calls of the
 * JobManager reach the slot in the order in which they came, so a trigger is never overtaken by a
 * later operator event.
 */
import type { CheckpointOrder, ErrorData, FinishBasis } from '@millrace/core'
import type { NetworkSettings } from '@millrace/network'
import type {
  CheckpointTaskMetrics,
  TaskDeployment,
  TaskMetricsReport,
  TaskState,
} from '@millrace/protocol'
import type { SlotProfile } from './slot-profile.ts'

/** The first message: which slot the thread is. */
export interface SlotStart {
  readonly kind: 'start'
  readonly taskManagerId: string
  readonly slotIndex: number
  /** The TaskManager's configuration. */
  readonly configuration: Readonly<Record<string, string>>
  /** Where the slot's data server listens, and the host that others reach it by. */
  readonly dataBindAddress: string
  readonly dataHost: string
  readonly network: NetworkSettings
  readonly totalMaxBytes: number
  /** See `SlotLiveness`. */
  readonly liveness: SharedArrayBuffer
}

export type ToSlot =
  | SlotStart
  | {
      readonly kind: 'deploy'
      readonly deployments: readonly TaskDeployment[]
      /** Of the JobManager that deploys. */
      readonly leaderEpoch: number
    }
  | { readonly kind: 'cancel'; readonly attemptIds: readonly string[] }
  | {
      readonly kind: 'finish'
      readonly attemptIds: readonly string[]
      readonly basis: FinishBasis
    }
  | {
      readonly kind: 'trigger'
      readonly order: CheckpointOrder
      readonly attemptIds: readonly string[]
    }
  | {
      readonly kind: 'notify'
      readonly checkpointId: number
      readonly outcome: 'complete' | 'aborted'
      readonly attemptIds: readonly string[]
    }
  | {
      readonly kind: 'operator-event'
      readonly attemptId: string
      readonly operatorId: string
      readonly event: unknown
    }
  /**
   * The result of a request of the slot (`operator-event`: the coordinator's answer, `connect`: a
   * port).
   */
  | {
      readonly kind: 'answer'
      readonly requestId: number
      readonly answer?: unknown
      readonly error?: ErrorData
    }
  /** Another slot of this TaskManager connects through this port. */
  | { readonly kind: 'accept'; readonly port: unknown }
  | { readonly kind: 'ping'; readonly number: number }
  | { readonly kind: 'collect-metrics'; readonly requestId: number }
  | {
      readonly kind: 'profile'
      readonly requestId: number
      readonly durationMs: number
      readonly intervalMs: number
    }
  /** Cancel everything, close, answer `stopped`. */
  | { readonly kind: 'stop' }

/** A running operator's number in `SlotLiveness`. */
export interface OperatorName {
  readonly ordinal: number
  readonly attemptId: string
  readonly vertexName: string
  readonly operatorName: string
  readonly subtaskIndex: number
}

export interface SlotMetrics {
  readonly tasks: readonly TaskMetricsReport[]
  readonly segmentsTotal: number
  readonly segmentsUsed: number
  readonly heapUsedBytes: number
  /** Of tables of keyed state. */
  readonly stateBytes: number
}

export type FromSlot =
  | { readonly kind: 'started'; readonly dataAddress: string }
  | { readonly kind: 'start-failed'; readonly error: ErrorData }
  | { readonly kind: 'operators'; readonly names: readonly OperatorName[] }
  | {
      readonly kind: 'state'
      readonly attemptId: string
      readonly state: TaskState
      readonly ended: boolean
      readonly error?: ErrorData
    }
  | {
      readonly kind: 'acknowledge'
      readonly attemptId: string
      readonly checkpointId: number
      readonly state: unknown
      readonly channels: unknown
      readonly metrics: CheckpointTaskMetrics
    }
  | {
      readonly kind: 'decline'
      readonly attemptId: string
      readonly checkpointId: number
      readonly error: ErrorData
    }
  | {
      readonly kind: 'operator-event'
      readonly requestId: number
      readonly attemptId: string
      readonly operatorId: string
      readonly event: unknown
    }
  /** Asks for a port to another slot of this TaskManager. */
  | { readonly kind: 'connect'; readonly requestId: number; readonly slotIndex: number }
  /** Null: the thread has no profiler. */
  | {
      readonly kind: 'profile'
      readonly requestId: number
      readonly profile: SlotProfile | null
    }
  | { readonly kind: 'metrics'; readonly requestId: number; readonly metrics: SlotMetrics }
  /** The slot cannot go on and wants to be ended. */
  | { readonly kind: 'fatal'; readonly error: ErrorData }
  | { readonly kind: 'stopped' }
