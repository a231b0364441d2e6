/**
 * `npm run chaos`: the main job through a real broker under a steady load, real processes and real
 * faults, every (sensor, window) of the output compared with a plain computation over the input.
 * Exit code 0 only when each is there once and right.
 *
 *     npm run chaos -- --minutes 10 [--seed N] [--faults kill,pause,…]   all faults; a table of recovery times
 *     npm run chaos -- --kills 20                                        SIGKILL to TaskManagers alone, one JobManager
 *
 * Further options: --jobmanagers N (3), --taskmanagers N (3; 2 with --kills), --rate
 * READINGS_PER_SECOND, --interval MS between checkpoints, --keep (the directory, also when all is
 * right); with --minutes: --at-least FAULTS (10 a minute), --recovery-timeout S (60); with
 * --kills: --pause-min MS, --pause-max MS.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { readOptions } from '../support/command-options.ts'
import { chaosTable, targetLines } from './chaos-table.ts'
import { faultClassesOf } from './faults.ts'
import { runKills } from './kills.ts'
import { runChaos } from './run-chaos.ts'

const FAULTS_A_MINUTE = 10.5
const WARM_UP_MS = 6000
const OVERTIME_MS = 6 * 60_000

const { values } = readOptions({
  name: 'npm run chaos --',
  summary:
    'The main job through a real broker under load, real processes and real faults; every window of the output is compared. CONTRIBUTING.md explains the table.',
  options: {
    minutes: { type: 'string', value: 'M', help: 'all faults for so long' },
    seed: {
      type: 'string',
      value: 'N',
      help: 'of faults, victims and figures; drawn when left out',
    },
    faults: {
      type: 'string',
      default: '',
      value: 'NAMES',
      help: 'families or single names, separated by commas; all when left out',
    },
    'at-least': {
      type: 'string',
      value: 'N',
      help: 'faults that must have struck; 10 a minute when left out',
    },
    'recovery-timeout': {
      type: 'string',
      default: '60',
      value: 'S',
      help: 'seconds that a fault may take',
    },
    jobmanagers: { type: 'string', default: '3', value: 'N', help: 'JobManagers' },
    taskmanagers: { type: 'string', value: 'N', help: 'TaskManagers; 3, with --kills 2' },
    rate: { type: 'string', value: 'N', help: 'readings a second' },
    interval: { type: 'string', default: '1000', value: 'MS', help: 'ms between checkpoints' },
    kills: { type: 'string', value: 'N', help: 'only SIGKILL to TaskManagers, so often' },
    keep: { type: 'boolean', default: false, help: 'the directory, also when all is right' },
    'pause-min': {
      type: 'string',
      default: '1500',
      value: 'MS',
      help: 'with --kills: least ms between two',
    },
    'pause-max': {
      type: 'string',
      default: '4000',
      value: 'MS',
      help: 'with --kills: most ms between two',
    },
  },
})

function log(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 23)} ${text}\n`)
}

async function minutesOfFaults(directory: string, minutes: number): Promise<boolean> {
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e6))
  const faultsMin = Number(values['at-least'] ?? Math.ceil(minutes * FAULTS_A_MINUTE))
  log(`seed ${seed}, ${minutes} minutes, at least ${faultsMin} faults`)
  const result = await runChaos({
    directory,
    seed,
    classes: faultClassesOf(values.faults),
    until: { minutes, faultsMin },
    jobManagers: Number(values.jobmanagers),
    taskManagers: Number(values.taskmanagers ?? 3),
    readingsPerSecond: Number(values.rate ?? 1200),
    checkpointIntervalMs: Number(values.interval),
    recoveryTimeoutMs: Number(values['recovery-timeout']) * 1000,
    warmUpMs: WARM_UP_MS,
    log,
  })
  const load = loadavg()[1]?.toFixed(1)
  log(
    `${result.savepoints} times another job went on from a savepoint; ` +
      `${result.faults.length} faults in ${result.minutes.toFixed(1)} minutes, ${result.readings} readings; ` +
      `checkpoints every ${values.interval} ms, normal lag up to ${result.normalLagMs} ms; machine load ${load}`,
  )
  log('ms, median / largest, of faults that stood alone; detection and caught up from the fault,')
  log('redeploy and first output from the detection')
  for (const line of [...chaosTable(result.faults), ...targetLines(result.faults)]) log(line)
  if (result.faults.length < faultsMin) log(`FEWER FAULTS THAN THE ${faultsMin} ASKED FOR`)
  return result.right && result.faults.length >= faultsMin
}

/** Ends the command whatever hangs; children end when their parent has gone. */
function endAfter(ms: number, directory: string): void {
  const timer = setTimeout(() => {
    log(
      `THE RUN DID NOT END by itself within ${Math.round(ms / 1000)} s; kept for reading: ${directory}`,
    )
    process.exit(1)
  }, ms)
  timer.unref()
}

const directory = mkdtempSync(join(tmpdir(), 'millrace-chaos-'))
let right = false
try {
  if (values.minutes === undefined) {
    const kills = Number(values.kills ?? 20)
    right = await runKills({
      directory,
      kills,
      taskManagers: Number(values.taskmanagers ?? 2),
      readingsPerSecond: Number(values.rate ?? 2000),
      checkpointIntervalMs: Number(values.interval),
      pauseMinMs: Number(values['pause-min']),
      pauseMaxMs: Number(values['pause-max']),
      log,
    })
  } else {
    const minutes = Number(values.minutes)
    endAfter(minutes * 60_000 + OVERTIME_MS, directory)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => process.exit(130))
    }
    right = await minutesOfFaults(directory, minutes)
  }
} catch (error) {
  log(error instanceof Error ? error.message : String(error))
}
if (right && !values.keep) rmSync(directory, { recursive: true, force: true })
else log(`kept for reading: ${directory}`)
log(right ? 'nothing lost, nothing doubled' : 'NOT RIGHT: see above')
process.exitCode = right ? 0 : 1
