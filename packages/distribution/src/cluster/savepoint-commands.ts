/** `millrace savepoint JOB_ID [DIR]` or `--dispose PATH`, and `millrace stop JOB_ID`. */
import { isAbsolute, resolve } from 'node:path'
import { parseArguments, requireOperands } from '@millrace/cli'
import { SAVEPOINT, STOP } from '../commands/declared-commands.ts'
import { disposalOperation, savepointOperation } from '../gateway/operation-progress.ts'
import { nodeTerminal } from '../process/node-terminal.ts'
import { requireJob, type WaitingClient, waitingClient } from './waiting-client.ts'

export async function runSavepoint(args: readonly string[]): Promise<number> {
  const { positionals, options, properties } = parseArguments(args, SAVEPOINT.options)
  const disposed = options.get('dispose')
  if (disposed !== undefined) {
    requireOperands(positionals, 0, 'Write: millrace savepoint --dispose PATH.')
    return dispose(waitingClient(properties), absolute(disposed))
  }
  requireOperands(positionals, 2, 'Write: millrace savepoint JOB_ID [DIR].')
  const [id, directory] = positionals
  const jobId = requireJob(id, 'millrace savepoint JOB_ID [DIR]')
  const client = waitingClient(properties)
  const { rest } = client
  const targetDirectory = directory === undefined ? null : absolute(directory)
  const triggered = { targetDirectory, triggerId: client.triggerId() }
  const triggerId = await rest.triggerSavepoint(jobId, triggered)
  const path = await client.wait(savepointOperation(rest, jobId, triggerId))
  nodeTerminal.write(`Savepoint of job ${jobId} is complete: ${path}\n`)
  return 0
}

export async function runStop(args: readonly string[]): Promise<number> {
  const { positionals, options, properties } = parseArguments(args, STOP.options)
  requireOperands(positionals, 1, 'Write: millrace stop JOB_ID, a job at a time.')
  const jobId = requireJob(positionals[0], 'millrace stop JOB_ID')
  const client = waitingClient(properties)
  const { rest } = client
  const directory = options.get('savepoint-path')
  const targetDirectory = directory === undefined ? null : absolute(directory)
  const drain = options.has('drain')
  const triggered = { targetDirectory, drain, triggerId: client.triggerId() }
  const triggerId = await rest.triggerStop(jobId, triggered)
  const path = await client.wait(savepointOperation(rest, jobId, triggerId))
  nodeTerminal.write(`Job ${jobId} is FINISHED; its savepoint is complete: ${path}\n`)
  return 0
}

async function dispose(client: WaitingClient, location: string): Promise<number> {
  const { rest } = client
  const triggerId = await rest.triggerSavepointDisposal(location, client.triggerId())
  await client.wait(disposalOperation(rest, location, triggerId))
  nodeTerminal.write(`${location} is removed.\n`)
  return 0
}

/** A path without a scheme is one of this machine, from where the command was typed. */
export function absolute(path: string): string {
  const hasScheme = /^[a-z][a-z0-9+.-]*:/i.test(path)
  return hasScheme || isAbsolute(path) ? path : resolve(path)
}
