/**
 * Makes a failing run smaller: fewer faults, no restarts, a smaller cluster, a smaller job — each
 * step kept as long as a checker that objected to the whole run still objects. A run is a
 * function of its plan, so that every try is exact, and the plan that is left can be written down
 * and run again.
 */
import { describeFault, type FaultFamily } from './faults/fault.ts'
import { runPlan } from './run-seed.ts'
import type { SeedOutcome } from './scenario/run-outcome.ts'
import { drawPlan, type RunPlan, slotsFor } from './scenario/run-plan.ts'
import { walk } from './workload/model/expression.ts'
import { expressionsOf, queries } from './workload/model/query.ts'
import { shrinkWorkload } from './workload/shrink/shrink-workload.ts'
import { lastArrivalMs, rowCount, type Workload } from './workload/workload.ts'

const TRIES_MAX = 300

export interface ShrinkOptions {
  readonly families: readonly FaultFamily[]
  readonly triesMax?: number
  /** True: no further try, however much could still go. */
  stop?(): boolean
  /** A line before the first try, and one for each. */
  onProgress(line: string): void
}

export interface ShrunkRun {
  readonly plan: RunPlan
  /** Of running that plan. */
  readonly outcome: SeedOutcome
  /** That objected to it. */
  readonly checkers: readonly string[]
  readonly tries: number
  /** For people. */
  readonly text: string
}

interface Candidate {
  /** What it is without, or has less of. */
  readonly change: string
  readonly plan: RunPlan
}

/** Rejects when the seed does not fail. */
export async function shrinkSeed(seed: number, options: ShrinkOptions): Promise<ShrunkRun> {
  const whole = drawPlan(seed, options.families)
  const first = await runPlan(whole)
  const wanted = new Set(checkersOf(first))
  if (wanted.size === 0) {
    throw new Error(`Seed ${seed} does not fail: there is nothing to shrink.`)
  }
  options.onProgress(`shrinking ${describeSize(whole)}; ${checkersOf(first).join(', ')}`)
  const search = new Search(whole, first, wanted, options)
  await search.run()
  const { plan, outcome, tries } = search
  const checkers = checkersOf(outcome)
  const text = [
    `smallest found in ${tries} tries: ${describeSize(plan)}; ${checkers.join(', ')}`,
    ...plan.faults.map((fault) => `  ${describeFault(fault)}`),
  ].join('\n')
  return { plan, outcome, checkers, tries, text }
}

class Search {
  plan: RunPlan
  outcome: SeedOutcome
  tries = 0
  readonly #wanted: ReadonlySet<string>
  readonly #options: ShrinkOptions

  constructor(
    plan: RunPlan,
    outcome: SeedOutcome,
    wanted: ReadonlySet<string>,
    options: ShrinkOptions,
  ) {
    this.plan = plan
    this.outcome = outcome
    this.#wanted = wanted
    this.#options = options
  }

  /**
   * Over and over, each pass where the last one found something, until one whole pass
   * finds nothing.
   */
  async run(): Promise<void> {
    for (let skipped = 0; ; ) {
      const found = await this.#pass(skipped)
      if (found === 'over' || (found === null && skipped === 0)) return
      skipped = found ?? 0
    }
  }

  /** The place of the first candidate from `skipped` on that still fails; null: none does. */
  async #pass(skipped: number): Promise<number | 'over' | null> {
    let place = -1
    for (const { change, plan } of smallerPlans(this.plan)) {
      if (++place < skipped) continue
      const { triesMax = TRIES_MAX, stop } = this.#options
      if (this.tries >= triesMax || stop?.() === true) return 'over'
      if (await this.#stillFails(change, plan)) return place
    }
    return null
  }

  async #stillFails(change: string, plan: RunPlan): Promise<boolean> {
    this.tries++
    const outcome = await runPlan(plan)
    const found = checkersOf(outcome)
    const isKept = found.some((checker) => this.#wanted.has(checker))
    const verdict = isKept ? `still fails: ${found.join(', ')}` : describeOther(found)
    this.#options.onProgress(`  try ${this.tries}: ${change} (${describeSize(plan)}): ${verdict}`)
    if (!isKept) return false
    this.plan = plan
    this.outcome = outcome
    return true
  }
}

/** Another failure is not this one made smaller. */
function describeOther(found: readonly string[]): string {
  return found.length === 0 ? 'right' : `another failure: ${found.join(', ')}`
}

function checkersOf({ violations }: SeedOutcome): string[] {
  return [...new Set(violations.map(({ checker }) => checker))]
}

/** Nodes of the query and calls of functions in it. */
function operatorCount({ query }: Workload): number {
  let count = 0
  for (const node of queries(query)) {
    count++
    for (const expression of expressionsOf(node)) {
      for (const part of walk(expression)) if (part.kind === 'call') count++
    }
  }
  return count
}

