/** `millrace sql-client`: embedded (planner in this process) or through a remote gateway; scripts or a prompt. */
import { existsSync, readFileSync } from 'node:fs'
import { cliError, type Interrupt, parseArguments, runPrompt, runScript } from '@millrace/cli'
import { createNodePlatform, onStopSignal } from '@millrace/platform/node'
import { HttpSqlGateway, RestClient, type SqlGateway } from '@millrace/rest-api'
import { splitStatements } from '@millrace/sql'
import { embeddedGateway } from '../cluster/embedded-gateway.ts'
import { loadConfiguration } from './load-configuration.ts'
import { nodeLineReader, nodeTerminal, onOutputGone } from './node-terminal.ts'
import { clusterFetch } from './patient-fetch.ts'
import { restClientOf } from './rest-address.ts'

const EMBEDDED_OPTIONS = [
  { name: 'execute', short: 'e', takesValue: true },
  { name: 'file', short: 'f', takesValue: true },
  { name: 'init', short: 'i', takesValue: true },
  { name: 'history', takesValue: true },
]
const GATEWAY_OPTIONS = [
  { name: 'endpoint', short: 'e', takesValue: true },
  { name: 'file', short: 'f', takesValue: true },
  { name: 'init', short: 'i', takesValue: true },
  { name: 'history', takesValue: true },
]

function readScript(path: string): string {
  if (!existsSync(path)) throw cliError('ARGUMENT_INVALID', `There is no file ${path}.`)
  return readFileSync(path, 'utf8')
}

export async function runSqlClient(args: readonly string[]): Promise<number> {
  const mode = args[0] === 'gateway' ? 'gateway' : 'embedded'
  const rest = args[0] === mode ? args.slice(1) : args
  const parsed = parseArguments(rest, mode === 'gateway' ? GATEWAY_OPTIONS : EMBEDDED_OPTIONS)
  if (parsed.positionals.length > 0) {
    throw cliError('ARGUMENT_UNKNOWN', `Unknown argument '${parsed.positionals[0]}'.`, {
      hint: 'Statements go after -e, in quotes: sql-client embedded -e "SHOW TABLES;"',
    })
  }
  const { configuration, warnings } = loadConfiguration(parsed.properties)
  for (const warning of warnings) nodeTerminal.writeError(`Warning: ${warning}\n`)
  const platform = createNodePlatform({ logger: { level: 'warn' } })
  const interrupt: Interrupt = { raised: false }
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
    properties: parsed.properties,
    interrupt,
    split: splitStatements,
  }
  try {
    if (script !== null || process.stdin.isTTY !== true) {
      leaveOnRequest(() => {
        interrupt.raised = true
      })
      return await runScript(settings, script ?? readFileSync(0, 'utf8'))
    }
    return await promptUntilQuit(settings, parsed.options.get('history'), interrupt)
  } finally {
    await close()
  }
}

/** However the client is told to go, a query that runs is cancelled first: its job must not keep its slots. */
function leaveOnRequest(leave: () => void): void {
  onStopSignal(leave, { hangup: true })
  onOutputGone(leave)
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
    interrupt.raised = true
  })
  leaveOnRequest(() => {
    interrupt.raised = true
    lines.close()
  })
  try {
    return await runPrompt(settings, lines)
  } finally {
    lines.close()
  }
}
