/** The gateway's view of the cluster, over the REST client. */
import { fromErrorData } from '@millrace/core'
import type { JobVertexSummary, RestClient } from '@millrace/rest-api'
import type { ClusterClient, ClusterWatermark } from '@millrace/sql-gateway'
import { awaitOperation, type Waiting } from './await-operation.ts'
import { savepointOperation } from './operation-progress.ts'

export function restClusterClient(
  rest: RestClient,
  waiting: Pick<Waiting, 'clock' | 'timeoutMs'>,
): ClusterClient {
  return {
    restorePlan: (jobGraph) => rest.restorePlan(jobGraph),
    async submit(jobGraph) {
      return { jobId: (await rest.submitJob(jobGraph)).jobid }
    },
    async status(jobId) {
      const detail = await rest.jobDetail(jobId)
      const reason = detail['status-reason']
      return {
        name: detail.name,
        state: detail.state,
        ...(reason === null ? {} : { statusReason: reason }),
        watermark: watermarkOf(detail.vertices),
      }
    },
    async failure(jobId) {
      const detail = await rest.jobDetail(jobId)
      return detail.state === 'FAILED' && detail['failure-cause'] !== null
        ? fromErrorData(detail['failure-cause'])
        : null
    },
    cancel: (jobId) => rest.cancelJob(jobId),
    async stopWithSavepoint(jobId, { targetDirectory, drain, report }) {
      const triggerId = await rest.triggerStop(jobId, { targetDirectory, drain })
      const operation = savepointOperation(rest, jobId, triggerId)
      return awaitOperation(operation, { ...waiting, report })
    },
    async list() {
      const { jobs } = await rest.jobsOverview()
      return jobs.map((job) => ({
        jobId: job.jid,
        name: job.name,
        state: job.state,
        startTimeMs: job['start-time'],
      }))
    },
    coordinator: (jobId, vertexId, operatorId, request) =>
      rest.coordinatorRequest(jobId, vertexId, operatorId, request),
  }
}

function watermarkOf(vertices: readonly JobVertexSummary[]): ClusterWatermark {
  const known = vertices.map((vertex) => vertex['low-watermark']).filter((ms) => ms !== null)
  return {
    lowMs: known.length === 0 ? null : Math.min(...known),
    holds: vertices.flatMap((vertex) => vertex['watermark-holds']),
  }
}
