/**
 * `millrace cluster start | stop`: a JobManager and TaskManagers in the background, remembered in
 * `.millrace/cluster.json` of the working directory.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { cliError, parseArguments } from '@millrace/cli'
import type { Configuration } from '@millrace/core'
import { clusterError } from '../error-codes.ts'
import { loadConfiguration } from '../process/load-configuration.ts'
import { nodeTerminal } from '../process/node-terminal.ts'
import { restClientOf } from '../process/rest-address.ts'
import { type SpawnedProcess, spawnProcess } from './spawn-process.ts'

interface ClusterFile {
  readonly processes: readonly { readonly name: string; readonly pid: number }[]
  readonly rest: string
}

const STOP_TIMEOUT_MS = 10_000
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
  const { positionals, options, properties } = parseArguments(args, [
    { name: 'taskmanagers', short: 'n', takesValue: true },
  ])
  if (positionals[0] === 'start') return start(Number(options.get('taskmanagers') ?? 1), properties)
  if (positionals[0] === 'stop') return stop()
  throw cliError('ARGUMENT_INVALID', 'Write: millrace cluster start, or millrace cluster stop.')
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
  const { configuration, warnings } = loadConfiguration(properties)
  for (const warning of warnings) nodeTerminal.writeError(`Warning: ${warning}\n`)
  const spawn = (role: SpawnedProcess['name'] & ('jobmanager' | 'taskmanager'), index: number) =>
    spawnProcess({
      role,
      name: role === 'jobmanager' ? 'JobManager' : `TaskManager ${index}`,
      properties: defaults(properties, configuration),
      logFile: join(logs, role === 'jobmanager' ? 'jobmanager.log' : `taskmanager-${index}.log`),
      detached: true,
    })
  const processes = [spawn('jobmanager', 0)]
  for (let i = 1; i <= taskManagers; i++) processes.push(spawn('taskmanager', i))
  try {
    await Promise.all(processes.map((spawned) => spawned.ready))
  } catch (error) {
    for (const { child } of processes) child.kill('SIGKILL')
    throw error
  }
  const rest = restClientOf(configuration).baseUrl
  const file: ClusterFile = { processes: processes.map(({ name, pid }) => ({ name, pid })), rest }
  writeFileSync(clusterFile(), JSON.stringify(file, null, 2))
  for (const { child, name, pid } of processes) {
    nodeTerminal.write(`${name} started, process ${pid}\n`)
    child.disconnect()
    child.unref()
  }
  nodeTerminal.write(`REST ${rest}, logs in ${logs}\n`)
  return 0
}

/**
 * What a cluster on a laptop has unless the user says otherwise: as many slots as the main job needs, and checkpoints, so that results are
 * exactly once without a further word.
 */
function defaults(
  properties: Readonly<Record<string, string>>,
  configuration: Configuration,
): Record<string, string> {
  const preset = {
    'taskmanager.numberOfTaskSlots': '4',
    'execution.checkpointing.interval': '5 s',
    'execution.checkpointing.dir': `file://${join(directory(), 'checkpoints')}`,
  }
  const open = Object.entries(preset).filter(([key]) => configuration.getRaw(key) === undefined)
  return { ...Object.fromEntries(open), ...properties }
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
