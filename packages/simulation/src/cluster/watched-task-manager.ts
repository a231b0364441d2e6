/**
 * A TaskManager that tells which calls it carried out, and under which fence: for the
 * checker of leaders.
 */
import type {
  AttemptsRequest,
  DeployTasksRequest,
  Fence,
  NotifyCheckpointRequest,
  RequestSlotRequest,
  TriggerCheckpointRequest,
} from '@millrace/protocol'
import { TaskManager } from '@millrace/taskmanager'

export class WatchedTaskManager extends TaskManager {
  watch: (call: string, fence: Fence) => void = () => {}

  async #watched<T>(call: string, fence: Fence, work: Promise<T>): Promise<T> {
    const result = await work
    this.watch(call, fence)
    return result
  }

  override requestSlot(request: RequestSlotRequest) {
    return this.#watched('RequestSlot', request.fence, super.requestSlot(request))
  }

  override deployTasks(request: DeployTasksRequest) {
    return this.#watched('DeployTasks', request.fence, super.deployTasks(request))
  }

  override cancelTasks(request: AttemptsRequest) {
    return this.#watched('CancelTasks', request.fence, super.cancelTasks(request))
  }

  override triggerCheckpoint(request: TriggerCheckpointRequest) {
    return this.#watched('TriggerCheckpoint', request.fence, super.triggerCheckpoint(request))
  }

  override notifyCheckpoint(request: NotifyCheckpointRequest) {
    return this.#watched('NotifyCheckpoint', request.fence, super.notifyCheckpoint(request))
  }
}
