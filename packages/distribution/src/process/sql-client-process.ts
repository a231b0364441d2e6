/**
 * `millrace sql-client`: embedded (planner in this process) or through a remote gateway;
 * scripts or a prompt.
 */
import { existsSync, readFileSync } from 'node:fs'
import {
  cliError,
  Interrupt,
  parseArguments,
  requireOperands,
  runPrompt,
  runScript,
} from '@millrace/cli'
import { CheckpointingOptions } from '@millrace/jobmanager/options'
import { createNodePlatform, onStopSignal } from '@millrace/platform/node'
import { HttpSqlGateway, RestClient, type SqlGateway } from '@millrace/rest-api'
import { splitStatements } from '@millrace/sql'
import { SQL_CLIENT, SQL_CLIENT_GATEWAY } from '../commands/declared-commands.ts'
import { embeddedGateway } from '../gateway/embedded-gateway.ts'
import { clientConfiguration } from './client-configuration.ts'
import { nodeLineReader, nodeTerminal, onOutputGone } from './node-terminal.ts'
import { clusterFetch } from './patient-fetch.ts'
import { restClientOf } from './rest-address.ts'

function readScript(path: string): string {
  if (!existsSync(path)) throw cliError('ARGUMENT_INVALID', `There is no file ${path}.`)
  return readFileSync(path, 'utf8')
}

export async function runSqlClient(args: readonly string[]): Promise<number> {
  const mode = args[0] === 'gateway' ? 'gateway' : 'embedded'
  const rest = args[0] === mode ? args.slice(1) : args
  const parsed = parseArguments(
    rest,
    (mode === 'gateway' ? SQL_CLIENT_GATEWAY : SQL_CLIENT).options,
  )
  requireOperands(
    parsed.positionals,
    0,
    'Statements go after -e, in quotes: sql-client embedded -e "SHOW TABLES;"',
  )
  const properties = propertiesOf(parsed)
  const { configuration } = clientConfiguration(properties)
  const platform = createNodePlatform({ logger: { level: 'warn' } })
  const interrupt = new Interrupt()
  let gateway: SqlGateway
  let close = async () => {}
  if (mode === 'gateway') {
    const endpoint = parsed.options.get('endpoint') ?? '127.0.0.1:8081'
    const base = /^https?:/.test(endpoint) ? endpoint : `http://${endpoint}`
    gateway = new HttpSqlGateway(new RestClient(base, clusterFetch))
  } else {
    const service = embeddedGateway(platform, configuration, restClientOf(configuration))
    gateway = service
    close = () => service.close()
  }
  const script = scriptOf(parsed.options, mode)
  const settings = {
    gateway,
    terminal: nodeTerminal,
    clock: platform.clock,
    properties,
    interrupt,
    split: splitStatements,
  }
  try {
    if (script !== null || process.stdin.isTTY !== true) {
      leaveOnRequest(() => {
        interrupt.raise()
      })
      return await runScript(settings, script ?? readFileSync(0, 'utf8'))
    }
    return await promptUntilQuit(settings, parsed.options.get('history'), interrupt)
  } finally {
    await close()
  }
}

/**
 * However the client is told to go, a query that runs is cancelled first: its job must not
 * keep its slots.
 */
function leaveOnRequest(leave: () => void): void {
  onStopSignal(leave, { hangup: true })
  onOutputGone(leave)
}

/** `-s` is short for a property. */
function propertiesOf({
  properties,
  options,
}: ReturnType<typeof parseArguments>): Readonly<Record<string, string>> {
  const from = options.get('from-savepoint')
  if (from === undefined) return properties
  return { ...properties, [CheckpointingOptions.recoveryPath.key]: from }
}

function scriptOf(options: ReadonlyMap<string, string>, mode: string): string | null {
  const init = options.has('init') ? readScript(options.get('init') as string) : ''
  const statements = mode === 'embedded' ? options.get('execute') : undefined
  if (statements !== undefined) return `${init}\n${statements}`
  const file = options.get('file')
  if (file !== undefined) return `${init}\n${readScript(file)}`
  return null
}

async function promptUntilQuit(
  settings: Parameters<typeof runPrompt>[0],
  history: string | undefined,
  interrupt: Interrupt,
): Promise<number> {
  const lines = nodeLineReader(history, () => {
    interrupt.raise()
  })
  leaveOnRequest(() => {
    interrupt.raise()
    lines.close()
  })
  try {
    return await runPrompt(settings, lines)
  } finally {
    lines.close()
  }
}
