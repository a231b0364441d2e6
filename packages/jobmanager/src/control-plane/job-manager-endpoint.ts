/** What TaskManagers call: checks the fence, finds the job of the attempt, and passes on. */
import { isMillraceError, toErrorData } from '@millrace/core'
import { type Fence, type JobManagerGateway, protocolError, requireEpoch } from '@millrace/protocol'
import type { Dispatcher } from '../dispatcher/dispatcher.ts'
import type { JobMaster } from '../job-master/job-master.ts'
import type { TaskManagerRegistry } from '../taskmanager-registry/task-manager-registry.ts'
import {
  type AcknowledgingTask,
  checkedAcknowledgement,
  checkedChannels,
} from './checked-acknowledgement.ts'

export function jobManagerEndpoint(
  own: Fence,
  dispatcher: Dispatcher,
  registry: TaskManagerRegistry,
  nowMs: () => number,
): JobManagerGateway {
  const jobOf = (fence: Fence, attemptId: string): JobMaster => {
    admit(fence, own)
    const job = dispatcher.find(attemptId.slice(0, attemptId.indexOf('_')))
    if (job !== undefined && !job.hasEnded) return job
    throw protocolError('STALE_ATTEMPT', `The job of attempt ${attemptId} does not run any more.`)
  }
  return {
    async registerTaskManager(request) {
      refuseNewer(request.fence, own)
      registry.register(request)
      return { leaderEpoch: own.leaderEpoch, jobManagerId: own.senderId }
    },
    async heartbeat(request) {
      admit(request.fence, own)
      return { known: registry.heartbeat(request) }
    },
    async updateTaskState({ fence, attemptId, state, ended, error }) {
      jobOf(fence, attemptId).reports.taskState(attemptId, state, ended, error)
    },
    async acknowledgeCheckpoint({ fence, attemptId, checkpointId, state, metrics, channels }) {
      const job = jobOf(fence, attemptId)
      const task = taskOf(job, attemptId)
      if (task === null) throw protocolError('STALE_ATTEMPT', `${attemptId} does not run any more.`)
      try {
        const acknowledged = {
          state: checkedAcknowledgement(task, state),
          channels: checkedChannels(task, channels),
          metrics: metrics ?? null,
        }
        job.reports.acknowledgeCheckpoint(attemptId, checkpointId, acknowledged)
      } catch (error) {
        if (!isMillraceError(error, 'ACKNOWLEDGEMENT_INVALID')) throw error
        job.reports.declineCheckpoint(attemptId, checkpointId, toErrorData(error))
      }
    },
    async declineCheckpoint({ fence, attemptId, checkpointId, error }) {
      jobOf(fence, attemptId).reports.declineCheckpoint(attemptId, checkpointId, error)
    },
    async operatorEvent({ fence, attemptId, operatorId, event }) {
      const job = jobOf(fence, attemptId)
      return { answer: await job.reports.operatorEvent(attemptId, operatorId, event) }
    },
    async reportMetrics({ fence, taskManagerId, metrics }) {
      admit(fence, own)
      const taskManager = registry.get(taskManagerId)
      if (taskManager === undefined) {
        throw protocolError('TASK_MANAGER_UNKNOWN', `'${taskManagerId}' is not registered.`)
      }
      taskManager.metrics = metrics
      for (const task of metrics.tasks) {
        const jobId = task.attemptId.slice(0, task.attemptId.indexOf('_'))
        const attempt = dispatcher.find(jobId)?.graph.attempt(task.attemptId)
        attempt?.report(task, nowMs())
      }
    },
    async disconnect({ fence, taskManagerId, reason }) {
      admit(fence, own)
      registry.disconnect(taskManagerId, reason)
    },
  }
}

function taskOf({ graph }: JobMaster, attemptId: string): AcknowledgingTask | null {
  const attempt = graph.attempt(attemptId)
  const vertex = attempt === undefined ? undefined : graph.vertices.get(attempt.vertexId)
  if (attempt === undefined || vertex === undefined) return null
  return { vertex: vertex.vertex, subtaskIndex: attempt.subtaskIndex }
}

function admit(fence: Fence, own: Fence): void {
  requireEpoch(fence, own.leaderEpoch)
  refuseNewer(fence, own)
}

/** A sender that knows a newer leader: we are the stale one. */
function refuseNewer(fence: Fence, own: Fence): void {
  if (fence.leaderEpoch <= own.leaderEpoch) return
  throw protocolError(
    'STALE_LEADER',
    `This JobManager leads under epoch ${own.leaderEpoch}; '${fence.senderId}' knows epoch ${fence.leaderEpoch}.`,
  )
}
