/**
 * A second pipeline beside the generated one, and tasks of it that fail.
 *
 * Drawn in a stream of its own: all other runs stay as they are.
 */
import type { PlannedFault } from '../faults/fault.ts'
import type { Beside } from '../workload/beside.ts'
import type { Workload } from '../workload/workload.ts'
import type { SeededRandom } from '../world/seeded-random.ts'

/** Of the seeds whose job does not end by itself and has an exchange to offer. */
const BESIDE_SHARE = 0.25
const FILES_MAX = 12
const ROWS_MAX = 60
const FAILURES_MAX = 4
const WAITING_MS = [500, 4000] as const

export interface SecondPipeline {
  readonly beside: Beside | null
  readonly failures: readonly PlannedFault[]
}

/** `firstId`: of the faults that these are. */
export function drawSecondPipeline(
  random: SeededRandom,
  workload: Workload,
  draw: { readonly phaseMs: number; readonly mayFail: boolean; readonly firstId: number },
): SecondPipeline {
  // It shares the job's checkpoints, and its files are judged to hold each row once.
  const isExact = workload.settings['execution.checkpointing.mode'] !== 'AT_LEAST_ONCE'
  const isPossible = !workload.bounded && workload.parallelism > 1 && isExact
  if (!random.chance(BESIDE_SHARE) || !isPossible) return { beside: null, failures: [] }
  const times = Array.from({ length: random.between(4, FILES_MAX) }, (_, i) => {
    return i === 0 ? 0 : random.between(0, draw.phaseMs)
  })
  const beside = {
    rowsPerFile: random.between(1, ROWS_MAX),
    filesAtMs: times.sort((a, b) => a - b),
  }
  const count = draw.mayFail ? random.between(1, FAILURES_MAX) : 0
  const failures = Array.from({ length: count }, (_, i): PlannedFault => {
    return {
      id: draw.firstId + i,
      class: 'task-failure',
      moment: { kind: 'time', atMs: random.between(0, draw.phaseMs) },
      target: random.next(),
      durationMs: random.between(...WAITING_MS),
      amount: 0,
    }
  })
  return { beside, failures }
}
