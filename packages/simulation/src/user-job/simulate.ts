/**
 * simulate: a user's job on simulated clusters, once without faults and then once a seed with
 * them; the outputs must be the same. The public door for tests of one's own jobs.
 */
import { Configuration } from '@millrace/core'
import { CheckpointingOptions } from '@millrace/jobmanager'
import { SimulatedEnvironment } from '../environment/simulated-environment.ts'
import { simulationError } from '../error-codes.ts'
import type { SeedOutcome } from '../scenario/run-outcome.ts'
import type { ClusterPlan } from '../scenario/run-plan.ts'
import { ScenarioRun } from '../scenario/scenario-run.ts'
import { SeededRandom } from '../world/seeded-random.ts'
import {
  type ClusterShape,
  drawCluster,
  type FaultProfile,
  isList,
  referenceCluster,
  USER_FAULT_FAMILIES,
} from './draw-cluster.ts'
import type { UserInputs } from './input-marks.ts'
import { drawSchedule, type InputSchedule, scheduleMs, wholeInput } from './input-schedule.ts'
import { type PlannedUserJob, planUserJob, type UserJobText } from './plan-user-job.ts'
import { type PlaceInput, resolveInputs } from './resolve-inputs.ts'
import { type SeedReport, type SimulationReport, simulationReport } from './simulation-report.ts'
import { UserJob } from './user-job.ts'
import type { SinkOutput } from './user-output.ts'

export interface SimulateOptions {
  /**
   * A script of CREATEs, SETs and one INSERT (or statement set), or code that executes
   * such statements.
   */
  readonly job: UserJobText
  /**
   * By table, topic or directory: rows of one partition, or of several in arrays of their own.
   */
  readonly inputs: UserInputs
  /** Besides the ABORTs; 'all' when absent. */
  readonly faults?: FaultProfile
  /** How many, from 1 on, or which; 20 when absent. */
  readonly seeds?: number | readonly number[]
  readonly cluster?: ClusterShape
  /**
   * An unbounded job whose output has not changed for so long, simulated, has shown all;
   * 15,000 when absent.
   */
  readonly restMs?: number
  /** Takes every line of the log of every run; the run without faults is seed 0. */
  onLog?(line: string, seed: number): void
}

const SEEDS_DEFAULT = 20
const REST_MS = 15_000
/** Committed output comes with checkpoints: some of them must have passed. */
const REST_CHECKPOINTS = 3

/**
 * Rejects when job, inputs or options do not fit, or the job fails without faults; never for a
 * seed that is wrong.
 */
export async function simulate(options: SimulateOptions): Promise<SimulationReport> {
  const seeds = seedList(options.seeds ?? SEEDS_DEFAULT)
  checkFaults(options.faults)
  checkShape(options.cluster)
  const planned = planOnce(options.job)
  const inputs = resolveInputs(options.inputs, planned.sources)
  const run = new UserRuns(options, planned, inputs)
  const expected = await run.reference()
  const reports: SeedReport[] = []
  for (const seed of seeds) reports.push(await run.seed(seed, expected))
  return simulationReport(expected, reports)
}

class UserRuns {
  readonly #options: SimulateOptions
  readonly #planned: PlannedUserJob
  readonly #inputs: readonly PlaceInput[]

  constructor(options: SimulateOptions, planned: PlannedUserJob, inputs: readonly PlaceInput[]) {
    this.#options = options
    this.#planned = planned
    this.#inputs = inputs
  }

