/**
 * One registered TaskManager process: how to call it, what it offers, when it was last heard of.
 */
import type { RpcChannel } from '@millrace/platform'
import type {
  TaskManagerGateway,
  TaskManagerMemory,
  TaskManagerMetricsReport,
} from '@millrace/protocol'

export interface RegisteredTaskManager {
  readonly id: string
  /** New in each process. */
  readonly instanceId: string
  readonly rpcAddress: string
  readonly slotCount: number
  readonly memoryBytes: number
  /** Null: it did not say. */
  readonly memory: TaskManagerMemory | null
  readonly cpuCores: number
  readonly gateway: TaskManagerGateway
  readonly channel: RpcChannel
  /** Monotonic clock. */
  lastHeartbeatMs: number
  /** Last report; null before the first. */
  metrics: TaskManagerMetricsReport | null
  /** Set once, when it is given up; nothing is sent to it any more. */
  lost: boolean
}
