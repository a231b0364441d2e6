/**
 * `npm run bench -- sensor`: the main job over 10 and 40 million readings in a real broker,
 * bounded, exactly once, a checkpoint every 10 s.
 *
 * Prints records a second, records per CPU second of JobManager and TaskManagers (user + system,
 * from submission to the end), peak memory, start-up times, and the steady rate: what the longer
 * run costs more than the shorter one, by record, so that start-up and compiling stand apart. The
 * broker and this process share the machine and are not counted. The output is checked: its
 * counts add up.
 *
 * What is measured is a new cluster on a machine that has run the job before: a broker that has
 * served the topic once, code compiled for earlier processes kept on disk. `--cold` measures the
 * first run instead.
 *
 * Options: --against flink (the reference engine runs the same job on the same topics), --cold,
 * --records N (10,000,000), --longer N (4: the second length in units of the first; 0 leaves it
 * out), --taskmanagers N (1), --parallelism N (3), --property KEY=VALUE (Millrace),
 * --reference-heap MIB (4096).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import { kafkaTables, mainJobSql } from '../../packages/distribution/src/start/main-job.ts'
import { startKafkaBroker } from '../kafka-broker/broker.ts'
import { missingForReferenceEngine } from '../reference-engine/provision.ts'
import { readOptions } from '../support/command-options.ts'
import { createTopics, readWholeTopic } from '../support/kafka-topics.ts'
import { cpuSeconds, peakResidentBytes, residentBytes } from '../support/process-usage.ts'
import { sqlRunner } from '../support/run-sql.ts'
import type { Aggregate } from '../support/sensor-oracle.ts'
import {
  describeMachine,
  type Cost as EngineCost,
  mib,
  millions,
  startReference,
} from './engine.ts'
import { loadSensorTopic } from './load-sensor-topic.ts'

type Cost = Pick<EngineCost, 'cpuS' | 'wallS' | 'peakBytes'>

const { values } = readOptions({
  name: 'npm run bench -- sensor',
  summary:
    'The main job over readings in a real broker, bounded, exactly once, a checkpoint every 10 s: records a second, by CPU second, memory, start-up times.',
  options: {
    records: { type: 'string', default: '10000000', value: 'N', help: 'readings in the topic' },
    longer: {
      type: 'string',
      default: '4',
      value: 'N',
      help: 'how many times as long the second run is; 0 leaves it out',
    },
    against: { type: 'string', value: 'flink', help: 'the other engine in the same run' },
    taskmanagers: {
      type: 'string',
      default: '1',
      value: 'N',
      help: 'TaskManagers, each of an equal share of the slots',
    },
    parallelism: { type: 'string', default: '3', value: 'N', help: 'of the job' },
    property: {
      type: 'string',
      multiple: true,
      default: [],
      value: 'KEY=VALUE',
      help: 'configuration of the cluster; may be repeated',
    },
    'reference-heap': {
      type: 'string',
      default: '4096',
      value: 'MIB',
      help: 'heap of the other engine',
    },
    cold: { type: 'boolean', default: false, help: 'measure the first run, without a warm-up' },
  },
})
const PARTITIONS = 3
/**
 * As often as a person looks: what the JobManager answers the benchmark is in the CPU time
 * that is measured.
 */
const POLL_INTERVAL_MS = 250
const JOB_TIMEOUT_MS = 1_800_000
const CODE_KEPT_AFTER_MS = 8000
const WARM_UP_RUNS = 3
/** Lengths, shortest first. */
const lengths = [1, Number(values.longer)]
  .filter((times) => times > 0)
  .map((times) => Math.ceil((times * Number(values.records)) / PARTITIONS) * PARTITIONS)
const shortest = lengths[0] as number
const print = (text: string) => {
  process.stdout.write(`${text}\n`)
}

interface Topics {
  readonly input: string
  readonly output: string
  readonly records: number
}

