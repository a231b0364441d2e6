/** A cluster that does what a test tells it to, and remembers what it was asked. For tests only. */
import type { JobGraph } from '@millrace/graph'
import type { Clock } from '@millrace/platform'
import type { RestorePlanAnswer } from '@millrace/rest-api'
import type { ClusterClient, ClusterJobStatus } from '../cluster-client.ts'

/** A row as the collect coordinator gives it: the kind's byte, then the values. */
export type ScriptedRow = readonly [number, ...unknown[]]

export class ScriptedCluster implements ClusterClient {
  readonly submitted: JobGraph[] = []
  readonly cancelled: string[] = []
  readonly stopped: { jobId: string; targetDirectory: string | null; drain: boolean }[] = []
  savepoint = '/savepoints/savepoint-012345-0123456789ab'
  /** Of every request to a coordinator: whose it was and what it asked. */
  readonly requests: { vertexId: string; operatorId: string; request: unknown }[] = []
  jobStatus: ClusterJobStatus = { name: 'job', state: 'RUNNING' }
  jobs: { jobId: string; name: string; state: string; startTimeMs: number }[] = []
  failureOfJob: Error | null = null
  /** What the SELECT has produced so far, from offset 0. */
  rows: ScriptedRow[] = []
  ended = false
  run = '1_0'
  resumeAt = 0
  final = 0
  clock: Clock | null = null
  plan: RestorePlanAnswer | null = null

  async restorePlan() {
    return this.plan
  }

  async submit(jobGraph: JobGraph): Promise<{ jobId: string }> {
    this.submitted.push(jobGraph)
    return { jobId: jobGraph.jobId }
  }

  async status(): Promise<ClusterJobStatus> {
    return this.jobStatus
  }

  async failure(): Promise<Error | null> {
    return this.failureOfJob
  }

  async cancel(jobId: string): Promise<void> {
    this.cancelled.push(jobId)
  }

  async stopWithSavepoint(
    jobId: string,
    { targetDirectory, drain }: { targetDirectory: string | null; drain: boolean },
  ): Promise<string> {
    this.stopped.push({ jobId, targetDirectory, drain })
    return this.savepoint
  }

  async list() {
    return this.jobs
  }

  /** As the collect coordinator does; waits on the clock for a row where it is asked to. */
  async coordinator(_jobId: string, vertexId: string, operatorId: string, request: unknown) {
    this.requests.push({ vertexId, operatorId, request })
    const {
      offset,
      limit,
      run,
      waitMs = 0,
    } = request as {
      offset: number
      limit: number
      run: string | null
      waitMs?: number
    }
    const isNews = () => (run !== null && run !== this.run) || offset < this.rows.length
    if (waitMs > 0 && !isNews() && !this.ended) {
      await new Promise<void>((resolve) => this.clock?.setTimer(waitMs, resolve))
    }
    const isOther = run !== null && run !== this.run
    const from = isOther ? Math.min(offset, this.resumeAt) : offset
    const rows = isOther ? [] : this.rows.slice(offset, offset + limit)
    const nextOffset = from + rows.length
    const ended = this.ended && !isOther && nextOffset === this.rows.length
    const { run: name, resumeAt, final } = this
    return { rows, nextOffset, run: name, resumeAt, final, ended }
  }
}
