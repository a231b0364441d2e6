/**
 * `npm run bench -- sensor`: the main job over 10 million readings in a real broker, bounded, exactly once, a checkpoint every 10 s.
 *
 * Prints records a second, records per CPU second of JobManager and TaskManagers (user + system, from submission to the end), peak memory, and
 * start-up times. The broker and this process share the machine and are not counted. The output is checked: its counts add up.
 *
 * What is measured is a new cluster on a machine that has run the job before: a broker that has served the topic once, code compiled for
 * earlier processes kept on disk. `--cold` measures the first run instead.
 *
 * Options: --cold, --records N (10,000,000), --taskmanagers N (1), --parallelism N (3), --keep (leave the directory), --bootstrap HOST:PORT.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import { kafkaTables, mainJobSql } from '../../packages/distribution/src/start/main-job.ts'
import { startKafkaBroker } from '../kafka-broker/broker.ts'
import { createTopics, readWholeTopic } from '../support/kafka-topics.ts'
import { cpuSeconds, peakResidentBytes, residentBytes } from '../support/process-usage.ts'
import { sqlRunner } from '../support/run-sql.ts'
import type { Aggregate } from '../support/sensor-oracle.ts'
import { loadSensorTopic } from './load-sensor-topic.ts'

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '10000000' },
    taskmanagers: { type: 'string', default: '1' },
    parallelism: { type: 'string', default: '3' },
    property: { type: 'string', multiple: true, default: [] },
    cold: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})
const PARTITIONS = 3
/** As often as a person looks: what the JobManager answers the benchmark is in the CPU time that is measured. */
const POLL_INTERVAL_MS = 250
const CODE_KEPT_AFTER_MS = 8000
const WARM_UP_RUNS = 3
const records = Math.ceil(Number(values.records) / PARTITIONS) * PARTITIONS
const print = (text: string) => process.stdout.write(`${text}\n`)
const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`

async function bench(directory: string): Promise<void> {
  print(
    `machine: ${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}, commit ${commit()}`,
  )
  const broker = await startKafkaBroker({ directory: join(directory, 'kafka') })
  const suffix = process.hrtime.bigint().toString(36)
  const topics = { input: `sensor-readings-${suffix}`, output: `sensor-aggregates-${suffix}` }
  const loadMs = performance.now()
  let shown = 0
  await loadSensorTopic(broker.bootstrapServers, topics.input, PARTITIONS, records, (done) => {
    if (done - shown < records / 10) return
    shown = done
    print(`loading: ${done.toLocaleString('en')} records`)
  })
  print(`loaded ${records.toLocaleString('en')} records in ${seconds(loadMs)} s`)
  try {
    if (!values.cold) {
      print('warming up: the same job in a cluster of its own')
      await runJob(directory, broker.bootstrapServers, topics, warmUp)
    }
    await runJob(directory, broker.bootstrapServers, topics, measure)
  } finally {
    await broker.stop()
  }
}

interface Topics {
  readonly input: string
  readonly output: string
}

interface Run {
  readonly cluster: LocalCluster
  readonly runner: ReturnType<typeof sqlRunner>
  /** Of a cluster that is ready, since it was started. */
  readonly readyS: string
  readonly sql: string
}

/** In a cluster of its own, with an output topic of its own; `use` submits the job. */
async function runJob(
  directory: string,
  bootstrapServers: string,
  topics: Topics,
  use: (run: Run) => Promise<void>,
): Promise<void> {
  const output = `${topics.output}-${use.name}`
  await createTopics(bootstrapServers, { [output]: PARTITIONS })
  const startMs = performance.now()
  const cluster = await LocalCluster.start({
    directory: join(directory, `logs-${use.name}`),
    taskManagers: Number(values.taskmanagers),
    slotsPerTaskManager: Math.ceil(Number(values.parallelism) / Number(values.taskmanagers)),
    properties: {
      'execution.checkpointing.interval': '10 s',
      'execution.checkpointing.dir': `file://${join(directory, 'checkpoints')}`,
      ...Object.fromEntries(values.property.map((text) => text.split('=') as [string, string])),
    },
  })
  try {
    const runner = sqlRunner(cluster.restAddress)
    await cluster.ready()
    const { source, sink } = kafkaTables(bootstrapServers)
    const sql = mainJobSql(
      { ...source, topic: topics.input, 'scan.bounded.mode': 'latest-offset' },
      { ...sink, topic: output },
      { 'parallelism.default': values.parallelism },
    )
    await use({ cluster, runner, readyS: seconds(startMs), sql })
    await runner.close()
    if (use === measure) await checkOutput(bootstrapServers, output)
  } finally {
    await cluster.stop()
  }
}