async function bench(directory: string): Promise<void> {
  print(describeMachine())
  const broker = await startKafkaBroker({ directory: join(directory, 'kafka') })
  try {
    const suffix = process.hrtime.bigint().toString(36)
    const topics: Topics[] = []
    for (const records of lengths) topics.push(await load(broker.bootstrapServers, suffix, records))
    const [first] = topics as [Topics]
    if (!values.cold) {
      print('warming up: the same job in a cluster of its own')
      await runJob(directory, broker.bootstrapServers, first, warmUp)
    }
    const ours: Cost[] = []
    for (const each of topics) {
      await runJob(directory, broker.bootstrapServers, each, async (run) => {
        ours.push(await measure(run, each.records))
      })
    }
    steady('millrace', ours)
    if (values.against === 'flink') await against(directory, broker.bootstrapServers, topics, ours)
  } finally {
    await broker.stop()
  }
}

async function load(servers: string, suffix: string, records: number): Promise<Topics> {
  const input = `sensor-readings-${records}-${suffix}`
  const loadMs = performance.now()
  await loadSensorTopic(servers, input, PARTITIONS, records, (done) =>
    print(`loading: ${done.toLocaleString('en')} of ${records.toLocaleString('en')} records`),
  )
  print(`loaded ${records.toLocaleString('en')} records in ${seconds(loadMs)} s`)
  return { input, output: `sensor-aggregates-${records}-${suffix}`, records }
}

interface Run {
  readonly cluster: LocalCluster
  readonly runner: ReturnType<typeof sqlRunner>
  /** Of a cluster that is ready, since it was started. */
  readonly readyS: string
  readonly sql: string
}

function scriptOf(bootstrapServers: string, topics: Topics, output: string): string {
  const { source, sink } = kafkaTables(bootstrapServers)
  return mainJobSql(
    { ...source, topic: topics.input, 'scan.bounded.mode': 'latest-offset' },
    {
      ...sink,
      topic: output,
      'sink.delivery-guarantee': 'exactly-once',
      'sink.transactional-id-prefix': output,
      'properties.transaction.timeout.ms': '600000',
    },
    { 'parallelism.default': values.parallelism },
  )
}

