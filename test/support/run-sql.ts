/**
 * SQL scripts against a local cluster, for tests: the planner in this process, jobs on the cluster.
 */
import { Configuration } from '@millrace/core'
import { createNodePlatform } from '@millrace/platform/node'
import { type JobDetail, RestClient } from '@millrace/rest-api'
import type { GatewayService } from '@millrace/sql-gateway'
import { embeddedGateway } from '../../packages/distribution/src/gateway/embedded-gateway.ts'
import { clusterFetch } from '../../packages/distribution/src/process/patient-fetch.ts'
import { submitScript } from '../../packages/distribution/src/start/submit-script.ts'

export interface SqlRunner {
  readonly rest: RestClient
  readonly gateway: GatewayService
  /** Runs the script; resolves with the id of its last job. */
  submit(script: string, clusterReady?: Promise<unknown>): Promise<string>
  /** Polls until `done` says so; rejects when the job fails or the deadline passes. */
  awaitJob(
    jobId: string,
    done: (detail: JobDetail) => boolean,
    timeoutMs: number,
    pollMs?: number,
  ): Promise<JobDetail>
  close(): Promise<void>
}

export function sqlRunner(restAddress: string): SqlRunner {
  const platform = createNodePlatform({ logger: { level: 'off' } })
  const rest = new RestClient(restAddress, clusterFetch)
  const gateway = embeddedGateway(platform, new Configuration({}), rest)
  return {
    rest,
    gateway,
    submit: (script, clusterReady) => submitScript(gateway, script, clusterReady),
    async awaitJob(jobId, done, timeoutMs, pollMs = 50) {
      const deadline = Date.now() + timeoutMs
      for (;;) {
        const detail = await rest.jobDetail(jobId)
        if (done(detail)) return detail
        if (detail.state === 'FAILED' || Date.now() > deadline) {
          const cause = JSON.stringify(detail['failure-cause'], null, 1)
          throw new Error(`Job ${jobId} is ${detail.state} (${detail['status-reason']}): ${cause}`)
        }
        await new Promise((resolve) => setTimeout(resolve, pollMs))
      }
    },
    close: () => gateway.close(),
  }
}
