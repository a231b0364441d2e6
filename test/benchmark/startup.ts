/**
 * `npm run bench -- startup`: how long a cluster and its first job take, and what an idle
 * cluster occupies.
 *
 * Every run is a process of its own, as a person's first command would be: it starts a JobManager
 * and a TaskManager, loads the planner meanwhile, submits the main job as soon as REST answers, and
 * waits for RUNNING. Printed are medians over the runs; a first run that fills the compile cache is
 * not counted. Files by default; `--kafka HOST:PORT` takes topics of a broker.
 *
 * Options: --runs N (5), --parallelism N (3), --slots N (4), --kafka HOST:PORT, --property
 * KEY=VALUE (repeatable).
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import { compileCacheDirectory } from '../../packages/distribution/src/cluster/spawn-process.ts'
import { fileSensorWriter } from '../../packages/distribution/src/start/file-sensors.ts'
import { kafkaTables, mainJobSql } from '../../packages/distribution/src/start/main-job.ts'
import { readOptions } from '../support/command-options.ts'
import { cpuSeconds, peakResidentBytes, residentBytes } from '../support/process-usage.ts'

/** Milliseconds and mebibytes of one run, in the order in which they are printed. */
interface Measured {
  readonly 'JobManager REST ready, ms': number
  readonly 'slots registered, ms': number
  readonly 'submission to RUNNING, just started, ms': number
  readonly 'submission to RUNNING, idle cluster, ms': number
  readonly 'REST ready to RUNNING, with planning, ms': number
  readonly 'nothing to RUNNING, ms': number
  /** Of JobManager and TaskManager; less disturbed than the times by others on the machine. */
  readonly 'CPU of both until RUNNING, ms': number
  readonly 'JobManager idle, MiB': number
  readonly 'TaskManager idle, MiB': number
  readonly 'both idle, MiB': number
  readonly 'both with the job, MiB': number
}

const { values } = readOptions({
  name: 'npm run bench -- startup',
  summary:
    'How long a cluster and its first job take, and what an idle cluster occupies; medians over the runs.',
  options: {
    runs: { type: 'string', default: '5', value: 'N', help: 'runs that are counted' },
    parallelism: { type: 'string', default: '3', value: 'N', help: 'of the job' },
    slots: { type: 'string', default: '4', value: 'N', help: 'of the TaskManager' },
    kafka: { type: 'string', value: 'HOST:PORT', help: 'topics of a broker instead of files' },
    property: {
      type: 'string',
      multiple: true,
      default: [],
      value: 'KEY=VALUE',
      help: 'configuration of the cluster; may be repeated',
    },
    'single-run': {
      type: 'boolean',
      default: false,
      help: 'one run in this process; the benchmark starts itself with it',
    },
    'begun-at': {
      type: 'string',
      default: String(Date.now()),
      value: 'MS',
      help: 'when such a run was begun, in epoch ms',
    },
  },
})
const IDLE_BEFORE_MEASURING_MS = 2000
const JOB_BEFORE_MEASURING_MS = 1000
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20)

function endpoints(directory: string): {
  source: Record<string, string>
  sink: Record<string, string>
} {
  if (values.kafka !== undefined) return kafkaTables(values.kafka)
  const input = join(directory, 'input')
  fileSensorWriter(input)
  return {
    source: { connector: 'filesystem', path: input, 'source.monitor-interval': '200 ms' },
    sink: { connector: 'filesystem', path: join(directory, 'output') },
  }
}

async function startCluster(directory: string): Promise<LocalCluster> {
  return LocalCluster.start({
    directory: join(directory, 'logs'),
    taskManagers: 1,
    slotsPerTaskManager: Number(values.slots),
    properties: {
      'execution.checkpointing.interval': '10 s',
      'execution.checkpointing.dir': `file://${join(directory, 'checkpoints')}`,
      ...Object.fromEntries(values.property.map((text) => text.split('=') as [string, string])),
    },
  })
}

