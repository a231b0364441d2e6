/** `millrace rescale JOB_ID [VERTEX=]N …`. */
import { cliError, parseArguments } from '@millrace/cli'
import type { JobDetail, JobRequirements, RestClient } from '@millrace/rest-api'
import { RESCALE } from '../commands/declared-commands.ts'
import { nodeTerminal } from '../process/node-terminal.ts'
import { describeChange, isReached, requirementsWith, type Wish, wishOf } from './rescale-wishes.ts'
import { waitingClient } from './waiting-client.ts'

const USAGE = 'Write: millrace rescale JOB_ID N, or VERTEX=N for single vertices.'

export async function runRescale(args: readonly string[]): Promise<number> {
  const { positionals, properties } = parseArguments(args, RESCALE.options)
  const [jobId, ...wished] = positionals
  if (jobId === undefined || wished.length === 0) {
    throw cliError('ARGUMENT_INVALID', USAGE, { hint: 'millrace list shows the ids of jobs.' })
  }
  const wishes = wished.map((text) => wishOf(text))
  const client = waitingClient(properties)
  const { rest } = client
  const before = await rest.jobDetail(jobId)
  const required = await require(rest, before, wishes)
  const startMs = client.monotonicMs()
  let now = before
  await client.wait({
    title: `rescale of job ${jobId}`,
    async outcome() {
      now = await rest.jobDetail(jobId)
      requireGoingOn(now)
      if (isReached(now, required)) return true
      requireSame(await rest.jobRequirements(jobId), required)
      return null
    },
    progress: async () => describe(now),
    hint: `What was asked for is kept and followed as soon as it can be: npx millrace list ${jobId}.`,
  })
  const seconds = ((client.monotonicMs() - startMs) / 1000).toFixed(1)
  nodeTerminal.write(`Job ${jobId} is rescaled (${seconds} s).\n`)
  nodeTerminal.write(describeChange(before, now))
  return 0
}

async function require(
  rest: RestClient,
  job: JobDetail,
  wishes: readonly Wish[],
): Promise<JobRequirements> {
  const required = requirementsWith(await rest.jobRequirements(job.jid), job, wishes)
  await rest.requireOfJob(job.jid, required)
  return required
}

function requireGoingOn({ jid, state, 'failure-cause': cause }: JobDetail): void {
  const hasEnded = state === 'FAILED' || state === 'CANCELED' || state === 'FINISHED'
  if (!hasEnded) return
  const why = cause === null ? '' : `: ${cause.message}`
  throw cliError('JOB_ENDED_MEANWHILE', `Job ${jid} is ${state} before it was rescaled${why}`, {
    hint: `millrace list ${jid} says more.`,
  })
}

function requireSame(found: JobRequirements, required: JobRequirements): void {
  const text = (requirements: JobRequirements) =>
    JSON.stringify(Object.entries(requirements).sort())
  if (text(found) === text(required)) return
  throw cliError('ARGUMENT_INVALID', 'Somebody else has asked for another parallelism meanwhile.', {
    hint: 'millrace rescale again, if yours is to hold.',
  })
}

function describe({ state, 'status-reason': reason }: JobDetail): string {
  if (state === 'RUNNING') return reason ?? 'waits for a checkpoint, from which the job goes on'
  return `waits while the job is ${reason ?? state}`
}
