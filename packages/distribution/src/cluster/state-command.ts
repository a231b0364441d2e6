/**
 * `millrace state inspect PATH [--diff OTHER] [--json]`: what a savepoint or retained checkpoint
 * holds. Reads it itself; no cluster is asked.
 */
import { cliError, parseArguments, requireKnown, requireOperands } from '@millrace/cli'
import { compareCheckpoints, inspectCheckpoint, savepointTarget } from '@millrace/state'
import { STATE } from '../commands/declared-commands.ts'
import { clientConfiguration } from '../process/client-configuration.ts'
import { nodeTerminal } from '../process/node-terminal.ts'
import { processPlatform } from '../process/process-platform.ts'
import { renderCompared, renderInspected } from './render-state.ts'
import { absolute } from './savepoint-commands.ts'

const USAGE = 'Write: millrace state inspect PATH [--diff OTHER] [--json].'

export async function runState(args: readonly string[]): Promise<number> {
  const { positionals, options, properties } = parseArguments(args, STATE.options)
  const [action, path] = positionals
  requireOperands(positionals, 2, USAGE)
  if (action !== undefined) requireKnown('action', action, ['inspect'], USAGE)
  if (path === undefined) {
    throw cliError('ARGUMENT_INVALID', 'Name the savepoint or checkpoint to look at.', {
      hint: USAGE,
    })
  }
  const { s3 } = clientConfiguration(properties)
  const { filesystem } = processPlatform(s3, { logger: { level: 'off' } })
  const inspected = (location: string) =>
    inspectCheckpoint(savepointTarget(absolute(location), filesystem), filesystem)
  const first = await inspected(path)
  const other = options.get('diff')
  const isJson = options.has('json')
  if (other === undefined) {
    nodeTerminal.write(isJson ? json(first) : renderInspected(first))
    return 0
  }
  const compared = compareCheckpoints(first, await inspected(other))
  nodeTerminal.write(isJson ? json(compared) : renderCompared(compared))
  return 0
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
