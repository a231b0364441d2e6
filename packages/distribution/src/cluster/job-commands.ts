/** `millrace list` and `millrace cancel JOB_ID`. */
import {
  borderLine,
  cliError,
  layoutTable,
  ProgressLine,
  parseArguments,
  renderError,
  rowLine,
} from '@millrace/cli'
import { createNodePlatform } from '@millrace/platform/node'
import type { JobOverview, RestClient } from '@millrace/rest-api'
import { loadConfiguration } from '../process/load-configuration.ts'
import { nodeTerminal } from '../process/node-terminal.ts'
import { restClientOf } from '../process/rest-address.ts'

const CANCEL_TIMEOUT_MS = 60_000
const POLL_MS = 100

export async function runList(args: readonly string[]): Promise<number> {
  const { properties } = parseArguments(args, [])
  const rest = restClientOf(loadConfiguration(properties).configuration)
  const { jobs } = await rest.jobsOverview()
  if (jobs.length === 0) {
    nodeTerminal.write('No jobs.\n')
    return 0
  }
  const headers = ['job id', 'name', 'state', 'started (UTC)'].map((name) => ({
    name,
    type: 'STRING',
  }))
  const rows = jobs.map((job) => [
    job.jid,
    job.name,
    job.state,
    new Date(job['start-time']).toISOString().slice(0, 19).replace('T', ' '),
  ])
  const layout = layoutTable(headers, rows, 60)
  const lines = [headers.map((header) => header.name), ...rows].map((row) => rowLine(layout, row))
  lines.splice(1, 0, borderLine(layout))
  nodeTerminal.write(`${lines.join('\n')}\n`)
  for (const job of jobs) {
    const reason = await describeReason(rest, job)
    if (reason !== null) nodeTerminal.write(`\nJob ${job.jid} is ${job.state}: ${reason}\n`)
  }
  return 0
}

/** Why a job does not run: a failure in full, as every other command shows it. */
async function describeReason(rest: RestClient, job: JobOverview): Promise<string | null> {
  if (job['status-reason'] === null) return null
  if (job.state !== 'FAILED') return job['status-reason']
  const { 'failure-cause': cause } = await rest.jobDetail(job.jid)
  return cause === null ? job['status-reason'] : renderError(cause)
}

export async function runCancel(args: readonly string[]): Promise<number> {
  const { positionals, properties } = parseArguments(args, [])
  const [jobId] = positionals
  if (jobId === undefined) {
    throw cliError('ARGUMENT_INVALID', 'Give the id of the job: millrace cancel JOB_ID.', {
      hint: 'millrace list shows the ids.',
    })
  }
  const rest = restClientOf(loadConfiguration(properties).configuration)
  await rest.cancelJob(jobId)
  const state = await awaitEnd(rest, jobId)
  nodeTerminal.write(`Job ${jobId} is ${state}.\n`)
  return state === 'CANCELED' ? 0 : 1
}

async function awaitEnd(rest: RestClient, jobId: string): Promise<string> {
  const { clock } = createNodePlatform({ logger: { level: 'off' } })
  const progress = new ProgressLine(nodeTerminal, clock)
  const deadlineMs = clock.monotonicMs() + CANCEL_TIMEOUT_MS
  for (;;) {
    const { state } = await rest.jobDetail(jobId)
    if (['CANCELED', 'FINISHED', 'FAILED'].includes(state) || clock.monotonicMs() > deadlineMs) {
      progress.clear()
      return state
    }
    progress.update(`job ${jobId} is ${state}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}
