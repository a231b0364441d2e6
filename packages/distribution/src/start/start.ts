/**
 * `npm start`: JobManager and two TaskManagers as processes on loopback, running the main job on
 * generated sensors.
 *
 * `--once` aggregates the 200 readings of the exercise and ends; `--kafka HOST:PORT` goes through a
 * broker; otherwise sensor time runs a minute a second until Ctrl-C. Everything lives below
 * `.millrace/main-job`, made anew each time.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  parseArguments,
  renderError,
  renderHelp,
  requireOperands,
  type Terminal,
} from '@millrace/cli'
import { Configuration, toErrorData } from '@millrace/core'
import { createNodePlatform, onStopSignal } from '@millrace/platform/node'
import { RestClient, type SqlGateway } from '@millrace/rest-api'
import { LocalCluster } from '../cluster/local-cluster.ts'
import { START } from '../commands/declared-commands.ts'
import { embeddedGateway } from '../gateway/embedded-gateway.ts'
import { nodeTerminal } from '../process/node-terminal.ts'
import { fileSensorWriter, type SensorWriter } from './file-sensors.ts'
import { kafkaTables, type MainJobTopics, mainJobSql } from './main-job.ts'
import { fileResultTail, type ResultTail } from './result-tail.ts'
import { sensorReading } from './sensor-readings.ts'
import { submitScript } from './submit-script.ts'
import { watchJob } from './watch-job.ts'

const READINGS_OF_THE_EXERCISE = 200
/** Readings written before the live ones, so that windows are there at once. */
const HISTORY_READINGS = 200
const LIVE_READINGS_PER_TICK = 4
const LIVE_TICK_MS = 200
/** How long a job that was asked to stop may take before its processes are stopped under it. */
const STOP_GRACE_MS = 1500

interface Endpoints {
  readonly sql: string
  readonly writer: SensorWriter
  readonly results: ResultTail
  readonly resultPlace: string
}

function fileEndpoints(directory: string, once: boolean): Endpoints {
  const input = join(directory, 'sensor-readings')
  const output = join(directory, 'sensor-aggregates')
  const source = {
    connector: 'filesystem',
    path: input,
    ...(once ? {} : { 'source.monitor-interval': '200 ms' }),
  }
  const writer = fileSensorWriter(input)
  return {
    sql: mainJobSql(source, { connector: 'filesystem', path: output }, {}),
    writer,
    results: fileResultTail(output),
    resultPlace: output,
  }
}

async function kafkaEndpoints(
  bootstrapServers: string,
  topics: MainJobTopics,
  once: boolean,
  gateway: SqlGateway,
): Promise<Endpoints> {
  const { kafkaSensorWriter, kafkaResultTail } = await import('./kafka-sensors.ts')
  const writer = await kafkaSensorWriter(bootstrapServers, topics)
  const { source, sink } = kafkaTables(bootstrapServers, topics)
  const fromNow = {
    'scan.startup.mode': 'timestamp',
    'scan.startup.timestamp-millis': String(Date.now()),
  }
  const bounded: Record<string, string> = once ? { 'scan.bounded.mode': 'latest-offset' } : {}
  return {
    sql: mainJobSql({ ...source, ...fromNow, ...bounded }, sink, {}),
    writer,
    results: await kafkaResultTail(gateway, bootstrapServers, topics),
    resultPlace: `topic ${topics.aggregates} at ${bootstrapServers}`,
  }
}

interface Demo {
  readonly terminal: Terminal
  readonly cluster: LocalCluster
  readonly directory: string
  readonly once: boolean
  /** Null: through files. */
  readonly kafka: { readonly servers: string; readonly topics: MainJobTopics } | null
  readonly stopRequested: Promise<'stop'>
  /** From when on a stop is an orderly end of the job. */
  onRunning(): void
}

/**
 * Readings in, the job, its results out, until it ends or a stop is asked for. Resolves with
 * the exit code.
 */
