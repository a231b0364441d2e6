/** Calls to the tasks of a job, grouped by TaskManager and made in parallel. */
import type { CheckpointOrder, FinishBasis } from '@millrace/core'
import type { Fence, TaskDeployment } from '@millrace/protocol'
import type { ExecutionAttempt } from '../execution-graph/execution-attempt.ts'
import { isDeployed } from '../execution-graph/execution-state.ts'
import type { AllocatedSlot } from '../slot-pool/allocated-slot.ts'
import type { RegisteredTaskManager } from '../taskmanager-registry/registered-task-manager.ts'

export class TaskCalls {
  readonly #fence: Fence

  constructor(fence: Fence) {
    this.#fence = fence
  }

  /** One call per slot, all at once; `onRefused` for each that fails. */
  async deploy(
    batches: ReadonlyMap<AllocatedSlot, TaskDeployment[]>,
    onRefused: (slot: AllocatedSlot, error: unknown) => void,
  ): Promise<void> {
    await Promise.all(
      [...batches].map(async ([slot, deployments]) => {
        try {
          await slot.taskManager.gateway.deployTasks({
            fence: this.#fence,
            allocationId: slot.allocationId,
            deployments,
          })
        } catch (error) {
          onRefused(slot, error)
        }
      }),
    )
  }

  /** Never rejects: a task that cannot be reached ends with its slot or its TaskManager. */
  async cancel(attempts: Iterable<ExecutionAttempt>): Promise<void> {
    await Promise.allSettled(
      [...byTaskManager(attempts)].map(([{ gateway }, attemptIds]) =>
        gateway.cancelTasks({ fence: this.#fence, attemptIds }),
      ),
    )
  }

  async finish(attempts: Iterable<ExecutionAttempt>, basis: FinishBasis): Promise<void> {
    await Promise.all(
      [...byTaskManager(attempts)].map(([{ gateway }, attemptIds]) =>
        gateway.finishTasks({ fence: this.#fence, attemptIds, basis }),
      ),
    )
  }

  async triggerCheckpoint(
    attempts: Iterable<ExecutionAttempt>,
    order: CheckpointOrder,
  ): Promise<void> {
    await Promise.all(
      [...byTaskManager(attempts)].map(([{ gateway }, attemptIds]) =>
        gateway.triggerCheckpoint({ fence: this.#fence, order, attemptIds }),
      ),
    )
  }

  /**
   * Resolves with whether all were reached: a missed notice is made up for by the next one or
   * by recovery.
   */
  async notifyCheckpoint(
    attempts: Iterable<ExecutionAttempt>,
    checkpointId: number,
    outcome: 'complete' | 'aborted',
  ): Promise<boolean> {
    const answers = await Promise.allSettled(
      [...byTaskManager(attempts)].map(([{ gateway }, attemptIds]) =>
        gateway.notifyCheckpoint({ fence: this.#fence, checkpointId, attemptIds, outcome }),
      ),
    )
    return answers.every(({ status }) => status === 'fulfilled')
  }
}

function byTaskManager(attempts: Iterable<ExecutionAttempt>): Map<RegisteredTaskManager, string[]> {
  const groups = new Map<RegisteredTaskManager, string[]>()
  for (const attempt of attempts) {
    const taskManager = attempt.slot?.taskManager
    if (taskManager === undefined || taskManager.lost || !isDeployed(attempt.state)) continue
    const group = groups.get(taskManager)
    if (group === undefined) groups.set(taskManager, [attempt.id])
    else group.push(attempt.id)
  }
  return groups
}
