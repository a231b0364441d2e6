/** `millrace savepoint JOB_ID [DIR]` or `--dispose PATH`, and `millrace stop JOB_ID`. */
import { isAbsolute, resolve } from 'node:path'
import { cliError, ProgressLine, parseArguments, requireOperands } from '@millrace/cli'
import { hexId } from '@millrace/core'
import { createNodePlatform } from '@millrace/platform/node'
import { failureOf, type RestClient } from '@millrace/rest-api'
import { SAVEPOINT, STOP } from '../commands/declared-commands.ts'
import { awaitSavepoint } from '../gateway/await-savepoint.ts'
import { loadConfiguration } from '../process/load-configuration.ts'
import { nodeTerminal } from '../process/node-terminal.ts'
import { restClientOf } from '../process/rest-address.ts'

const POLL_MS = 100

export async function runSavepoint(args: readonly string[]): Promise<number> {
  const { positionals, options, properties } = parseArguments(args, SAVEPOINT.options)
  const disposed = options.get('dispose')
  if (disposed !== undefined) {
    requireOperands(positionals, 0, 'Write: millrace savepoint --dispose PATH.')
    return dispose(restClientOf(loadConfiguration(properties).configuration), disposed)
  }
  requireOperands(positionals, 2, 'Write: millrace savepoint JOB_ID [DIR].')
  const [id, directory] = positionals
  const jobId = requireJob(id, 'millrace savepoint JOB_ID [DIR]')
  const rest = restClientOf(loadConfiguration(properties).configuration)
  const targetDirectory = absolute(directory)
  const path = await triggered(rest, jobId, (triggerId) =>
    rest.triggerSavepoint(jobId, { targetDirectory, triggerId }),
  )
  nodeTerminal.write(`Savepoint of job ${jobId} is complete: ${path}\n`)
  return 0
}

export async function runStop(args: readonly string[]): Promise<number> {
  const { positionals, options, properties } = parseArguments(args, STOP.options)
  requireOperands(positionals, 1, 'Write: millrace stop JOB_ID, a job at a time.')
  const jobId = requireJob(positionals[0], 'millrace stop JOB_ID')
  const rest = restClientOf(loadConfiguration(properties).configuration)
  const targetDirectory = absolute(options.get('savepoint-path'))
  const drain = options.has('drain')
  const path = await triggered(rest, jobId, (triggerId) =>
    rest.triggerStop(jobId, { targetDirectory, drain, triggerId }),
  )
  nodeTerminal.write(`Job ${jobId} is FINISHED; its savepoint is complete: ${path}\n`)
  return 0
}

async function dispose(rest: RestClient, path: string): Promise<number> {
  const { clock, random } = createNodePlatform({ logger: { level: 'off' } })
  const progress = new ProgressLine(nodeTerminal, clock)
  const location = absolute(path) as string
  const triggerId = await rest.triggerSavepointDisposal(location, hexId(random.bytes(16)))
  try {
    for (;;) {
      const answer = await rest.savepointDisposalStatus(triggerId)
      const failure = failureOf(answer)
      if (failure !== null) throw failure
      if (answer.status.id === 'COMPLETED') break
      progress.update(`${location}: its files are being removed`)
      await new Promise<void>((wake) => clock.setTimer(POLL_MS, wake))
    }
  } finally {
    progress.clear()
  }
  nodeTerminal.write(`${location} is removed.\n`)
  return 0
}

function requireJob(jobId: string | undefined, usage: string): string {
  if (jobId !== undefined) return jobId
  throw cliError('ARGUMENT_INVALID', `Give the id of the job: ${usage}.`, {
    hint: 'millrace list shows the ids.',
  })
}

/** A path without a scheme is one of this machine, from where the command was typed. */
function absolute(directory: string | undefined): string | null {
  if (directory === undefined) return null
  const hasScheme = /^[a-z][a-z0-9+.-]*:/i.test(directory)
  return hasScheme || isAbsolute(directory) ? directory : resolve(directory)
}

async function triggered(
  rest: RestClient,
  jobId: string,
  trigger: (triggerId: string) => Promise<string>,
): Promise<string> {
  const { clock, random } = createNodePlatform({ logger: { level: 'off' } })
  const progress = new ProgressLine(nodeTerminal, clock)
  // Names the operation, so that a request whose answer was lost is not carried out twice.
  const triggerId = await trigger(hexId(random.bytes(16)))
  try {
    return await awaitSavepoint(rest, jobId, triggerId, (text) => progress.update(text))
  } finally {
    progress.clear()
  }
}