async function runDemo(demo: Demo): Promise<number> {
  const { cluster, kafka, once, terminal } = demo
  const platform = createNodePlatform({ logger: { level: 'off' } })
  const rest = new RestClient(cluster.restAddress, fetch)
  const gateway = embeddedGateway(platform, new Configuration({}), rest)
  if (kafka !== null) await cluster.ready()
  const endpoints =
    kafka === null
      ? fileEndpoints(demo.directory, once)
      : await kafkaEndpoints(kafka.servers, kafka.topics, once, gateway)
  const startMs = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000
  let written = 0
  const write = async (count: number) => {
    const from = written
    written += count
    await endpoints.writer.write(
      Array.from({ length: count }, (_, i) => sensorReading(from + i, startMs)),
    )
  }
  await write(once ? READINGS_OF_THE_EXERCISE : HISTORY_READINGS)
  const feeding = once
    ? undefined
    : setInterval(() => void write(LIVE_READINGS_PER_TICK), LIVE_TICK_MS)
  try {
    // The JobManager keeps the job until enough slots have registered.
    const jobId = await submitScript(gateway, endpoints.sql, cluster.jobManager.ready)
    await cluster.ready()
    terminal.write(`REST ${cluster.restAddress}, job ${jobId}\n`)
    demo.onRunning()
    return await watchJob({
      rest,
      jobId,
      terminal,
      results: endpoints.results,
      resultPlace: endpoints.resultPlace,
      readingsWritten: () => written,
      stopRequested: demo.stopRequested,
    })
  } finally {
    clearInterval(feeding)
    await endpoints.results.close()
    await endpoints.writer.close()
    await gateway.close()
  }
}

/** Resolves at the first Ctrl-C (or end of the terminal), which is answered at once. */
function listenForStop(terminal: Terminal): Promise<'stop'> {
  return new Promise((stop) =>
    onStopSignal(
      () => {
        terminal.write('\nStopping the job, the JobManager and two TaskManagers …\n')
        stop('stop')
      },
      { hangup: true },
    ),
  )
}

async function kafkaOf(
  options: ReadonlyMap<string, string>,
  terminal: Terminal,
): Promise<Demo['kafka']> {
  const servers = options.get('kafka')
  if (servers === undefined) return null
  const { DEMO_TOPICS } = await import('./kafka-sensors.ts')
  const topics = {
    readings: options.get('readings') ?? DEMO_TOPICS.readings,
    aggregates: options.get('aggregates') ?? DEMO_TOPICS.aggregates,
  }
  terminal.write(
    `Broker ${servers}: readings go into topic ${topics.readings}, results into ${topics.aggregates}; ` +
      'both are made when missing, and stay.\n',
  )
  return { servers, topics }
}

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    terminal.write(renderHelp(START))
    return 0
  }
  const { options, positionals, properties } = parseArguments(args, START.options)
  requireOperands(positionals, 0, 'npm start -- --help lists the options.')
  const directory = resolve('.millrace', 'main-job')
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const stopRequested = listenForStop(terminal)
  terminal.write('Starting a JobManager and two TaskManagers on loopback …\n')
  const kafka = await kafkaOf(options, terminal)
  const cluster = await LocalCluster.start({
    directory: join(directory, 'logs'),
    taskManagers: 2,
    slotsPerTaskManager: 2,
    ...(options.has('port') ? { restPort: Number(options.get('port')) } : {}),
    properties: {
      'execution.checkpointing.interval': '1 s',
      'execution.checkpointing.dir': `file://${join(directory, 'checkpoints')}`,
      'metrics.fetcher.update-interval': '500 ms',
      ...properties,
    },
  })
  let running = false
  const demo = runDemo({
    ...{ terminal, cluster, directory, kafka, once: options.has('once') },
    stopRequested,
    onRunning: () => {
      running = true
    },
  })
  // Cut short by a stop during start-up.
  demo.catch(() => {})
  const stopped = stopRequested.then(() => (running ? stopInTime(demo) : 0))
  try {
    return await Promise.race([demo, stopped])
  } finally {
    await cluster.stop()
  }
}

/** What a stop cuts short fails in its own way, which is nobody's concern any more. */
async function stopInTime(demo: Promise<number>): Promise<number> {
  const late = new Promise<number>((resolve) => setTimeout(() => resolve(0), STOP_GRACE_MS))
  return Promise.race([demo.catch(() => 0), late])
}

try {
  process.exit(await run(process.argv.slice(2), nodeTerminal))
} catch (thrown) {
  nodeTerminal.writeError(`${renderError(toErrorData(thrown))}\n`)
  process.exit(1)
}
