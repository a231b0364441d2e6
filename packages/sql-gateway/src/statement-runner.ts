/**
 * Runs one planned statement against the cluster and hands rows to its operation.
 *
 * The only place where a statement's plan meets the JobManager: INSERT submits (and waits with
 * `table.dml-sync`), SELECT submits and pages through its collect coordinator until the job has
 * ended, commands ask the JobManager. The job never outlives a cancelled SELECT.
 */
import type { Configuration } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import type { Clock } from '@millrace/platform'
import { describeRestorePlan, type ResultRow, type ResultRowKind } from '@millrace/rest-api'
import { beginAggregates } from '@millrace/sql'
import type { ClusterClient } from './cluster-client.ts'
import { describeWatermark } from './describe-watermark.ts'
import { gatewayError } from './error-codes.ts'
import { GATEWAY_OPTIONS } from './gateway-options.ts'
import { ShownRows } from './shown-rows.ts'

const ROW_KINDS: readonly ResultRowKind[] = ['INSERT', 'UPDATE_BEFORE', 'UPDATE_AFTER', 'DELETE']
const PAGE_ROWS_MAX = 5000
const POLL_FIRST_MS = 10
const POLL_MAX_MS = 200
const KEEP_ALIVE_MS = 20_000

/** Where a running statement puts what it produces. */
export interface StatementProgress {
  readonly cancelled: boolean
  report(progress: string): void
  /** Lines that stay, shown before any result. */
  note(lines: readonly string[]): void
  jobStarted(jobId: string): void
  /** Resolves once there is room (the client has fetched enough). */
  push(rows: readonly ResultRow[]): Promise<void>
}

export interface RunEnvironment {
  readonly cluster: ClusterClient
  readonly clock: Clock
  readonly configuration: Configuration
}

/** What is run: of a `SubmitResult` the parts that matter here. */
export interface Submission {
  readonly jobGraph: JobGraph
  /** Of a SELECT: the operator whose coordinator has the rows. */
  readonly collectOperatorId?: string
  /** Whether rows come when the watermark has passed the end of a window. */
  readonly windowed?: boolean
}

/** How long the cluster may wait for a row before it answers that there is none. */
const LONG_POLL_MS = 200

const TERMINAL = new Set(['FINISHED', 'FAILED', 'CANCELED'])

/** Waits `ms` on the injected clock. */
export function delay(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(ms, resolve)
  })
}

/** Keys that name what a job starts from, the reference's earlier name too. */
const RECOVERY_KEYS = ['execution.state-recovery.path', 'execution.savepoint.path']

/**
 * Says what a job that names a savepoint would start from; before anything of it runs. Gives what
 * to run: aggregates that the savepoint does not have begin then. Rejects with what keeps it from
 * starting.
 */
export async function announceRestore<S extends Submission>(
  submission: S,
  env: RunEnvironment,
  progress: StatementProgress,
): Promise<S> {
  const { jobGraph } = submission
  if (!RECOVERY_KEYS.some((key) => key in jobGraph.configuration)) return submission
  progress.report(`reading what job ${jobGraph.name} starts from`)
  const first = await env.cluster.restorePlan(jobGraph)
  if (first === null) return submission
  const begun = beginAggregates(jobGraph, first.restored)
  const plan = begun === jobGraph ? first : await env.cluster.restorePlan(begun)
  progress.note(describeRestorePlan(plan ?? first))
  return { ...submission, jobGraph: begun }
}

/** Submits an INSERT's job; with `table.dml-sync` waits for its end. */
export async function runInsert(
  { jobGraph }: Submission,
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

/** As the collect coordinator answers. */
interface CollectPage {
  readonly rows: readonly (readonly unknown[])[]
  readonly nextOffset: number
  readonly run: string | null
  readonly resumeAt: number
  readonly final: number
  readonly ended: boolean
}

/** Submits a SELECT's job and pushes its rows until it ends or the statement is cancelled. */
export async function runSelect(
  { jobGraph, collectOperatorId, windowed = false }: Submission,
  env: RunEnvironment,
  progress: StatementProgress,
): Promise<void> {
  const target = collectTarget(jobGraph, collectOperatorId)
  progress.report(`submitting job ${jobGraph.name}`)
  const { jobId } = await env.cluster.submit(jobGraph)
  progress.jobStarted(jobId)
  const shown = new ShownRows(env.configuration.get(GATEWAY_OPTIONS.collectRememberedRowsMax))
  const ask = (request: object) =>
    env.cluster.coordinator(jobId, target.vertexId, target.operatorId, request)
  let run: string | null = null
  let offset = 0
  let pauseMs = POLL_FIRST_MS
  for (;;) {
    if (progress.cancelled) {
      await env.cluster.cancel(jobId)
      return
    }
    const request = { offset, limit: PAGE_ROWS_MAX, run, waitMs: LONG_POLL_MS }
    const page = (await ask(request)) as CollectPage
    if (run !== null && page.run !== null && page.run !== run) shown.restart(page.resumeAt)
    const rows = shown.take(offset, page.rows.map(toResultRow), page.final)
    run = page.run ?? run
    offset = page.nextOffset
    if (page.ended) rows.push(...shown.settle())
    if (rows.length > 0) {
      // One row at a time is asked for to show that somebody still reads; it is asked
      // for again later.
      const stillHere = { offset, limit: 1, run }
      await untilTaken(progress.push(rows), env.clock, () => ask(stillHere))
    }
    if (page.ended) break
    if (page.rows.length > 0) {
      pauseMs = POLL_FIRST_MS
      continue
    }
    const status = await env.cluster.status(jobId)
    const waitsFor = windowed ? describeWatermark(status.watermark) : 'no new rows'
    progress.report(describe(jobId, status.state, status.statusReason ?? waitsFor))
    if (status.state === 'FAILED' || status.state === 'CANCELED') break
    if (page.run === null) {
      await delay(env.clock, pauseMs)
      pauseMs = Math.min(pauseMs * 2, POLL_MAX_MS)
    }
  }
  await refuseUnended(jobId, env, progress)
}

/**
 * Throws when what was shown is not the whole result: the job failed, or somebody
 * else cancelled it.
 */
async function refuseUnended(
  jobId: string,
  env: RunEnvironment,
  progress: StatementProgress,
): Promise<void> {
  const failure = await env.cluster.failure(jobId)
  if (failure !== null) throw failure
  if (progress.cancelled || (await env.cluster.status(jobId)).state !== 'CANCELED') return
  throw gatewayError(
    'STATEMENT_CANCELED',
    `Run the query again if it is still wanted; job ${jobId} was cancelled before the query had ended.`,
  )
}

/**
 * Waits until the reader has made room. A slow reader is still a reader: the query's coordinator
 * hears of it by `ask`, since it ends a query whose client is silent.
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

function collectTarget(jobGraph: JobGraph, operatorId: string | undefined) {
  const vertex = jobGraph.vertices.find(({ operators }) =>
    operators.some(({ id }) => id === operatorId),
  )
  if (vertex !== undefined && operatorId !== undefined) return { vertexId: vertex.id, operatorId }
  throw new Error(`Job ${jobGraph.name} is a SELECT without a collect operator`)
}
