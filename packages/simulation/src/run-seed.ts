/** One seed, from its plan to its outcome. The door for swarms. */
import type { FaultFamily } from './faults/fault.ts'
import type { SeedOutcome } from './scenario/run-outcome.ts'
import { drawPlan, type RunPlan } from './scenario/run-plan.ts'
import { ScenarioRun } from './scenario/scenario-run.ts'
import { WorkloadJob } from './scenario/workload-job.ts'

export interface SeedOptions {
  readonly families: readonly FaultFamily[]
  /** Every line of the log. */
  onLine?(line: string): void
}

export function runSeed(seed: number, options: SeedOptions): Promise<SeedOutcome> {
  return runPlan(drawPlan(seed, options.families), options.onLine)
}

export function runPlan(plan: RunPlan, onLine?: (line: string) => void): Promise<SeedOutcome> {
  return new ScenarioRun(plan, new WorkloadJob(plan.workload), onLine).run()
}
