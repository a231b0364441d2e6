/** The gateway's view of the cluster, over the REST client. */
import { fromErrorData } from '@millrace/core'
import type { RestClient } from '@millrace/rest-api'
import type { ClusterClient } from '@millrace/sql-gateway'

export function restClusterClient(rest: RestClient): ClusterClient {
  return {
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
      }
    },
    async failure(jobId) {
      const detail = await rest.jobDetail(jobId)
      return detail.state === 'FAILED' && detail['failure-cause'] !== null
        ? fromErrorData(detail['failure-cause'])
        : null
    },
    cancel: (jobId) => rest.cancelJob(jobId),
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
