/**
 * `npm run simulate`: whole clusters in one thread each, from seeds.
 *
 *     npm run simulate -- --seed 8731                     one run, its log line by line
 *     npm run simulate -- --seeds 1000 [--from N]         a swarm over the cores
 *     npm run simulate -- --plan FILE                     what --shrink wrote, once more
 *
 * Options: --minutes M (stop then), --faults kill,partition,… (default: all), --plant NAME (a bug
 * on purpose), --shrink (of a failing --seed: smaller job, fewer faults, written to --out FILE),
 * --quiet (no log lines), --report (writes RELIABILITY.md). A bug is planted before anything is
 * loaded that it could be in: hence the late imports.
 */
import { renderError } from '@millrace/cli'
import { isMillraceError, toErrorData } from '@millrace/core'
import type { FaultFamily } from '@millrace/simulation'
import { readOptions } from '../support/command-options.ts'
import { peekPlant } from './peek-plant.ts'
import { findPlant, plantBug } from './plant-bug.ts'

const OPTIONS = {
  seed: { type: 'string', value: 'N', help: 'one run, its log line by line' },
  seeds: { type: 'string', value: 'N', help: 'so many runs over the cores' },
  plan: { type: 'string', value: 'FILE', help: 'what --shrink wrote, once more' },
  from: { type: 'string', default: '1', value: 'N', help: 'first seed of --seeds' },
  minutes: { type: 'string', value: 'M', help: 'stop then' },
  faults: {
    type: 'string',
    value: 'NAMES',
    help: 'families of faults, separated by commas; all when left out',
  },
  plant: { type: 'string', value: 'NAME', help: 'a bug on purpose' },
  shrink: {
    type: 'boolean',
    default: false,
    help: 'make a failing --seed smaller and write it down',
  },
  out: { type: 'string', value: 'FILE', help: 'where --shrink writes' },
  quiet: { type: 'boolean', default: false, help: 'no lines of the log' },
  report: { type: 'boolean', default: false, help: 'write RELIABILITY.md' },
} as const

const print = (text: string): void => void process.stdout.write(`${text}\n`)

function numberOf(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Error(`--${name} takes a number; it is '${text}'.`)
}

function minutesOf(text: string | undefined): number {
  if (text === undefined) return Infinity
  const minutes = Number(text)
  if (minutes > 0) return minutes
  throw new Error(`--minutes takes a number above 0; it is '${text}'.`)
}

async function familiesOf(text: string | undefined): Promise<FaultFamily[]> {
  const { FAULT_FAMILIES } = await import('@millrace/simulation')
  const all = Object.keys(FAULT_FAMILIES) as FaultFamily[]
  if (text === undefined) return all
  return text.split(',').map((name) => {
    if (all.includes(name as FaultFamily)) return name as FaultFamily
    throw new Error(`--faults takes ${all.join(', ')}; '${name}' is none of them.`)
  })
}

/** Whether everything was right. */
async function run(): Promise<boolean> {
  const { values } = readOptions({
    name: 'npm run simulate --',
    summary:
      'Whole clusters in one thread each, hostile, from seeds: one seed, a swarm of them, or a plan that was written. ' +
      'CONTRIBUTING.md explains log and faults.',
    options: OPTIONS,
    examples: ['npm run simulate -- --seed 8731', 'npm run simulate -- --seeds 1000 --from 5000'],
  })
  if (values.shrink && values.seed === undefined) throw new Error('--shrink goes with --seed N.')
  if (values.seed !== undefined && values.plan !== undefined) {
    throw new Error('Take --seed or --plan: a plan is of one seed already.')
  }
  const plant = values.plant ?? (values.plan === undefined ? undefined : peekPlant(values.plan))
  const isSingle = values.seed !== undefined || values.plan !== undefined
  // The workers of a swarm plant it each; a name that is none is said once.
  if (plant !== undefined) findPlant(plant)
  if (isSingle && plant !== undefined) plantBug(plant)
  const common = {
    families: await familiesOf(values.faults),
    plant: plant ?? null,
    minutes: minutesOf(values.minutes),
    repeatOptions:
      (values.faults === undefined ? '' : ` --faults ${values.faults}`) +
      (values.plant === undefined ? '' : ` --plant ${values.plant}`),
    print,
  }
  if (!isSingle) {
    const { runSeeds } = await import('./swarm-run.ts')
    return runSeeds({
      ...common,
      from: numberOf('from', values.from),
      count: values.seeds === undefined ? Infinity : numberOf('seeds', values.seeds),
      reportOf: values.report ? `npm run simulate -- ${process.argv.slice(2).join(' ')}` : null,
    })
  }
  const { runOneSeed, runPlanFile } = await import('./single-run.ts')
  const single = { ...common, quiet: values.quiet, shrink: values.shrink, out: values.out ?? null }
  if (values.plan !== undefined) return runPlanFile(values.plan, single)
  return runOneSeed(numberOf('seed', values.seed ?? ''), single)
}

try {
  process.exitCode = (await run()) ? 0 : 1
} catch (error) {
  const text = isMillraceError(error) ? renderError(toErrorData(error)) : (error as Error).message
  process.stderr.write(`${text}\n`)
  process.exitCode = 2
}
