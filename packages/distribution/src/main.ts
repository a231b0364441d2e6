/** The `millrace` command: finds the sub-command and hands over; each loads only what it needs. */
import { cliError, renderError } from '@millrace/cli'
import { nearestName, toErrorData } from '@millrace/core'

const USAGE = `Usage: millrace <command> [options]

  jobmanager                     run a JobManager in the foreground
  taskmanager                    run a TaskManager in the foreground
  cluster start | stop           a JobManager and TaskManagers (-n COUNT) in the background,
                                 from this directory
  sql-client [embedded]          SQL prompt; -e "<statements>", -f FILE run statements and end,
                                 -i FILE runs statements first
  sql-client gateway -e HOST:PORT  the same through a remote SQL gateway
  list                           jobs of the cluster
  cancel JOB_ID                  cancel a job
  bench NAME                     benchmarks (sensor)
  simulate                       whole clusters in one thread, from seeds
  chaos                          kill processes under load and check every result
  kafka                          a real Kafka broker on loopback, for playing
  s3                             a real S3 server on loopback, for playing

Options of every command: -D key=value. The cluster's address: -D rest.address=… -D rest.port=…
`

type Command = (args: readonly string[]) => Promise<number | undefined>

/**
 * Development commands live beside the tests, which a packaged installation does not have; they read the
 * arguments themselves.
 */
function developmentCommand(path: string): Command {
  return async (args) => {
    process.argv.splice(2, process.argv.length, ...args)
    withoutLibraryWarnings()
    await import(new URL(`../../../test/${path}`, import.meta.url).href)
    return undefined
  }
}

/** kafkajs, which these commands use as a second opinion, sets timers in the past; Node warns of each at length. */
function withoutLibraryWarnings(): void {
  const shown = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (warning.name === 'TimeoutNegativeWarning') return
    for (const show of shown) show(warning)
  })
}

const COMMANDS: Readonly<Record<string, Command>> = {
  jobmanager: async (args) => (await import('./process/jobmanager-process.ts')).runJobManager(args),
  taskmanager: async (args) =>
    (await import('./process/taskmanager-process.ts')).runTaskManager(args),
  cluster: async (args) => (await import('./cluster/cluster-command.ts')).runCluster(args),
  'sql-client': async (args) =>
    (await import('./process/sql-client-process.ts')).runSqlClient(args),
  list: async (args) => (await import('./cluster/job-commands.ts')).runList(args),
  cancel: async (args) => (await import('./cluster/job-commands.ts')).runCancel(args),
  bench: developmentCommand('benchmark/main.ts'),
  simulate: developmentCommand('simulation/main.ts'),
  chaos: developmentCommand('chaos/main.ts'),
  kafka: developmentCommand('kafka-broker/main.ts'),
  s3: developmentCommand('s3-server/main.ts'),
}

async function main(): Promise<number | undefined> {
  const [name, ...args] = process.argv.slice(2)
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(USAGE)
    return name === undefined ? 1 : 0
  }
  const command = COMMANDS[name]
  if (command !== undefined && (args.includes('--help') || args.includes('-h'))) {
    process.stdout.write(USAGE)
    return 0
  }
  if (command !== undefined) return command(args)
  const nearest = nearestName(name, Object.keys(COMMANDS))
  throw cliError(
    'ARGUMENT_UNKNOWN',
    `Unknown command '${name}'${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`,
    { hint: 'millrace help lists the commands.' },
  )
}

try {
  const code = await main()
  if (code !== undefined) process.exitCode = code
} catch (thrown) {
  process.stderr.write(`${renderError(toErrorData(thrown))}\n`)
  // A server that could not start must end, whatever it had opened before.
  process.exit(1)
}