/** Lives until slots have kept their compiled code for the next ones: that is some seconds after their start. */
async function warmUp({ runner, sql }: Run): Promise<void> {
  const kept = new Promise((resolve) => setTimeout(resolve, CODE_KEPT_AFTER_MS))
  for (let run = 0; run < WARM_UP_RUNS; run++) {
    const jobId = await runner.submit(sql)
    await runner.awaitJob(jobId, (d) => d.state === 'FINISHED', 600_000, POLL_INTERVAL_MS)
  }
  await kept
}

async function measure({ cluster, runner, readyS, sql }: Run): Promise<void> {
  print(`cluster ready after ${readyS} s`)
  const pids = [cluster.jobManager, ...cluster.taskManagers].map((spawned) => spawned.pid)
  const total = (of: (pid: number) => number) => pids.reduce((sum, pid) => sum + of(pid), 0)
  print(
    `idle: JobManager ${mib(residentBytes(pids[0] as number))}, all ${mib(total(residentBytes))}`,
  )
  const cpuBefore = total(cpuSeconds)
  const submitMs = performance.now()
  const jobId = await runner.submit(sql)
  const { timestamps } = await runner.awaitJob(jobId, (d) => d.timestamps.RUNNING > 0, 30_000)
  print(
    `submission to RUNNING: ${timestamps.RUNNING - timestamps.CREATED} ms (with planning ${Math.round(performance.now() - submitMs)} ms)`,
  )
  const ended = await runner.awaitJob(
    jobId,
    (d) => d.state === 'FINISHED',
    600_000,
    POLL_INTERVAL_MS,
  )
  const wallS = (ended.timestamps.FINISHED - timestamps.CREATED) / 1000
  const cpuS = total(cpuSeconds) - cpuBefore
  const checkpoints = await runner.rest.jobCheckpoints(jobId)
  print(
    `${records.toLocaleString('en')} records in ${wallS.toFixed(2)} s: ${millions(records / wallS)} M/s`,
  )
  print(
    `CPU of JobManager and TaskManagers ${cpuS.toFixed(2)} s: ${millions(records / cpuS)} M per CPU second`,
  )
  print(`checkpoints completed: ${checkpoints.counts.completed}`)
  print(
    `peak memory: ${pids.map((pid) => mib(peakResidentBytes(pid))).join(' + ')} = ${mib(total(peakResidentBytes))}`,
  )
  print(
    `against the reference engine's 0.147 M per CPU second: ${(records / cpuS / 147_000).toFixed(1)} times`,
  )
}

async function checkOutput(bootstrapServers: string, topic: string): Promise<void> {
  const rows = (await readWholeTopic(bootstrapServers, topic)).map(
    (t) => JSON.parse(t) as Aggregate,
  )
  const counted = rows.reduce((sum, row) => sum + row.reading_count, 0)
  const keys = new Set(rows.map((row) => `${row.sensor_id} ${row.window_start}`))
  print(
    `output: ${rows.length} windows, ${keys.size} distinct, ${counted.toLocaleString('en')} readings in them`,
  )
  if (counted !== records || keys.size !== rows.length) {
    throw new Error(`The output is wrong: ${records} readings went in.`)
  }
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1000).toFixed(2)
}

function millions(perSecond: number): string {
  return (perSecond / 1e6).toFixed(2)
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
try {
  await bench(directory)
} finally {
  if (!values.keep) rmSync(directory, { recursive: true, force: true })
}