/** In a cluster of its own, with an output topic of its own; `use` submits the job. */
async function runJob(
  directory: string,
  bootstrapServers: string,
  topics: Topics,
  use: (run: Run) => Promise<void>,
): Promise<void> {
  const output = `${topics.output}-millrace${use === warmUp ? '-warm' : ''}`
  await createTopics(bootstrapServers, { [output]: PARTITIONS })
  const startMs = performance.now()
  const cluster = await LocalCluster.start({
    directory: join(directory, output),
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
    const sql = scriptOf(bootstrapServers, topics, output)
    await use({ cluster, runner, readyS: seconds(startMs), sql })
    await runner.close()
    if (use !== warmUp) await checkOutput(bootstrapServers, output, topics.records)
  } finally {
    await cluster.stop()
  }
}

/**
 * Lives until slots have kept their compiled code for the next ones: that is some seconds
 * after their start.
 */
async function warmUp({ runner, sql }: Run): Promise<void> {
  const kept = new Promise((resolve) => setTimeout(resolve, CODE_KEPT_AFTER_MS))
  for (let run = 0; run < WARM_UP_RUNS; run++) {
    const jobId = await runner.submit(sql)
    await runner.awaitJob(jobId, (d) => d.state === 'FINISHED', JOB_TIMEOUT_MS, POLL_INTERVAL_MS)
  }
  await kept
}

async function measure({ cluster, runner, readyS, sql }: Run, records: number): Promise<Cost> {
  const pids = [cluster.jobManager, ...cluster.taskManagers].map((spawned) => spawned.pid)
  const total = (of: (pid: number) => number) => pids.reduce((sum, pid) => sum + of(pid), 0)
  if (records === shortest) {
    print(`cluster ready after ${readyS} s`)
    print(
      `idle: JobManager ${mib(residentBytes(pids[0] as number))}, all ${mib(total(residentBytes))}`,
    )
  }
  const cpuBefore = total(cpuSeconds)
  const submitMs = performance.now()
  const jobId = await runner.submit(sql)
  const { timestamps } = await runner.awaitJob(jobId, (d) => d.timestamps.RUNNING > 0, 30_000)
  if (records === shortest) {
    print(
      `submission to RUNNING: ${timestamps.RUNNING - timestamps.CREATED} ms (with planning ${Math.round(performance.now() - submitMs)} ms)`,
    )
  }
  const ended = await runner.awaitJob(
    jobId,
    (d) => d.state === 'FINISHED',
    JOB_TIMEOUT_MS,
    POLL_INTERVAL_MS,
  )
  const wallS = (ended.timestamps.FINISHED - timestamps.CREATED) / 1000
  const cpuS = total(cpuSeconds) - cpuBefore
  const cost = { cpuS, wallS, peakBytes: total(peakResidentBytes) }
  const checkpoints = await runner.rest.jobCheckpoints(jobId)
  report('millrace', records, cost)
  print(`checkpoints completed: ${checkpoints.counts.completed}`)
  return cost
}

function report(name: string, records: number, { cpuS, wallS, peakBytes }: Cost): void {
  print(
    `${name}: ${records.toLocaleString('en')} records in ${wallS.toFixed(2)} s, ${millions(records / wallS)} M/s; CPU ${cpuS.toFixed(2)} s, ${millions(records / cpuS)} M per CPU second; peak memory ${mib(peakBytes)}`,
  )
}

/** Records per CPU second between the two lengths; null with one length. */
function steadyRate(costs: readonly Cost[]): number | null {
  const [short, long] = costs
  if (short === undefined || long === undefined) return null
  return ((lengths[1] as number) - shortest) / (long.cpuS - short.cpuS)
}

function steady(name: string, costs: readonly Cost[]): void {
  const rate = steadyRate(costs)
  if (rate === null) return
  const constantS = (costs[0] as Cost).cpuS - shortest / rate
  print(
    `${name}: steady ${millions(rate)} M per CPU second; start-up and compiling ${constantS.toFixed(2)} CPU s`,
  )
}

/**
 * The same job on the same topics in the reference engine, after a run that its compiler has seen.
 */
async function against(
  directory: string,
  bootstrapServers: string,
  topics: readonly Topics[],
  ours: readonly Cost[],
): Promise<void> {
  const missing = missingForReferenceEngine()
  if (missing !== null) return print(`skipped: the reference engine ${missing}`)
  const engine = await startReference({
    directory: join(directory, 'flink'),
    slots: Number(values.parallelism),
    taskHeapMiB: Number(values['reference-heap']),
    progress: print,
  })
  const run = async (each: Topics, output: string) => {
    await createTopics(bootstrapServers, { [output]: PARTITIONS })
    return engine.run(scriptOf(bootstrapServers, each, output))
  }
  try {
    if (!values.cold) await run(topics[0] as Topics, `${topics[0]?.output}-flink-warm`)
    const theirs: Cost[] = []
    for (const each of topics) {
      const output = `${each.output}-flink`
      const cost = await run(each, output)
      theirs.push(cost)
      report('flink', each.records, cost)
      await checkOutput(bootstrapServers, output, each.records)
    }
    steady('flink', theirs)
    for (const [i, records] of lengths.entries()) {
      const ratio = (theirs[i] as Cost).cpuS / (ours[i] as Cost).cpuS
      print(`${records.toLocaleString('en')} records: ${ratio.toFixed(1)} times by CPU`)
    }
    const rates = [steadyRate(ours), steadyRate(theirs)]
    if (rates[0] !== null && rates[1] !== null) {
      print(`steady: ${((rates[0] as number) / (rates[1] as number)).toFixed(1)} times by CPU`)
    }
  } finally {
    await engine.stop()
  }
}

async function checkOutput(servers: string, topic: string, records: number): Promise<void> {
  const rows = (await readWholeTopic(servers, topic)).map((t) => JSON.parse(t) as Aggregate)
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

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
try {
  await bench(directory)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
