/**
 * Makes a failing run smaller: fewer faults, no restarts, a smaller cluster, a smaller job — each step kept as long
 * as some checker still objects. A run is a function of its plan, so that every try is exact.
 */
import { describeFault, type FaultFamily } from './faults/fault.ts'
import { runPlan } from './run-seed.ts'
import { drawPlan, type RunPlan, slotsFor } from './scenario/run-plan.ts'
import { shrinkWorkload } from './workload/shrink/shrink-workload.ts'
import { rowCount } from './workload/workload.ts'

const TRIES_MAX = 300

export interface ShrinkOptions {
  readonly families: readonly FaultFamily[]
  onProgress(line: string): void
}

export interface ShrunkRun {
  readonly plan: RunPlan
  readonly checkers: readonly string[]
  /** For people. */
  readonly text: string
}

export async function shrinkSeed(seed: number, options: ShrinkOptions): Promise<ShrunkRun> {
  let plan = drawPlan(seed, options.families)
  let checkers = await failing(plan)
  if (checkers.length === 0)
    throw new Error(`Seed ${seed} does not fail: there is nothing to shrink.`)
  let tries = 0
  for (let smaller = true; smaller && tries < TRIES_MAX; ) {
    smaller = false
    for (const candidate of smallerPlans(plan)) {
      if (++tries > TRIES_MAX) break
      const found = await failing(candidate)
      if (found.length === 0) continue
      plan = candidate
      checkers = found
      smaller = true
      options.onProgress(`  ${size(plan)} still fails: ${found.join(', ')}`)
      break
    }
  }
  const text = [
    `smallest found in ${tries} tries: ${size(plan)}; ${checkers.join(', ')}`,
    ...plan.faults.map((fault) => `  ${describeFault(fault)}`),
  ].join('\n')
  return { plan, checkers, text }
}

async function failing(plan: RunPlan): Promise<string[]> {
  const { violations } = await runPlan(plan)
  return [...new Set(violations.map(({ checker }) => checker))]
}

function size(plan: RunPlan): string {
  const { faults, restarts, jobManagers, taskManagers, workload } = plan
  return (
    `${faults.length} faults, ${restarts.length} restarts, ${jobManagers} JobManagers, ` +
    `${taskManagers} TaskManagers, ${rowCount(workload)} rows at parallelism ${workload.parallelism}`
  )
}

/** Large steps first. */
function* smallerPlans(plan: RunPlan): Iterable<RunPlan> {
  const { faults, restarts } = plan
  if (faults.length > 1) {
    const half = Math.ceil(faults.length / 2)
    yield { ...plan, faults: faults.slice(0, half) }
    yield { ...plan, faults: faults.slice(half) }
  }
  for (let i = 0; i < faults.length; i++) yield { ...plan, faults: faults.toSpliced(i, 1) }
  for (let i = 0; i < restarts.length; i++) yield { ...plan, restarts: restarts.toSpliced(i, 1) }
  if (plan.jobManagers > 2) yield { ...plan, jobManagers: plan.jobManagers - 1 }
  if (plan.taskManagers > 1) {
    const taskManagers = plan.taskManagers - 1
    const slotsPerTaskManager = slotsFor(plan.workload, taskManagers)
    yield { ...plan, taskManagers, slotsPerTaskManager }
  }
  for (const workload of shrinkWorkload(plan.workload)) {
    const { parallelism } = workload
    const narrowed = restarts.map((restart) => {
      return { ...restart, parallelism: Math.min(restart.parallelism, parallelism) }
    })
    yield { ...plan, workload, restarts: narrowed }
  }
}
