/**
 * Runs one planned statement against the cluster and hands rows to its operation.
 *
 * The only place where a statement's plan meets the JobManager: INSERT submits (and waits with `table.dml-sync`),
 * SELECT submits and pages through
 * its collect coordinator until the job has ended, commands ask the JobManager. The job never outlives a cancelled
 * SELECT.
 */
import type { Configuration } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import type { Clock } from '@millrace/platform'
import type { ResultRow, ResultRowKind } from '@millrace/rest-api'
import type { ClusterClient } from './cluster-client.ts'
import { GATEWAY_OPTIONS } from './gateway-options.ts'

const ROW_KINDS: readonly ResultRowKind[] = ['INSERT', 'UPDATE_BEFORE', 'UPDATE_AFTER', 'DELETE']
const PAGE_ROWS_MAX = 5000
const POLL_FIRST_MS = 10
const POLL_MAX_MS = 200
const KEEP_ALIVE_MS = 20_000

/** Where a running statement puts what it produces. */
export interface StatementProgress {
  readonly cancelled: boolean
  report(progress: string): void
  jobStarted(jobId: string): void
  /** Resolves once there is room (the client has fetched enough). */
  push(rows: readonly ResultRow[]): Promise<void>
}

export interface RunEnvironment {
  readonly cluster: ClusterClient
  readonly clock: Clock
  readonly configuration: Configuration
}

/** A row that was shown must not change after a restart, so it waits for the checkpoint behind it. */
const NO_ROWS_YET = 'no new rows; with checkpoints on, they come with each one'

const TERMINAL = new Set(['FINISHED', 'FAILED', 'CANCELED'])

/** Waits `ms` on the injected clock. */
export function delay(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(ms, resolve)
  })
}

/** Submits an INSERT's job; with `table.dml-sync` waits for its end. */
export async function runInsert(
  jobGraph: JobGraph,
  env: RunEnvironment,
  progress: StatementProgress,
): Promise<void> {
  progress.report(`submitting job ${jobGraph.name}`)
  const { jobId } = await env.cluster.submit(jobGraph)
  progress.jobStarted(jobId)
  await progress.push([{ kind: 'INSERT', fields: [jobId] }])
  if (env.configuration.get(GATEWAY_OPTIONS.dmlSync)) await awaitEnd(jobId, env, progress)
}

async function awaitEnd(
  jobId: string,
  env: RunEnvironment,
  progress: StatementProgress,
): Promise<void> {
  let pauseMs = POLL_FIRST_MS
  for (;;) {
    const status = await env.cluster.status(jobId)
    if (TERMINAL.has(status.state)) break
    if (progress.cancelled) {
      await env.cluster.cancel(jobId)
      return
    }
    progress.report(describe(jobId, status.state, status.statusReason))
    await delay(env.clock, pauseMs)
    pauseMs = Math.min(pauseMs * 2, POLL_MAX_MS)
  }
  const failure = await env.cluster.failure(jobId)
  if (failure !== null) throw failure
}

function describe(jobId: string, state: string, reason: string | undefined): string {
  return `job ${jobId} is ${state}${reason === undefined ? '' : `: ${reason}`}`
}

interface CollectPage {
  readonly rows: readonly (readonly unknown[])[]
  readonly nextOffset: number
  readonly ended: boolean
}

/** Submits a SELECT's job and pushes its rows until it ends or the statement is cancelled. */
export async function runSelect(
  jobGraph: JobGraph,
  env: RunEnvironment,
  progress: StatementProgress,
): Promise<void> {
  const target = collectTarget(jobGraph)
  progress.report(`submitting job ${jobGraph.name}`)
  const { jobId } = await env.cluster.submit(jobGraph)
  progress.jobStarted(jobId)
  let offset = 0
  let pauseMs = POLL_FIRST_MS
  for (;;) {
    if (progress.cancelled) {
      await env.cluster.cancel(jobId)
      return
    }
    const request = { offset, limit: PAGE_ROWS_MAX }
    const page = (await env.cluster.coordinator(
      jobId,
      target.vertexId,
      target.operatorId,
      request,
    )) as CollectPage
    if (page.rows.length > 0) {
      offset = page.nextOffset
      // One row at a time is asked for to show that somebody still reads; it is asked for again later.
      const stillHere = { offset, limit: 1 }
      await untilTaken(progress.push(page.rows.map(toResultRow)), env.clock, () =>
        env.cluster.coordinator(jobId, target.vertexId, target.operatorId, stillHere),
      )
      pauseMs = POLL_FIRST_MS
      continue
    }
    if (page.ended) break
    const status = await env.cluster.status(jobId)
    const reason = status.state === 'RUNNING' ? NO_ROWS_YET : status.statusReason
    progress.report(describe(jobId, status.state, reason))
    if (status.state === 'FAILED' || status.state === 'CANCELED') break
    await delay(env.clock, pauseMs)
    pauseMs = Math.min(pauseMs * 2, POLL_MAX_MS)
  }
  const failure = await env.cluster.failure(jobId)
  if (failure !== null) throw failure
}

/**
 * Waits until the reader has made room. A slow reader is still a reader: the query's coordinator hears of it by
 * `ask`, since it ends a query whose client is silent.
 */
async function untilTaken(
  taken: Promise<void>,
  clock: Clock,
  ask: () => Promise<unknown>,
): Promise<void> {
  let waiting = true
  let stopTimer = () => {}
  const end = taken.finally(() => {
    waiting = false
    stopTimer()
  })
  while (waiting) {
    const pause = new Promise<void>((resolve) => {
      stopTimer = clock.setTimer(KEEP_ALIVE_MS, resolve)
    })
    await Promise.race([end, pause])
    if (waiting) await ask()
  }
  await end
}

function toResultRow(row: readonly unknown[]): ResultRow {
  const [kind, ...fields] = row
  return { kind: ROW_KINDS[kind as number] ?? 'INSERT', fields }
}

function collectTarget(jobGraph: JobGraph): { vertexId: string; operatorId: string } {
  for (const vertex of jobGraph.vertices) {
    for (const operator of vertex.operators) {
      if (operator.coordinator?.factory === 'collect-coordinator') {
        return { vertexId: vertex.id, operatorId: operator.id }
      }
    }
  }
  throw new Error(`Job ${jobGraph.name} is a SELECT without a collect operator`)
}
