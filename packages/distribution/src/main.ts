/** The `millrace` command: finds the sub-command and hands over; each loads only what it needs. */
import { readFileSync } from 'node:fs'
import { type CommandDeclaration, renderError, renderHelp, requireKnown } from '@millrace/cli'
import { toErrorData } from '@millrace/core'
import {
  CANCEL,
  CHECKPOINT,
  CLUSTER,
  JOBMANAGER,
  LIST,
  RESCALE,
  SAVEPOINT,
  SQL_CLIENT,
  SQL_CLIENT_GATEWAY,
  STATE,
  STOP,
  TASKMANAGER,
} from './commands/declared-commands.ts'

const USAGE = `Usage: millrace COMMAND [options]

  jobmanager                     run a JobManager in the foreground
  taskmanager                    run a TaskManager in the foreground
  cluster start | stop           a JobManager and TaskManagers (-n COUNT) in the background,
                                 from this directory
  sql-client [embedded]          SQL prompt; -e "STATEMENTS", -f FILE run statements and end,
                                 -i FILE runs statements first
  sql-client gateway -e HOST:PORT  the same through a remote SQL gateway
  list                           jobs of the cluster that run (-a: all)
  cancel JOB_ID                  cancel a job
  checkpoint JOB_ID              take a checkpoint of a job now
  rescale JOB_ID [VERTEX=]N      bring a job to another parallelism
  savepoint JOB_ID [DIR]         take a savepoint, or --dispose PATH of one
  state inspect PATH             what a savepoint or checkpoint holds (--diff, --verify, --json)
  stop JOB_ID                    stop a job by a savepoint (--drain, --savepoint-path DIR)
  test FILE                      tests of your own jobs, with Node's test runner
  bench NAME                     benchmarks (sensor, startup, groups, state)
  simulate                       whole clusters in one thread, from seeds
  chaos                          kill processes under load and check every result
  kafka                          a real Kafka broker on loopback, for playing
  s3                             a real S3 server on loopback, for playing

millrace COMMAND --help says more of each; millrace --version which this is.
Options of every command: -D key=value. The cluster's address: -D rest.address=… -D rest.port=…
`

interface Command {
  /** Null: the command itself answers --help. */
  readonly declaration: ((args: readonly string[]) => CommandDeclaration) | null
  run(args: readonly string[]): Promise<number | undefined>
}

/**
 * Development commands live beside the tests, which a packaged installation does not have; they
 * read the arguments themselves.
 */
function developmentCommand(path: string): Command {
  return {
    declaration: null,
    async run(args) {
      process.argv.splice(2, process.argv.length, ...args)
      withoutLibraryWarnings()
      await import(new URL(`../../../test/${path}`, import.meta.url).href)
      return undefined
    },
  }
}

/**
 * kafkajs, which these commands use as a second opinion, sets timers in the past; Node warns of
 * each at length.
 */
function withoutLibraryWarnings(): void {
  const shown = process.listeners('warning')
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (warning.name === 'TimeoutNegativeWarning') return
    for (const show of shown) show(warning)
  })
}

const COMMANDS: Readonly<Record<string, Command>> = {
  jobmanager: {
    declaration: () => JOBMANAGER,
    run: async (args) => (await import('./process/jobmanager-process.ts')).runJobManager(args),
  },
  taskmanager: {
    declaration: () => TASKMANAGER,
    run: async (args) => (await import('./process/taskmanager-process.ts')).runTaskManager(args),
  },
  cluster: {
    declaration: () => CLUSTER,
    run: async (args) => (await import('./cluster/cluster-command.ts')).runCluster(args),
  },
  'sql-client': {
    declaration: ([mode]) => (mode === 'gateway' ? SQL_CLIENT_GATEWAY : SQL_CLIENT),
    run: async (args) => (await import('./process/sql-client-process.ts')).runSqlClient(args),
  },
  list: {
    declaration: () => LIST,
    run: async (args) => (await import('./cluster/job-commands.ts')).runList(args),
  },
  cancel: {
    declaration: () => CANCEL,
    run: async (args) => (await import('./cluster/job-commands.ts')).runCancel(args),
  },
  checkpoint: {
    declaration: () => CHECKPOINT,
    run: async (args) => (await import('./cluster/checkpoint-command.ts')).runCheckpoint(args),
  },
  rescale: {
    declaration: () => RESCALE,
    run: async (args) => (await import('./cluster/rescale-command.ts')).runRescale(args),
  },
  savepoint: {
    declaration: () => SAVEPOINT,
    run: async (args) => (await import('./cluster/savepoint-commands.ts')).runSavepoint(args),
  },
  stop: {
    declaration: () => STOP,
    run: async (args) => (await import('./cluster/savepoint-commands.ts')).runStop(args),
  },
  state: {
    declaration: () => STATE,
    run: async (args) => (await import('./cluster/state-command.ts')).runState(args),
  },
  test: developmentCommand('user-tests/main.ts'),
  bench: developmentCommand('benchmark/main.ts'),
  simulate: developmentCommand('simulation/main.ts'),
  chaos: developmentCommand('chaos/main.ts'),
  kafka: developmentCommand('kafka-broker/main.ts'),
  s3: developmentCommand('s3-server/main.ts'),
}

const HELP = new Set(['help', '--help', '-h'])
const VERSION = new Set(['version', '--version', '-v', '-V'])

function versionLine(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { version: string }
  return `Millrace ${version}, on Node ${process.versions.node}\n`
}

/** Whether help is asked for; not what stands after `-e` and is a statement. */
function asksForHelp(args: readonly string[]): boolean {
  return args.some((arg) => arg === '--help' || arg === '-h')
}

/** `-D key=value` may stand before the command too. */
function commandFirst(args: readonly string[]): readonly string[] {
  let options = 0
  while (args[options]?.startsWith('-D')) options += args[options] === '-D' ? 2 : 1
  return [...args.slice(options), ...args.slice(0, options)]
}

async function main(): Promise<number | undefined> {
  const [name, ...given] = commandFirst(process.argv.slice(2))
  if (name === undefined || (HELP.has(name) && given.length === 0)) {
    process.stdout.write(USAGE)
    return name === undefined ? 1 : 0
  }
  if (VERSION.has(name)) {
    process.stdout.write(versionLine())
    return 0
  }
  // `millrace help list` is `millrace list --help`.
  const [command, args] = HELP.has(name)
    ? [given[0] as string, [...given.slice(1), '--help']]
    : [name, given]
  requireKnown('command', command, Object.keys(COMMANDS), 'millrace help lists the commands.')
  const { declaration, run } = COMMANDS[command] as Command
  if (declaration !== null && asksForHelp(args)) {
    process.stdout.write(renderHelp(declaration(args)))
    return 0
  }
  return run(args)
}

try {
  const code = await main()
  if (code !== undefined) process.exitCode = code
} catch (thrown) {
  const error = toErrorData(thrown)
  process.stderr.write(`${renderError(error)}\n`)
  // A server that could not start must end, whatever it had opened before.
  const end = () => process.exit(1)
  // Who started this process shows it as the reason.
  if (process.send === undefined) end()
  else process.send({ failure: error }, undefined, undefined, end)
}
