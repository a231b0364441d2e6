/**
 * One run, of a seed or of a plan file: its log, its outcome, and a smaller one that fails as well.
 */
import {
  type FaultFamily,
  type PlanFile,
  planInvalid,
  runPlan,
  runSeed,
  type SeedOutcome,
  shrinkSeed,
} from '@millrace/simulation'
import { commit } from './commit.ts'
import { planPath, readPlan, writePlan } from './plans-on-disk.ts'
import { SwarmTally } from './swarm-tally.ts'

export interface SingleRunOptions {
  readonly families: readonly FaultFamily[]
  readonly plant: string | null
  readonly quiet: boolean
  readonly shrink: boolean
  /** Where the smaller plan goes; null: a place of its own. */
  readonly out: string | null
  /** For shrinking. */
  readonly minutes: number
  /** Options that a run of the same seed needs. */
  readonly repeatOptions: string
  print(line: string): void
}

/** Whether it was right. */
export async function runOneSeed(seed: number, options: SingleRunOptions): Promise<boolean> {
  const { families, quiet, shrink, repeatOptions, print } = options
  const outcome = await runSeed(seed, { families, ...(quiet ? {} : { onLine: print }) })
  print(new SwarmTally(repeatOptions).add(outcome).describe(outcome))
  if (outcome.violations.length === 0) return true
  if (shrink) await shrinkToFile(seed, options)
  return false
}

async function shrinkToFile(seed: number, options: SingleRunOptions): Promise<void> {
  const { families, plant, print, minutes } = options
  const deadlineMs = performance.now() + minutes * 60_000
  const { plan, outcome, checkers, text } = await shrinkSeed(seed, {
    families,
    stop: () => performance.now() > deadlineMs,
    onProgress: print,
  })
  const path = options.out ?? planPath(seed, plant)
  writePlan(path, { plan, plant, commit: commit(), outcome: { checkers, digest: outcome.digest } })
  print(text)
  print(`  repeat it: npm run simulate -- --plan ${path}`)
}

/** Whether it was right. Throws SIMULATE_PLAN_INVALID. */
export async function runPlanFile(path: string, options: SingleRunOptions): Promise<boolean> {
  const file = readPlan(path)
  const { print, quiet } = options
  const outcome = await runWhole(path, file, quiet ? undefined : print)
  print(new SwarmTally().describe(outcome, `--plan ${path}`))
  print(`  ${compareWithRecorded(file, outcome)}`)
  return outcome.violations.length === 0
}

async function runWhole(
  path: string,
  { plan, commit }: PlanFile,
  onLine: ((line: string) => void) | undefined,
): Promise<SeedOutcome> {
  try {
    return await runPlan(plan, onLine)
  } catch (cause) {
    const message = `Use a plan that this code can run: ${(cause as Error).message}.`
    throw planInvalid(message, { file: path, cause, commit })
  }
}

function compareWithRecorded({ commit, outcome }: PlanFile, { digest }: SeedOutcome): string {
  if (digest === outcome.digest) return 'the same log as when the plan was written'
  const written = commit === '' ? '' : ` at commit ${commit}`
  return (
    `another log than when the plan was written${written}: ${outcome.digest} ` +
    `(${outcome.checkers.join(', ')})`
  )
}
