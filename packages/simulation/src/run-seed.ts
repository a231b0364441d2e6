/** One seed, from its plan to its outcome. The door for swarms. */
import type { FaultFamily } from './faults/fault.ts'
import { CheckpointKeeper } from './restore/checkpoint-keeper.ts'
import type { KeptCheckpoint } from './restore/kept-checkpoint.ts'
import { RestoredRun } from './restore/restored-run.ts'
import type { SeedOutcome } from './scenario/run-outcome.ts'
import { drawPlan, type PlannedRestore, type RunPlan } from './scenario/run-plan.ts'
import { ScenarioRun } from './scenario/scenario-run.ts'
import { WorkloadJob } from './scenario/workload-job.ts'
import { SeededRandom } from './world/seeded-random.ts'

export interface SeedOptions {
  readonly families: readonly FaultFamily[]
  /** Every line of the log. */
  onLine?(line: string): void
}

type OnLine = ((line: string) => void) | undefined

export function runSeed(seed: number, options: SeedOptions): Promise<SeedOutcome> {
  return runPlan(drawPlan(seed, options.families), options.onLine)
}

/** With the restored run, when the plan has one and the first run was right. */
export async function runPlan(plan: RunPlan, onLine?: OnLine): Promise<SeedOutcome> {
  const job = new WorkloadJob(plan.workload)
  const { restore } = plan
  if (restore === null) return new ScenarioRun(plan, job, listening(onLine)).run()
  const random = new SeededRandom(`kept checkpoint ${restore.draw}`)
  let keeper: CheckpointKeeper | null = null
  const run = new ScenarioRun(plan, job, {
    ...listening(onLine),
    onEvent(environment) {
      keeper ??= new CheckpointKeeper({
        environment,
        // Each of all is kept with the same probability, however many there are.
        keeps: (n) => random.chance(1 / n),
        outputSoFar: () => job.outputSoFar(environment),
      })
      keeper.look()
    },
  })
  const outcome = await run.run()
  const { kept = null } = (keeper as CheckpointKeeper | null) ?? {}
  // A job that lost a transaction or its input may have lost what the checkpoint refers to.
  if (kept === null || run.hasFailed || outcome.violations.length > 0) return outcome
  return withRestored(outcome, plan, restore, kept, onLine)
}

async function withRestored(
  outcome: SeedOutcome,
  plan: RunPlan,
  restore: PlannedRestore,
  kept: KeptCheckpoint,
  onLine: OnLine,
): Promise<SeedOutcome> {
  const { parallelism } = restore
  onLine?.(`restored: checkpoint ${kept.checkpointId} at parallelism ${parallelism}`)
  const restored = await new RestoredRun(plan, restore, kept, onLine).run()
  const declared = (outcome.checks['declared-state'] ?? 0) + restored.tablesCompared
  return {
    ...outcome,
    violations: restored.violations,
    digest: `${outcome.digest}+${restored.digest}`,
    events: outcome.events + restored.events,
    simulatedMs: outcome.simulatedMs + restored.simulatedMs,
    checks: { ...outcome.checks, 'declared-state': declared, 'restore-law': 1 },
    shape: [...outcome.shape, `restored at parallelism ${parallelism}`, ...restored.about],
  }
}

function listening(onLine: OnLine): { onLine?(line: string): void } {
  return onLine === undefined ? {} : { onLine }
}
