/** A slot that a job holds: the offer that a TaskManager made. */
import type { RegisteredTaskManager } from '../taskmanager-registry/registered-task-manager.ts'

export interface AllocatedSlot {
  readonly allocationId: string
  readonly jobId: string
  readonly taskManager: RegisteredTaskManager
  readonly slotIndex: number
  /** The slot's own data server. */
  readonly dataAddress: string
}
