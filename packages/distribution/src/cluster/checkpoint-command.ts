/** `millrace checkpoint JOB_ID [--full]`. */
import { parseArguments, requireOperands } from '@millrace/cli'
import { CHECKPOINT } from '../commands/declared-commands.ts'
import { checkpointOperation } from '../gateway/operation-progress.ts'
import { nodeTerminal } from '../process/node-terminal.ts'
import { requireJob, waitingClient } from './waiting-client.ts'

export async function runCheckpoint(args: readonly string[]): Promise<number> {
  const { positionals, properties, options } = parseArguments(args, CHECKPOINT.options)
  requireOperands(positionals, 1, 'Write: millrace checkpoint JOB_ID [--full].')
  const jobId = requireJob(positionals[0], 'millrace checkpoint JOB_ID')
  const client = waitingClient(properties)
  const { rest } = client
  const triggerId = client.triggerId()
  const checkpointType = options.has('full') ? 'FULL' : 'CONFIGURED'
  await rest.triggerCheckpoint(jobId, { checkpointType, triggerId })
  const id = await client.wait(checkpointOperation(rest, jobId, triggerId))
  const { latest } = await rest.jobCheckpoints(jobId)
  const path = latest.completed?.id === id ? latest.completed.external_path : null
  const where = path?.startsWith('<') === false ? `: ${path}` : '.'
  nodeTerminal.write(`Checkpoint ${id} of job ${jobId} is complete${where}\n`)
  return 0
}
