/**
 * `millrace cluster start | stop`: a JobManager and TaskManagers in the background, remembered in
 * `.millrace/cluster.json` of the working directory.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { cliError, parseArguments, requireKnown, requireOperands } from '@millrace/cli'
import type { Configuration } from '@millrace/core'
import { CheckpointingOptions } from '@millrace/jobmanager/options'
import { onStopSignal } from '@millrace/platform/node'
import { RestClient } from '@millrace/rest-api'
import type { S3Settings } from '@millrace/s3'
import { createCheckpointStorage } from '@millrace/state'
import { CHECKPOINT_DIRECTORY, SAVEPOINT_DIRECTORY } from '@millrace/state/options'
import { TASKMANAGER_OPTIONS } from '@millrace/taskmanager/options'
import { CLUSTER } from '../commands/declared-commands.ts'
import { clusterError } from '../error-codes.ts'
import { checkConfiguration } from '../process/check-configuration.ts'
import { clientConfiguration } from '../process/client-configuration.ts'
import { nodeTerminal } from '../process/node-terminal.ts'
import { clusterFetch } from '../process/patient-fetch.ts'
import { processPlatform } from '../process/process-platform.ts'
import { type SpawnedProcess, spawnProcess } from './spawn-process.ts'

interface ClusterFile {
  readonly processes: readonly { readonly name: string; readonly pid: number }[]
  readonly rest: string
}

const STOP_TIMEOUT_MS = 10_000
const REGISTRATION_TIMEOUT_MS = 60_000
/** The part of a path that stands for a job. */
const TRIAL_JOB = 'cluster-start'
const WRITE = 'Write: millrace cluster start, or millrace cluster stop.'
const directory = () => resolve('.millrace')
const clusterFile = () => join(directory(), 'cluster.json')

function runningCluster(): ClusterFile | null {
  if (!existsSync(clusterFile())) return null
  const file = JSON.parse(readFileSync(clusterFile(), 'utf8')) as ClusterFile
  return file.processes.some(({ pid }) => isMillraceProcess(pid)) ? file : null
}

/** Alive, and one of ours: a pid can have been given to another program since. */
function isMillraceProcess(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const commandLine = `/proc/${pid}/cmdline`
  if (!existsSync(commandLine)) return true
  return /(jobmanager|taskmanager)/.test(readFileSync(commandLine, 'utf8'))
}

export async function runCluster(args: readonly string[]): Promise<number> {
  const { positionals, options, properties } = parseArguments(args, CLUSTER.options)
  const [action] = positionals
  if (action === undefined) throw cliError('ARGUMENT_INVALID', WRITE)
  requireKnown('cluster command', action, ['start', 'stop'], WRITE)
  requireOperands(positionals, 1, WRITE)
  if (action === 'stop') return stop()
  return start(Number(options.get('taskmanagers') ?? 1), properties)
}

async function start(
  taskManagers: number,
  properties: Readonly<Record<string, string>>,
): Promise<number> {
  const running = runningCluster()
  if (running !== null) {
    throw clusterError(
      'CLUSTER_ALREADY_RUNNING',
      `A cluster of this directory runs already, at ${running.rest}.`,
      {
        hint: 'millrace cluster stop ends it.',
      },
    )
  }
  if (!Number.isInteger(taskManagers) || taskManagers < 0) {
    throw cliError('ARGUMENT_INVALID', 'Give --taskmanagers a whole number of 0 or more.')
  }
  const logs = join(directory(), 'logs')
  mkdirSync(logs, { recursive: true })
  const { configuration: given, s3 } = clientConfiguration(properties)
  const preset = presets(given)
  const configuration = given.withOverrides(preset)
  checkConfiguration(configuration)
  await tryCheckpointDirectory(configuration, s3)
  const processes = spawnAll(taskManagers, { ...preset, ...properties }, logs)
  const killAll = () => {
    for (const { child } of processes) child.kill('SIGKILL')
  }
  const stopListening = onStopSignal(
    (signal) => {
      killAll()
      process.exit(signal === 'SIGINT' ? 130 : 143)
    },
    { hangup: true },
  )
  const rest = await allReady(processes, logs).catch((error: unknown) => {
    killAll()
    throw error
  })
  stopListening()
  const file: ClusterFile = {
    processes: processes.map(({ name, pid }) => ({ name, pid })),
    rest: rest.baseUrl,
  }
  writeFileSync(clusterFile(), JSON.stringify(file, null, 2))
  for (const { child, name, pid } of processes) {
    nodeTerminal.write(`${name} started, process ${pid}\n`)
    child.disconnect()
    child.unref()
  }
  nodeTerminal.write(`REST ${rest.baseUrl}, logs in ${logs}\n`)
  return 0
}

