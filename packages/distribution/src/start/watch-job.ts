/**
 * Follows the main job until it ends or a stop is asked for: results, watermark, checkpoints, in
 * the terminal's manner.
 */
import { renderError, type Terminal } from '@millrace/cli'
import type { CheckpointsAnswer, JobDetail, RestClient } from '@millrace/rest-api'
import { type DashboardState, renderDashboard, watermarkText, windowLine } from './dashboard.ts'
import type { ResultTail, WindowRow } from './result-tail.ts'

export interface WatchSettings {
  readonly rest: RestClient
  readonly jobId: string
  readonly terminal: Terminal
  readonly results: ResultTail
  readonly resultPlace: string
  readonly readingsWritten: () => number
  readonly stopRequested: Promise<'stop'>
}

const POLL_MS = 200
const LATEST_ROWS = 15
/**
 * How long the last committed rows may take to arrive through a broker once the job has finished.
 */
const LAST_ROWS_TIMEOUT_MS = 5000
const CANCEL_TIMEOUT_MS = 1000
const TERMINAL_STATES = new Set(['FINISHED', 'FAILED', 'CANCELED'])

interface Seen {
  readonly latest: WindowRow[]
  windowCount: number
  /** Readings in the windows so far. */
  readingCount: number
  lastCheckpointId: number
  lines: number
}

/** Resolves with the exit code. */
export async function watchJob(settings: WatchSettings): Promise<number> {
  const seen: Seen = { latest: [], windowCount: 0, readingCount: 0, lastCheckpointId: 0, lines: 0 }
  for (;;) {
    const [detail, checkpoints] = await Promise.all([
      settings.rest.jobDetail(settings.jobId),
      settings.rest.jobCheckpoints(settings.jobId),
    ])
    const ended = TERMINAL_STATES.has(detail.state)
    const fresh = [...(await settings.results.next())]
    if (detail.state === 'FINISHED') fresh.push(...(await lastRows(settings, seen, fresh)))
    take(seen, fresh)
    const show = settings.terminal.interactive ? showLive : showPlain
    show(settings, seen, detail, checkpoints, fresh)
    if (ended) return reportEnd(settings, seen, detail)
    const next = await Promise.race([
      settings.stopRequested,
      new Promise<'poll'>((resolve) => setTimeout(() => resolve('poll'), POLL_MS)),
    ])
    if (next === 'stop') {
      await cancelJob(settings)
      return 0
    }
  }
}

/**
 * Asks for the end and gives the job a moment for it: its open transactions and files end with it.
 */
async function cancelJob({ rest, jobId }: WatchSettings): Promise<void> {
  const deadline = Date.now() + CANCEL_TIMEOUT_MS
  const canceled = async () => {
    await rest.cancelJob(jobId)
    while (!TERMINAL_STATES.has((await rest.jobDetail(jobId)).state) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  // It is going away anyway; a JobManager that no longer answers is none to wait for.
  await canceled().catch(() => {})
}

function readingsIn(rows: readonly WindowRow[]): number {
  return rows.reduce((sum, row) => sum + row.reading_count, 0)
}

function take(seen: Seen, fresh: readonly WindowRow[]): void {
  seen.windowCount += fresh.length
  seen.readingCount += readingsIn(fresh)
  seen.latest.push(...fresh)
  seen.latest.splice(0, Math.max(0, seen.latest.length - LATEST_ROWS))
}

/** What still arrives after the job has finished, until every reading is accounted for. */
async function lastRows(
  settings: WatchSettings,
  seen: Seen,
  fresh: readonly WindowRow[],
): Promise<WindowRow[]> {
  const rows: WindowRow[] = []
  const deadline = Date.now() + LAST_ROWS_TIMEOUT_MS
  const missing = () =>
    settings.readingsWritten() - seen.readingCount - readingsIn(fresh) - readingsIn(rows)
  while (missing() > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    rows.push(...(await settings.results.next()))
  }
  return rows
}

function watermarkOf(detail: JobDetail): number | null {
  const last = detail.vertices.at(-1)?.['low-watermark'] ?? null
  return last !== null && Number.isFinite(last) ? last : null
}

function showPlain(
  { terminal }: WatchSettings,
  seen: Seen,
  detail: JobDetail,
  checkpoints: CheckpointsAnswer,
  fresh: readonly WindowRow[],
): void {
  for (const row of fresh) terminal.write(`${windowLine(row)}\n`)
  const latest = checkpoints.latest.completed
  if (latest != null && latest.id > seen.lastCheckpointId) {
    seen.lastCheckpointId = latest.id
    const watermark = watermarkText(watermarkOf(detail), detail.state)
    terminal.write(
      `checkpoint ${latest.id} complete, watermark ${watermark}, job ${detail.state}\n`,
    )
  }
}

function showLive(
  settings: WatchSettings,
  seen: Seen,
  detail: JobDetail,
  checkpoints: CheckpointsAnswer,
): void {
  const latest = checkpoints.latest.completed
  const hold = detail.vertices.flatMap((vertex) => vertex['watermark-holds'])[0]
  const state: DashboardState = {
    restAddress: settings.rest.baseUrl,
    jobState: detail.state,
    statusReason: detail['status-reason'],
    watermarkMs: watermarkOf(detail),
    watermarkHold: hold?.what ?? null,
    readingsWritten: settings.readingsWritten(),
    windowCount: seen.windowCount,
    checkpointsCompleted: checkpoints.counts.completed,
    lastCheckpoint:
      latest == null ? null : { id: latest.id, durationMs: latest.end_to_end_duration },
    latest: seen.latest,
    resultPlace: settings.resultPlace,
  }
  const lines = renderDashboard(state, settings.terminal)
  const up = seen.lines === 0 ? '' : `\u001b[${seen.lines}A`
  settings.terminal.write(`${up}${lines.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[J`)
  seen.lines = lines.length
}

function reportEnd(settings: WatchSettings, seen: Seen, detail: JobDetail): number {
  const { terminal } = settings
  if (detail.state === 'FINISHED') {
    const counted = `${settings.readingsWritten()} readings in ${seen.windowCount} windows`
    terminal.write(`Job FINISHED: ${counted}, in ${settings.resultPlace}\n`)
    return 0
  }
  const failure = detail['failure-cause']
  if (failure !== null) terminal.writeError(`${renderError(failure)}\n`)
  else terminal.writeError(`Job ${detail.state}.\n`)
  return 1
}
