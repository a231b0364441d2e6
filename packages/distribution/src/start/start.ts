/**
 * `npm start`: JobManager and two TaskManagers as processes on loopback, running the main job on generated sensors.
 *
 * `--once` aggregates the 200 readings of the exercise and ends; `--kafka HOST:PORT` goes through a broker;
 * otherwise sensor time runs a minute a
 * second until Ctrl-C. Everything lives below `.millrace/main-job`, made anew each time.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArguments, renderError, type Terminal } from '@millrace/cli'
import { Configuration, toErrorData } from '@millrace/core'
import { createNodePlatform, onStopSignal } from '@millrace/platform/node'
import { RestClient, type SqlGateway } from '@millrace/rest-api'
import { embeddedGateway } from '../cluster/embedded-gateway.ts'
import { LocalCluster } from '../cluster/local-cluster.ts'
import { nodeTerminal } from '../process/node-terminal.ts'
import { fileSensorWriter, type SensorWriter } from './file-sensors.ts'
import { kafkaTables, mainJobSql } from './main-job.ts'
import { fileResultTail, type ResultTail } from './result-tail.ts'
import { sensorReading } from './sensor-readings.ts'
import { submitScript } from './submit-script.ts'
import { watchJob } from './watch-job.ts'

const READINGS_OF_THE_EXERCISE = 200
/** Readings written before the live ones, so that windows are there at once. */
const HISTORY_READINGS = 200
const LIVE_READINGS_PER_TICK = 4
const LIVE_TICK_MS = 200

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
  once: boolean,
  gateway: SqlGateway,
): Promise<Endpoints> {
  const { kafkaSensorWriter, kafkaResultTail } = await import('./kafka-sensors.ts')
  const writer = await kafkaSensorWriter(bootstrapServers)
  const { source, sink } = kafkaTables(bootstrapServers)
  const fromNow = {
    'scan.startup.mode': 'timestamp',
    'scan.startup.timestamp-millis': String(Date.now()),
  }
  const bounded: Record<string, string> = once ? { 'scan.bounded.mode': 'latest-offset' } : {}
  return {
    sql: mainJobSql({ ...source, ...fromNow, ...bounded }, sink, {}),
    writer,
    results: await kafkaResultTail(gateway, bootstrapServers),
    resultPlace: `topic sensor-aggregates at ${bootstrapServers}`,
  }
}

const OPTIONS = [
  { name: 'once', takesValue: false },
  { name: 'kafka', takesValue: true },
  { name: 'port', takesValue: true },
]

const USAGE = `Usage: npm start -- [options]

  --once             aggregate 200 readings and end
  --kafka HOST:PORT  through a broker (npm run kafka starts one to play with)
  --port PORT        of the REST interface; a free one by default
  -D key=value       configuration of the cluster
`

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    terminal.write(USAGE)
    return 0
  }
  const { options, properties } = parseArguments(args, OPTIONS)
  const once = options.has('once')
  const directory = resolve('.millrace', 'main-job')
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const startMs = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000
  const stopRequested = new Promise<'stop'>((stop) =>
    onStopSignal(() => stop('stop'), { hangup: true }),
  )
  terminal.write('Starting a JobManager and two TaskManagers on loopback …\n')
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
  let feeding: NodeJS.Timeout | undefined
  try {
    const kafka = options.get('kafka')
    const platform = createNodePlatform({ logger: { level: 'off' } })
    const rest = new RestClient(cluster.restAddress, fetch)
    const gateway = embeddedGateway(platform, new Configuration({}), rest)
    if (kafka !== undefined) await cluster.ready()
    const endpoints =
      kafka === undefined
        ? fileEndpoints(directory, once)
        : await kafkaEndpoints(kafka, once, gateway)
    let written = 0
    const write = async (count: number) => {
      const from = written
      written += count
      await endpoints.writer.write(
        Array.from({ length: count }, (_, i) => sensorReading(from + i, startMs)),
      )
    }
    await write(once ? READINGS_OF_THE_EXERCISE : HISTORY_READINGS)
    if (!once) feeding = setInterval(() => void write(LIVE_READINGS_PER_TICK), LIVE_TICK_MS)
    // The JobManager keeps the job until enough slots have registered.
    const jobId = await submitScript(gateway, endpoints.sql, cluster.jobManager.ready)
    await cluster.ready()
    terminal.write(`REST ${cluster.restAddress}, job ${jobId}\n`)
    const outcome = await watchJob({
      rest,
      jobId,
      terminal,
      results: endpoints.results,
      resultPlace: endpoints.resultPlace,
      readingsWritten: () => written,
      stopRequested,
    })
    clearInterval(feeding)
    await endpoints.results.close()
    await endpoints.writer.close()
    await gateway.close()
    return outcome
  } finally {
    clearInterval(feeding)
    await cluster.stop()
  }
}

try {
  process.exit(await run(process.argv.slice(2), nodeTerminal))
} catch (thrown) {
  nodeTerminal.writeError(`${renderError(toErrorData(thrown))}\n`)
  process.exit(1)
}
