/**
 * `millrace state inspect PATH [--diff OTHER] [--verify] [--json]`: what a savepoint or retained
 * checkpoint holds. Reads it itself; no cluster is asked.
 */
import {
  cliError,
  ProgressLine,
  parseArguments,
  requireKnown,
  requireOperands,
} from '@millrace/cli'
import type { Platform } from '@millrace/platform'
import {
  compareCheckpoints,
  inspectCheckpoint,
  savepointTarget,
  type VerifiedCheckpoint,
  verifyCheckpoint,
} from '@millrace/state'
import { STATE } from '../commands/declared-commands.ts'
import { clientConfiguration } from '../process/client-configuration.ts'
import { nodeTerminal } from '../process/node-terminal.ts'
import { processPlatform } from '../process/process-platform.ts'
import { renderCompared, renderInspected, renderVerified, sized } from './render-state.ts'
import { absolute } from './savepoint-commands.ts'

const USAGE = 'Write: millrace state inspect PATH [--diff OTHER | --verify] [--json].'

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
  const platform = processPlatform(s3, { logger: { level: 'off' } })
  const { filesystem } = platform
  const isJson = options.has('json')
  const placeOf = (location: string) => savepointTarget(absolute(location), filesystem)
  if (options.has('verify') && options.has('diff')) {
    throw cliError(
      'ARGUMENT_INVALID',
      'Leave out --diff or --verify: both read, and say something else.',
      {
        hint: USAGE,
      },
    )
  }
  if (options.has('verify')) return await verify(placeOf(path), platform, isJson)
  const inspected = (location: string) => inspectCheckpoint(placeOf(location), filesystem)
  const first = await inspected(path)
  const other = options.get('diff')
  if (other === undefined) {
    nodeTerminal.write(isJson ? json(first) : renderInspected(first))
    return 0
  }
  const compared = compareCheckpoints(first, await inspected(other))
  nodeTerminal.write(isJson ? json(compared) : renderCompared(compared))
  return 0
}

/** Gives 1 when something is damaged. */
async function verify(location: string, platform: Platform, isJson: boolean): Promise<number> {
  const progress = new ProgressLine(nodeTerminal, platform.clock)
  let verified: VerifiedCheckpoint
  try {
    verified = await verifyCheckpoint(location, platform.filesystem, (done, all) => {
      progress.update(
        `read ${sized(done.bytes)} of ${sized(all.bytes)}, ${done.files} of ${all.files} files`,
      )
    })
  } finally {
    progress.clear()
  }
  const { read, damaged } = verified
  const faults = damaged.map(({ code, message, location: place }) => {
    return { file: place?.file ?? null, code, message }
  })
  nodeTerminal.write(
    isJson ? json({ location, ...read, damaged: faults }) : renderVerified(location, verified),
  )
  return damaged.length === 0 ? 0 : 1
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
