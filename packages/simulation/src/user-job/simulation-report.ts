/** What `simulate` found: the run without faults, and each seed's run against it. */
import type { Violation } from '../checkers/violation.ts'
import type { SinkOutput } from './user-output.ts'

export interface SeedReport {
  readonly seed: number
  /** The output is what the run without faults gave, and no checker of the cluster objects. */
  readonly ok: boolean
  /** What is wrong: which checker, what it saw, the rows in question. */
  readonly violations: readonly Violation[]
  /** The kills at ABORTs and the faults that struck, with their simulated time and target. */
  readonly faults: readonly string[]
  /** Rows that were dropped as late, as far as the last attempts of its tasks tell. */
  readonly lateCount: number
  readonly simulatedMs: number
  /** Of the run's whole log: the same commit, job, inputs and seed give the same. */
  readonly digest: string
  /** The call that repeats this run alone. */
  readonly repeat: string
}

export interface SimulationReport {
  /** Every seed is. */
  readonly ok: boolean
  readonly seeds: readonly SeedReport[]
  /** Those that are not. */
  readonly failed: readonly SeedReport[]
  /** What every sink shows without faults. */
  readonly expected: readonly SinkOutput[]
  /** Simulated hours of all runs. */
  readonly simulatedHours: number
  /** For people: failed seeds with what is wrong. */
  readonly text: string
}

const SHOWN_SEEDS_MAX = 5

export function simulationReport(
  expected: readonly SinkOutput[],
  seeds: readonly SeedReport[],
): SimulationReport {
  const failed = seeds.filter(({ ok }) => !ok)
  const simulatedHours = seeds.reduce((sum, { simulatedMs }) => sum + simulatedMs, 0) / 3_600_000
  const faults = seeds.reduce((sum, each) => sum + each.faults.length, 0)
  const rows = expected.map(({ table, rows }) => `${rows.length} rows in ${table}`).join(', ')
  const lines = [
    `${seeds.length} seeds, ${faults} faults, ${simulatedHours.toFixed(2)} simulated hours: ` +
      `${failed.length === 0 ? 'all right' : `${failed.length} wrong`} (without faults: ${rows})`,
    ...failed.slice(0, SHOWN_SEEDS_MAX).flatMap(describeSeed),
    ...(failed.length > SHOWN_SEEDS_MAX
      ? [
          `also wrong: ${failed
            .slice(SHOWN_SEEDS_MAX)
            .map(({ seed }) => seed)
            .join(', ')}`,
        ]
      : []),
  ]
  return {
    ok: failed.length === 0,
    seeds,
    failed,
    expected,
    simulatedHours,
    text: lines.join('\n'),
  }
}

function describeSeed({ seed, violations, faults, lateCount, repeat }: SeedReport): string[] {
  return [
    `seed ${seed}:`,
    ...violations.flatMap(({ checker, message, details }) => [
      `  ${checker}: ${message}`,
      ...details.map((detail) => `    ${detail}`),
    ]),
    ...(lateCount === 0
      ? []
      : [
          `  ${lateCount} rows came too late for their window: which ones do depends on when they arrive. Give rows of a`,
          '  partition in the order of their time, up to the delay of the watermark, to test failures alone.',
        ]),
    ...(faults.length === 0 ? ['  no fault struck'] : ['  faults:']),
    ...faults.map((fault) => `    ${fault}`),
    `  repeat it: ${repeat}`,
  ]
}
