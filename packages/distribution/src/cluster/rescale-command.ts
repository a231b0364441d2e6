/** `millrace rescale JOB_ID [VERTEX=]N …`. */
import { cliError, ProgressLine, parseArguments } from '@millrace/cli'
import { createNodePlatform } from '@millrace/platform/node'
import type { JobDetail, JobRequirements, RestClient } from '@millrace/rest-api'
import { RESCALE } from '../commands/declared-commands.ts'
import { loadConfiguration } from '../process/load-configuration.ts'
import { nodeTerminal } from '../process/node-terminal.ts'
import { restClientOf } from '../process/rest-address.ts'
import { describeChange, isReached, requirementsWith, type Wish, wishOf } from './rescale-wishes.ts'

const POLL_MS = 100
const USAGE = 'Write: millrace rescale JOB_ID N, or VERTEX=N for single vertices.'

export async function runRescale(args: readonly string[]): Promise<number> {
  const { positionals, properties } = parseArguments(args, RESCALE.options)
  const [jobId, ...wished] = positionals
  if (jobId === undefined || wished.length === 0) {
    throw cliError('ARGUMENT_INVALID', USAGE, { hint: 'millrace list shows the ids of jobs.' })
  }
  const wishes = wished.map((text) => wishOf(text))
  const rest = restClientOf(loadConfiguration(properties).configuration)
  const { clock } = createNodePlatform({ logger: { level: 'off' } })
  const before = await rest.jobDetail(jobId)
  const required = await require(rest, before, wishes)
  const startMs = clock.monotonicMs()
  const progress = new ProgressLine(nodeTerminal, clock)
  try {
    for (;;) {
      const now = await rest.jobDetail(jobId)
      requireGoingOn(now)
      if (isReached(now, required)) {
        progress.clear()
        const seconds = ((clock.monotonicMs() - startMs) / 1000).toFixed(1)
        nodeTerminal.write(`Job ${jobId} is rescaled (${seconds} s).\n`)
        nodeTerminal.write(describeChange(before, now))
        return 0
      }
      requireSame(await rest.jobRequirements(jobId), required)
      progress.update(describe(now))
      await new Promise((wake) => setTimeout(wake, POLL_MS))
    }
  } finally {
    progress.clear()
  }
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

function describe({ jid, state, 'status-reason': reason }: JobDetail): string {
  if (state === 'RUNNING') return `job ${jid}: takes a checkpoint before it is rescaled`
  return `job ${jid}: ${reason ?? state}`
}
