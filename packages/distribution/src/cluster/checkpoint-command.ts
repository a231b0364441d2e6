/** `millrace checkpoint JOB_ID [--full]`. */
import { cliError, ProgressLine, parseArguments, requireOperands } from '@millrace/cli'
import { hexId } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { createNodePlatform } from '@millrace/platform/node'
import { failureOf, type RestClient } from '@millrace/rest-api'
import { CHECKPOINT } from '../commands/declared-commands.ts'
import { loadConfiguration } from '../process/load-configuration.ts'
import { nodeTerminal } from '../process/node-terminal.ts'
import { restClientOf } from '../process/rest-address.ts'

const POLL_MS = 100

export async function runCheckpoint(args: readonly string[]): Promise<number> {
  const { positionals, properties, options } = parseArguments(args, CHECKPOINT.options)
  requireOperands(positionals, 1, 'Write: millrace checkpoint JOB_ID [--full].')
  const [jobId] = positionals
  if (jobId === undefined) {
    throw cliError('ARGUMENT_INVALID', 'Give the id of the job: millrace checkpoint JOB_ID.', {
      hint: 'millrace list shows the ids.',
    })
  }
  const rest = restClientOf(loadConfiguration(properties).configuration)
  const platform = createNodePlatform({ logger: { level: 'off' } })
  // Names the operation, so that a request whose answer was lost is not carried out twice.
  const triggerId = hexId(platform.random.bytes(16))
  const checkpointType = options.has('full') ? 'FULL' : 'CONFIGURED'
  await rest.triggerCheckpoint(jobId, { checkpointType, triggerId })
  const id = await awaitCheckpoint(rest, platform, jobId, triggerId)
  const { latest } = await rest.jobCheckpoints(jobId)
  const path = latest.completed?.id === id ? latest.completed.external_path : null
  const where = path?.startsWith('<') === false ? `: ${path}` : '.'
  nodeTerminal.write(`Checkpoint ${id} of job ${jobId} is complete${where}\n`)
  return 0
}

async function awaitCheckpoint(
  rest: RestClient,
  platform: Platform,
  jobId: string,
  triggerId: string,
): Promise<number> {
  const progress = new ProgressLine(nodeTerminal, platform.clock)
  try {
    for (;;) {
      const answer = await rest.checkpointStatus(jobId, triggerId)
      const failure = failureOf(answer)
      if (failure !== null) throw failure
      if (answer.status.id === 'COMPLETED') return answer.operation?.checkpointId as number
      progress.update(await describe(rest, jobId))
      await new Promise((wake) => setTimeout(wake, POLL_MS))
    }
  } finally {
    progress.clear()
  }
}

/** How far it has come. */
async function describe(rest: RestClient, jobId: string): Promise<string> {
  const { history } = await rest.jobCheckpoints(jobId)
  const own = history.find(({ status, is_savepoint: is }) => !is && status === 'IN_PROGRESS')
  if (own === undefined) return `checkpoint of job ${jobId}: waits for its turn`
  const { num_acknowledged_subtasks: done, num_subtasks: all } = own
  return `checkpoint of job ${jobId}: ${done} of ${all} subtasks have written their state`
}