/** From nothing to the job RUNNING, against a clock that began before this process did. */
async function measureJob(directory: string, begunAtMs: number): Promise<Partial<Measured>> {
  const since = () => Date.now() - begunAtMs
  const cluster = await startCluster(directory)
  try {
    const { sqlRunner } = await import('../support/run-sql.ts')
    const runner = sqlRunner(cluster.restAddress)
    const { source, sink } = endpoints(directory)
    const pids = [cluster.jobManager.pid, ...cluster.taskManagers.map(({ pid }) => pid)]
    const total = (of: (pid: number) => number) => pids.reduce((sum, pid) => sum + of(pid), 0)
    let restReadyMs = 0
    const restReady = cluster.jobManager.ready.then(() => {
      restReadyMs = since()
    })
    const script = mainJobSql(source, sink, { 'parallelism.default': values.parallelism })
    const jobId = await runner.submit(script, restReady)
    const { timestamps } = await runner.awaitJob(jobId, (d) => d.timestamps.RUNNING > 0, 30_000)
    const cpuS = total(cpuSeconds)
    await pause(JOB_BEFORE_MEASURING_MS)
    const withJob = total(peakResidentBytes)
    await runner.close()
    return {
      'JobManager REST ready, ms': restReadyMs,
      'submission to RUNNING, just started, ms': timestamps.RUNNING - timestamps.CREATED,
      'REST ready to RUNNING, with planning, ms': timestamps.RUNNING - begunAtMs - restReadyMs,
      'nothing to RUNNING, ms': timestamps.RUNNING - begunAtMs,
      'CPU of both until RUNNING, ms': Math.round(cpuS * 1000),
      'both with the job, MiB': mebibytes(withJob),
    }
  } finally {
    await cluster.stop()
  }
}

/** A cluster that nobody has sent anything to. */
async function measureIdle(directory: string): Promise<Partial<Measured>> {
  const begunAtMs = Date.now()
  const cluster = await startCluster(directory)
  try {
    await cluster.ready()
    while ((await registeredSlots(cluster.restAddress)) < Number(values.slots)) await pause(5)
    const registeredMs = Date.now() - begunAtMs
    await pause(IDLE_BEFORE_MEASURING_MS)
    const jobManager = residentBytes(cluster.jobManager.pid)
    const taskManager = residentBytes(cluster.taskManagers[0]?.pid as number)
    const { sqlRunner } = await import('../support/run-sql.ts')
    const runner = sqlRunner(cluster.restAddress)
    const { source, sink } = endpoints(join(directory, 'second'))
    const settings = { 'parallelism.default': values.parallelism }
    const jobId = await runner.submit(mainJobSql(source, sink, settings))
    const { timestamps } = await runner.awaitJob(jobId, (d) => d.timestamps.RUNNING > 0, 30_000)
    await runner.close()
    return {
      'submission to RUNNING, idle cluster, ms': timestamps.RUNNING - timestamps.INITIALIZING,
      'slots registered, ms': registeredMs,
      'JobManager idle, MiB': mebibytes(jobManager),
      'TaskManager idle, MiB': mebibytes(taskManager),
      'both idle, MiB': mebibytes(jobManager + taskManager),
    }
  } finally {
    await cluster.stop()
  }
}

async function registeredSlots(restAddress: string): Promise<number> {
  const overview = (await (await fetch(`${restAddress}/overview`)).json()) as Record<string, number>
  return overview['slots-total'] ?? 0
}

async function singleRun(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  try {
    const job = await measureJob(directory, Number(values['begun-at']))
    const idle = await measureIdle(directory)
    process.stdout.write(JSON.stringify({ ...job, ...idle }))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function runInNewProcess(): Promise<Measured> {
  const script = fileURLToPath(import.meta.url)
  const args = ['--disable-warning=ExperimentalWarning', script, '--single-run']
  for (const name of ['parallelism', 'slots', 'kafka'] as const) {
    if (values[name] !== undefined) args.push(`--${name}`, values[name])
  }
  for (const property of values.property) args.push('--property', property)
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...args, '--begun-at', String(Date.now())],
    { env: { ...process.env, NODE_COMPILE_CACHE: compileCacheDirectory() } },
  )
  return JSON.parse(stdout) as Measured
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] as number
}

async function bench(): Promise<void> {
  const print = (text: string) => process.stdout.write(`${text}\n`)
  print(`machine: ${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}`)
  const runs: Measured[] = []
  await runInNewProcess()
  for (let i = 0; i < Number(values.runs); i++) runs.push(await runInNewProcess())
  const names: (keyof Measured)[] = [
    'JobManager REST ready, ms',
    'slots registered, ms',
    'submission to RUNNING, just started, ms',
    'submission to RUNNING, idle cluster, ms',
    'REST ready to RUNNING, with planning, ms',
    'nothing to RUNNING, ms',
    'CPU of both until RUNNING, ms',
    'JobManager idle, MiB',
    'TaskManager idle, MiB',
    'both idle, MiB',
    'both with the job, MiB',
  ]
  for (const name of names) {
    const all = runs.map((run) => run[name])
    print(`${name.padEnd(42)} ${String(median(all)).padStart(6)}   (${all.join(' ')})`)
  }
}

await (values['single-run'] ? singleRun() : bench())
