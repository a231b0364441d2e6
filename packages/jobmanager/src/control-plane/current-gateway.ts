/**
 * What TaskManagers reach at this process, whoever leads: the present session's
 * endpoint, or a refusal.
 */
import type { JobManagerGateway } from '@millrace/protocol'

/** `current` throws NOT_LEADER while there is none. */
export function currentGateway(current: () => JobManagerGateway): JobManagerGateway {
  return {
    registerTaskManager: async (request) => current().registerTaskManager(request),
    heartbeat: async (request) => current().heartbeat(request),
    updateTaskState: async (request) => current().updateTaskState(request),
    acknowledgeCheckpoint: async (request) => current().acknowledgeCheckpoint(request),
    declineCheckpoint: async (request) => current().declineCheckpoint(request),
    operatorEvent: async (request) => current().operatorEvent(request),
    reportMetrics: async (request) => current().reportMetrics(request),
    disconnect: async (request) => current().disconnect(request),
  }
}