  async reference(): Promise<readonly SinkOutput[]> {
    const plan = referenceCluster(this.#planned)
    const { outcome, job } = await this.#run(plan, wholeInput(this.#inputs), null)
    const [first] = outcome.violations
    if (first !== undefined) {
      throw referenceFailed(
        [
          `Mend the job: without any fault it does not come right. ${first.message}`,
          ...first.details,
        ].join('\n'),
      )
    }
    if (job.observed.every(({ rows }) => rows.length === 0)) {
      throw referenceFailed(
        'Give inputs that make the job write something: without faults it writes nothing, and there is nothing to compare.',
        'Windows write once the watermark has passed their end: a later row on every partition, or a bounded source.',
      )
    }
    return job.observed
  }

  async seed(seed: number, expected: readonly SinkOutput[]): Promise<SeedReport> {
    const schedule = drawSchedule(new SeededRandom(`user input ${seed}`), this.#inputs)
    const plan = drawCluster({
      seed,
      job: this.#planned,
      faults: this.#options.faults ?? 'all',
      shape: this.#options.cluster ?? {},
      inputMs: scheduleMs(schedule),
    })
    const { outcome, job } = await this.#run(plan, schedule, expected)
    const timeOf = (fault: string) => Number(fault.slice(0, fault.indexOf(' ')))
    return {
      seed,
      ok: outcome.violations.length === 0,
      violations: outcome.violations,
      faults: [...job.killed, ...outcome.faults].sort((a, b) => timeOf(a) - timeOf(b)),
      lateCount: job.lateCount,
      simulatedMs: outcome.simulatedMs,
      digest: outcome.digest,
      repeat: `simulate({ …, seeds: [${seed}] })`,
    }
  }

  async #run(
    plan: ClusterPlan,
    schedule: InputSchedule,
    expected: readonly SinkOutput[] | null,
  ): Promise<{ readonly outcome: SeedOutcome; readonly job: UserJob }> {
    const { onLog, job: text, restMs } = this.#options
    const job = new UserJob({
      job: text,
      planned: this.#planned,
      inputs: this.#inputs,
      schedule,
      expected,
      restMs: Math.max(restMs ?? REST_MS, REST_CHECKPOINTS * checkpointMs(this.#planned)),
    })
    const listeners =
      onLog === undefined ? {} : { onLine: (line: string) => onLog(line, plan.seed) }
    return { outcome: await new ScenarioRun(plan, job, listeners).run(), job }
  }
}

function checkpointMs({ jobGraph }: PlannedUserJob): number {
  return new Configuration(jobGraph.configuration).get(CheckpointingOptions.interval) ?? 0
}

/** What the job reads and writes does not depend on the cluster. */
function planOnce(job: UserJobText): PlannedUserJob {
  const environment = new SimulatedEnvironment({
    ...{ seed: 0, jobManagers: 1, taskManagers: 1, slotsPerTaskManager: 1, brokers: 1 },
    slowness: [],
    properties: {},
  })
  const planned = planUserJob(job, {
    connectors: environment.connectorsOf(null),
    formats: environment.formats,
    bootstrapServers: environment.broker.bootstrapServers,
    number: 0,
    restoreFrom: null,
  })
  const keyless = planned.sinks.find(({ connector, changelog, keyColumns }) => {
    return connector === 'print' && changelog && keyColumns.length === 0
  })
  if (keyless === undefined) return planned
  throw simulationError(
    'SIMULATE_JOB_INVALID',
    `Give the table '${keyless.place}' a PRIMARY KEY (…) NOT ENFORCED: its rows change, and the last word on each key is compared.`,
  )
}

function seedList(seeds: number | readonly number[]): readonly number[] {
  const list = typeof seeds === 'number' ? Array.from({ length: seeds }, (_, n) => n + 1) : seeds
  if (list.length > 0 && list.every((seed) => Number.isSafeInteger(seed) && seed > 0)) return list
  throw optionInvalid(`Give seeds as a number or a list of numbers from 1 on; it is ${seeds}.`)
}

function checkFaults(profile: FaultProfile | undefined): void {
  if (profile === undefined || profile === 'all' || profile === 'none') return
  const known: readonly string[] = USER_FAULT_FAMILIES
  const names =
    typeof profile === 'string' ? [profile] : isList(profile) ? profile : Object.keys(profile)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw optionInvalid(
      `Give faults as 'none', 'all', or families of ${known.join(', ')}; '${unknown}' is none.`,
    )
  }
  if (typeof profile === 'string' || isList(profile)) return
  for (const [family, count] of Object.entries(profile)) {
    if (Number.isSafeInteger(count) && count >= 0) continue
    throw optionInvalid(`Give the number of faults of '${family}' from 0 on; it is ${count}.`)
  }
}

const TASK_MANAGERS_MAX = 5
const JOB_MANAGERS_MAX = 3

function checkShape(shape: ClusterShape = {}): void {
  const check = (name: keyof ClusterShape, most: number) => {
    const value = shape[name]
    if (value === undefined || (Number.isSafeInteger(value) && value > 0 && value <= most)) return
    throw optionInvalid(`Give cluster.${name} from 1 to ${most}; it is ${value}.`)
  }
  check('taskManagers', TASK_MANAGERS_MAX)
  check('jobManagers', JOB_MANAGERS_MAX)
}

function optionInvalid(message: string) {
  return simulationError('SIMULATE_OPTION_INVALID', message)
}

function referenceFailed(message: string, hint?: string) {
  return simulationError('SIMULATE_REFERENCE_FAILED', message, hint === undefined ? {} : { hint })
}
