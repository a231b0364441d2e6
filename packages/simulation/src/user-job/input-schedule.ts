/**
 * When a run's input arrives and TaskManagers are killed, drawn from its seed.
 *
 * The rows before an ABORT arrive in a few portions; then there is a kill at some moment soon
 * after, then the next ones. Each partition has its first row, when any comes before its first
 * ABORT, before the job starts: a partition without rows yet would not hold watermarks back, and
 * its rows could be late.
 */
import type { SeededRandom } from '../world/seeded-random.ts'
import type { PartitionInput, PlaceInput } from './resolve-inputs.ts'

export type ScheduleStep =
  | {
      readonly kind: 'deliver'
      /** After the step before. */
      readonly afterMs: number
      /** By place and partition: how many lines have arrived then. */
      readonly counts: readonly (readonly number[])[]
    }
  | {
      readonly kind: 'kill'
      readonly afterMs: number
      /** Chooses among those that live: in [0, 1). */
      readonly target: number
      readonly downMs: number
    }

export interface InputSchedule {
  /** By place and partition: how many lines are there before the job starts. */
  readonly first: readonly (readonly number[])[]
  readonly steps: readonly ScheduleStep[]
}

const PORTIONS_MAX = 5
const PORTION_MS_MAX = 1500
const KILL_AFTER_MS_MAX = 2500
const DOWN_MS_MAX = 4000

/** Everything at once, and nobody killed. */
export function wholeInput(inputs: readonly PlaceInput[]): InputSchedule {
  const whole = inputs.map(({ partitions }) => partitions.map(({ lines }) => lines.length))
  return { first: whole, steps: [] }
}

export function drawSchedule(random: SeededRandom, inputs: readonly PlaceInput[]): InputSchedule {
  const partitions = inputs.flatMap((input) => input.partitions)
  const kills = Math.max(0, ...partitions.map(({ aborts }) => aborts.length))
  const counts = (of: (partition: PartitionInput) => number) =>
    inputs.map((input) => input.partitions.map(of))
  const steps: ScheduleStep[] = []
  for (let stage = 0; stage <= kills; stage++) {
    const portions = random.between(1, PORTIONS_MAX)
    for (let portion = 1; portion <= portions; portion++) {
      steps.push({
        kind: 'deliver',
        afterMs: random.between(10, PORTION_MS_MAX),
        counts: counts((partition) => {
          const from = firstOf(partition, boundary(partition, stage - 1))
          const to = boundary(partition, stage)
          return Math.max(from, from + Math.ceil(((to - from) * portion) / portions))
        }),
      })
    }
    if (stage === kills) break
    steps.push({
      kind: 'kill',
      afterMs: random.between(0, KILL_AFTER_MS_MAX),
      target: random.next(),
      downMs: random.between(20, DOWN_MS_MAX),
    })
  }
  return { first: counts((partition) => firstOf(partition, 0)), steps }
}

export function scheduleMs({ steps }: InputSchedule): number {
  return steps.reduce((sum, { afterMs }) => sum + afterMs, 0)
}

/** Lines before the `stage`-th ABORT; all of them when there is none. */
function boundary({ lines, aborts }: PartitionInput, stage: number): number {
  if (stage < 0) return 0
  return aborts[stage] ?? lines.length
}

function firstOf(partition: PartitionInput, count: number): number {
  return Math.max(count, Math.min(1, boundary(partition, 0)))
}