function spawnAll(
  taskManagers: number,
  properties: Readonly<Record<string, string>>,
  logs: string,
): SpawnedProcess[] {
  const spawn = (role: 'jobmanager' | 'taskmanager', index: number) =>
    spawnProcess({
      role,
      name: role === 'jobmanager' ? 'JobManager' : `TaskManager ${index}`,
      properties,
      logFile: join(logs, role === 'jobmanager' ? 'jobmanager.log' : `taskmanager-${index}.log`),
      detached: true,
    })
  const processes = [spawn('jobmanager', 0)]
  for (let i = 1; i <= taskManagers; i++) processes.push(spawn('taskmanager', i))
  return processes
}

/**
 * Makes the directory of checkpoints and writes to it, as the first job will. Throws what that job
 * would fail with.
 */
async function tryCheckpointDirectory(configuration: Configuration, s3: S3Settings): Promise<void> {
  const { filesystem } = processPlatform(s3, { logger: { level: 'off' } })
  const storage = createCheckpointStorage(configuration, TRIAL_JOB, filesystem)
  await storage.prepare()
  if (storage.directory !== null) await filesystem.remove(storage.directory)
}

/** Resolves with where REST is once every TaskManager has found the JobManager. */
async function allReady(processes: readonly SpawnedProcess[], logs: string): Promise<RestClient> {
  const [jobManager] = await Promise.all(processes.map((spawned) => spawned.ready))
  const rest = new RestClient(`http://${jobManager?.restAddress}`, clusterFetch)
  await allRegistered(rest, processes.length - 1, logs)
  return rest
}

async function allRegistered(rest: RestClient, count: number, logs: string): Promise<void> {
  const deadline = Date.now() + REGISTRATION_TIMEOUT_MS
  for (;;) {
    const { taskmanagers } = await rest.overview()
    if (taskmanagers >= count) return
    if (Date.now() > deadline) {
      throw clusterError(
        'TASKMANAGERS_NOT_REGISTERED',
        `Let the TaskManagers reach the JobManager: ${taskmanagers} of ${count} have registered within ` +
          `${REGISTRATION_TIMEOUT_MS / 1000} s.`,
        {
          location: { file: logs },
          hint: 'jobmanager.rpc.address and -port must name the JobManager.',
        },
      )
    }
    await new Promise((done) => setTimeout(done, 50))
  }
}

/**
 * What a cluster on a laptop has unless the user says otherwise: as many slots as the main job
 * needs, checkpoints, so that results are exactly once without a further word, and a place for
 * savepoints.
 */
function presets(configuration: Configuration): Record<string, string> {
  const preset = [
    [TASKMANAGER_OPTIONS.numberOfTaskSlots, '4'],
    [CheckpointingOptions.interval, '5 s'],
    [CHECKPOINT_DIRECTORY, `file://${join(directory(), 'checkpoints')}`],
    [SAVEPOINT_DIRECTORY, `file://${join(directory(), 'savepoints')}`],
  ] as const
  const open = preset.filter(([option]) => !configuration.has(option))
  return Object.fromEntries(open.map(([{ key }, value]) => [key, value]))
}

async function stop(): Promise<number> {
  const running = runningCluster()
  if (running === null) {
    throw clusterError('CLUSTER_NOT_RUNNING', 'No cluster of this directory runs.', {
      hint: 'It is remembered in .millrace/cluster.json of the directory where it was started.',
    })
  }
  const alive = () => running.processes.filter(({ pid }) => isMillraceProcess(pid))
  for (const { pid } of alive()) process.kill(pid, 'SIGTERM')
  const deadline = Date.now() + STOP_TIMEOUT_MS
  while (alive().length > 0 && Date.now() < deadline)
    await new Promise((done) => setTimeout(done, 50))
  for (const { pid } of alive()) process.kill(pid, 'SIGKILL')
  rmSync(clusterFile())
  nodeTerminal.write(`Stopped ${running.processes.map(({ name }) => name).join(', ')}.\n`)
  return 0
}
