/** `millrace list` and `millrace cancel JOB_ID`. */
import {
  borderLine,
  layoutTable,
  parseArguments,
  renderError,
  requireOperands,
  rowLine,
} from '@millrace/cli'
import type { JobOverview, JobStatus, RestClient } from '@millrace/rest-api'
import { CANCEL, LIST } from '../commands/declared-commands.ts'
import { clientConfiguration } from '../process/client-configuration.ts'
import { nodeTerminal } from '../process/node-terminal.ts'
import { restClientOf } from '../process/rest-address.ts'
import { requireJob, waitingClient } from './waiting-client.ts'

const ENDED: ReadonlySet<JobStatus> = new Set(['CANCELED', 'FINISHED', 'FAILED'])
/** What waits for slots, as the reference's client sorts jobs. */
const SCHEDULED: ReadonlySet<JobStatus> = new Set(['INITIALIZING', 'CREATED'])
/** Of a cell in a pipe; on a terminal names and then reasons give way until a line fits. */
const CELL_COLUMNS_MAX = 60
const NAME = 1
const REASON = 4
const SHRUNK_COLUMNS = 24

export async function runList(args: readonly string[]): Promise<number> {
  const { positionals, options, properties } = parseArguments(args, LIST.options)
  requireOperands(positionals, 1, 'Write: millrace list [JOB_ID].')
  const rest = restClientOf(clientConfiguration(properties).configuration)
  const [jobId] = positionals
  if (jobId !== undefined) return showJob(rest, jobId)
  const { jobs } = await rest.jobsOverview()
  const shown = jobs.filter(filterOf(options))
  if (shown.length === 0) nodeTerminal.write(options.has('all') ? 'No jobs.\n' : 'No such jobs.\n')
  else nodeTerminal.write(jobTable(shown))
  const hidden = jobs.filter(({ state }) => ENDED.has(state)).length
  if (!options.has('all') && hidden > 0) {
    nodeTerminal.write(
      `${hidden} ${hidden === 1 ? 'job has' : 'jobs have'} ended: millrace list --all\n`,
    )
  }
  return 0
}

/**
 * `--running` and `--scheduled` add up; without either both are meant, as in the
 * reference's client.
 */
function filterOf(options: ReadonlyMap<string, string>): (job: JobOverview) => boolean {
  if (options.has('all')) return () => true
  const both = options.has('running') === options.has('scheduled')
  return ({ state }) =>
    !ENDED.has(state) && (both || SCHEDULED.has(state) === options.has('scheduled'))
}

function jobTable(jobs: readonly JobOverview[]): string {
  const reasons = jobs.map((job) => job['status-reason'] ?? '')
  const headers = [
    'job id',
    'name',
    'state',
    'started (UTC)',
    ...(reasons.some((reason) => reason !== '') ? ['why'] : []),
  ].map((name) => ({ name, type: 'STRING' }))
  const rows = jobs.map((job, index) => [
    job.jid,
    job.name,
    job.state,
    startText(job),
    ...(headers.length === 5 ? [oneLine(reasons[index] as string)] : []),
  ])
  const whole = layoutTable(headers, rows, CELL_COLUMNS_MAX)
  const layout = { ...whole, widths: fitTerminal(whole.widths) }
  const lines = [headers.map((header) => header.name), ...rows].map((row) => rowLine(layout, row))
  lines.splice(1, 0, borderLine(layout))
  return `${lines.join('\n')}\n`
}

/** Widths of which a line fits the terminal, where there is one. */
function fitTerminal(widths: readonly number[]): number[] {
  const fitted = [...widths]
  if (!nodeTerminal.interactive) return fitted
  for (const column of [NAME, REASON]) {
    const width = fitted[column]
    const surplus = fitted.reduce((sum, cells) => sum + cells + 3, 1) - nodeTerminal.columns
    if (width === undefined || surplus <= 0) continue
    fitted[column] = Math.max(Math.min(width, SHRUNK_COLUMNS), width - surplus)
  }
  return fitted
}

const startText = (job: JobOverview): string =>
  new Date(job['start-time']).toISOString().slice(0, 19).replace('T', ' ')

const oneLine = (text: string): string => text.replace(/\s+/g, ' ')

/** One job with its failure in full, as every other command shows it. */
async function showJob(rest: RestClient, jobId: string): Promise<number> {
  const detail = await rest.jobDetail(jobId)
  const { jobs } = await rest.jobsOverview()
  const row = jobs.find(({ jid }) => jid === jobId)
  if (row !== undefined) nodeTerminal.write(jobTable([{ ...row, 'status-reason': null }]))
  const failure = (detail.state === 'FAILED' ? detail['failure-cause'] : null) ?? null
  const reason = failure === null ? (detail['status-reason'] ?? null) : renderError(failure)
  if (reason !== null) nodeTerminal.write(`\nJob ${jobId} is ${detail.state}: ${reason}\n`)
  return 0
}

export async function runCancel(args: readonly string[]): Promise<number> {
  const { positionals, properties } = parseArguments(args, CANCEL.options)
  requireOperands(positionals, 1, 'Write: millrace cancel JOB_ID, a job at a time.')
  const jobId = requireJob(positionals[0], 'millrace cancel JOB_ID')
  const client = waitingClient(properties)
  const { rest } = client
  await rest.cancelJob(jobId)
  let detail = await rest.jobDetail(jobId)
  const state = await client.wait({
    title: `end of job ${jobId}`,
    async outcome() {
      detail = await rest.jobDetail(jobId)
      return ENDED.has(detail.state) ? detail.state : null
    },
    progress: async () => `waits for its tasks to end: it is ${detail.state}`,
    hint: `The job is being cancelled all the same: npx millrace list ${jobId}.`,
  })
  nodeTerminal.write(`Job ${jobId} is ${state}.\n`)
  return state === 'CANCELED' ? 0 : 1
}