function describeSize(plan: RunPlan): string {
  const { faults, restarts, rescales, neighbours, savepoints, jobManagers } = plan
  const { taskManagers, workload } = plan
  return (
    `${faults.length} faults, ${restarts.length} restarts, ${rescales.length} rescales, ` +
    `${neighbours.length} neighbours, ${savepoints.length} savepoints, ${jobManagers} JobManagers, ` +
    `${taskManagers} TaskManagers, ${rowCount(workload)} rows, ` +
    `${operatorCount(workload)} operators at parallelism ${workload.parallelism}`
  )
}

/** Large steps first. */
function* smallerPlans(plan: RunPlan): Iterable<Candidate> {
  const { faults, restarts, rescales, neighbours, savepoints } = plan
  if (faults.length > 1) {
    const half = Math.ceil(faults.length / 2)
    yield { change: 'first half of the faults', plan: { ...plan, faults: faults.slice(0, half) } }
    yield { change: 'second half of the faults', plan: { ...plan, faults: faults.slice(half) } }
  }
  for (const [i, { id, class: name }] of faults.entries()) {
    yield {
      change: `without fault #${id} ${name}`,
      plan: { ...plan, faults: faults.toSpliced(i, 1) },
    }
  }
  for (const [i, { atMs }] of restarts.entries()) {
    const change = `without the restart at ${atMs} ms`
    yield { change, plan: { ...plan, restarts: restarts.toSpliced(i, 1) } }
  }
  for (const [i, { atMs }] of rescales.entries()) {
    const change = `without the rescale at ${atMs} ms`
    yield { change, plan: { ...plan, rescales: rescales.toSpliced(i, 1) } }
  }
  for (const [i, { atMs }] of neighbours.entries()) {
    const change = `without the neighbour at ${atMs} ms`
    yield { change, plan: { ...plan, neighbours: neighbours.toSpliced(i, 1) } }
  }
  for (const [i, savepoint] of savepoints.entries()) {
    const change = `without the savepoint at ${savepoint.atMs} ms`
    yield { change, plan: { ...plan, savepoints: savepoints.toSpliced(i, 1) } }
    for (const [n, { id, class: name }] of savepoint.faults.entries()) {
      const less = { ...savepoint, faults: savepoint.faults.toSpliced(n, 1) }
      const change = `without fault #${id} ${name}`
      yield { change, plan: { ...plan, savepoints: savepoints.with(i, less) } }
    }
  }
  if (plan.restore !== null) {
    yield { change: 'without the restored run', plan: { ...plan, restore: null } }
  }
  const { beside, ...alone } = plan.workload
  if (beside !== undefined) {
    const others = faults.filter((fault) => fault.class !== 'task-failure')
    const change = 'without the second pipeline'
    yield { change, plan: { ...plan, workload: alone, faults: others } }
  }
  if (plan.jobManagers > 2) {
    yield { change: 'a JobManager less', plan: { ...plan, jobManagers: plan.jobManagers - 1 } }
  }
  if (plan.taskManagers > 1) {
    const taskManagers = plan.taskManagers - 1
    const slotsPerTaskManager = slotsFor(plan.workload, taskManagers)
    yield { change: 'a TaskManager less', plan: { ...plan, taskManagers, slotsPerTaskManager } }
  }
  for (const workload of shrinkWorkload(plan.workload)) {
    const { parallelism } = workload
    const narrowed = restarts.map((restart) => {
      return { ...restart, parallelism: Math.min(restart.parallelism, parallelism) }
    })
    const lower = savepoints.map((savepoint) => {
      const { successor } = savepoint
      const most = Math.min(successor.parallelism, parallelism)
      return { ...savepoint, successor: { ...successor, parallelism: most } }
    })
    const change = describeChange(plan.workload, workload)
    yield { change, plan: { ...plan, workload, restarts: narrowed, savepoints: lower } }
  }
}

/** The one thing in which a smaller workload differs. */
function describeChange(before: Workload, after: Workload): string {
  const partitions = ({ inputs }: Workload) => inputs.flatMap((input) => input.partitions).length
  if (before.tables.length > after.tables.length) return 'without a table'
  if (partitions(before) > partitions(after)) return 'without a partition'
  if (rowCount(before) > rowCount(after)) return 'fewer rows'
  if (before.parallelism > after.parallelism) return 'lower parallelism'
  if (before.sinkParallelism !== after.sinkParallelism) return 'no parallelism of the sink'
  if (before.query !== after.query) return 'simpler query'
  if (before.tables !== after.tables) return 'without a column'
  const setting = Object.keys(before.settings).find((key) => !(key in after.settings))
  if (setting !== undefined) return `without '${setting}'`
  return lastArrivalMs(before) > lastArrivalMs(after) ? 'input sooner' : 'smaller job'
}
