/**
 * `npm run simulate`: whole clusters in one thread each, from seeds.
 *
 *     npm run simulate -- --seed 8731                     one run, its log line by line
 *     npm run simulate -- --seeds 1000 [--from N]         a swarm over the cores
 *
 * Options: --minutes M (stop then), --faults kill,partition,… (default: all), --plant NAME (a bug on purpose), --shrink
 * (of a failing --seed: smaller job, fewer faults), --quiet (no log lines), --report (writes RELIABILITY.md).
 */
import { parseArgs } from 'node:util'
import { FAULT_FAMILIES, type FaultFamily } from '@millrace/simulation'
import { seedsUntilPlantIsFound } from './find-plant.ts'
import { plantBug } from './plant-bug.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'
import { runSwarm } from './swarm.ts'
import { SwarmTally } from './swarm-tally.ts'
import { writeReport } from './write-report.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    faults: { type: 'string' },
    plant: { type: 'string' },
    shrink: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
  },
})
const PROGRESS_INTERVAL_MS = 2000
const print = (text: string): void => void process.stdout.write(`${text}\n`)

/** What else a run depends on. */
const repeatOptions =
  (values.faults === undefined ? '' : ` --faults ${values.faults}`) +
  (values.plant === undefined ? '' : ` --plant ${values.plant}`)

function familiesOf(text: string | undefined): FaultFamily[] {
  const all = Object.keys(FAULT_FAMILIES) as FaultFamily[]
  if (text === undefined) return all
  return text.split(',').map((name) => {
    if (all.includes(name as FaultFamily)) return name as FaultFamily
    throw new Error(`--faults takes ${all.join(', ')}; '${name}' is none of them.`)
  })
}

function numberOf(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Error(`--${name} takes a number; it is '${text}'.`)
}

async function one(seed: number, families: readonly FaultFamily[]): Promise<boolean> {
  if (values.plant !== undefined) plantBug(values.plant)
  const { runSeed, shrinkSeed } = await import('@millrace/simulation')
  const outcome = await runSeed(seed, {
    families,
    ...(values.quiet ? {} : { onLine: print }),
  })
  print(new SwarmTally(repeatOptions).add(outcome).describe(outcome))
  if (outcome.violations.length === 0) return true
  if (values.shrink) {
    const smaller = await shrinkSeed(seed, { families, onProgress: print })
    print(smaller.text)
  }
  return false
}

async function swarm(families: readonly FaultFamily[]): Promise<boolean> {
  const from = numberOf('from', values.from)
  const count = values.seeds === undefined ? Infinity : numberOf('seeds', values.seeds)
  const startMs = performance.now()
  const deadlineMs =
    values.minutes === undefined ? Infinity : startMs + Number(values.minutes) * 60_000
  function* seeds(): Iterable<number> {
    for (let seed = from; seed < from + count; seed++) yield seed
  }
  const tally = new SwarmTally(repeatOptions)
  let shownMs = startMs
  await runSwarm({
    seeds: seeds(),
    families,
    plant: values.plant ?? null,
    stop: () => performance.now() > deadlineMs,
    onOutcome(outcome) {
      tally.add(outcome)
      if (outcome.violations.length > 0) print(tally.describe(outcome))
      const nowMs = performance.now()
      if (nowMs - shownMs < PROGRESS_INTERVAL_MS) return
      shownMs = nowMs
      print(tally.progress((nowMs - startMs) / 1000, count))
    },
  })
  print(tally.summary((performance.now() - startMs) / 1000))
  if (values.report) {
    const command = `npm run simulate -- ${process.argv.slice(2).join(' ')}`
    const seconds = (performance.now() - startMs) / 1000
    writeReport(tally, seconds, command, await seedsUntilFound(families))
  }
  return tally.failed.length === 0
}

/** Plant → how many seeds it took to find it; those that were not found are left out. */
async function seedsUntilFound(families: readonly FaultFamily[]): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  for (const { name } of PLANTED_BUGS) {
    const seeds = await seedsUntilPlantIsFound(name, families)
    if (seeds !== null) found.set(name, seeds)
    print(`plant ${name}: ${seeds === null ? 'not found' : `found after ${seeds} seeds`}`)
  }
  return found
}

try {
  const families = familiesOf(values.faults)
  const right =
    values.seed === undefined
      ? await swarm(families)
      : await one(numberOf('seed', values.seed), families)
  process.exitCode = right ? 0 : 1
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 2
}
