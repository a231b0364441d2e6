/** Which neighbours a run's job has; drawn in a stream of their own. */
import { NEIGHBOURS_MAX } from '../environment/neighbour-names.ts'
import { FAULT_FAMILIES, type FaultClass, type PlannedFault } from '../faults/fault.ts'
import type { Workload } from '../workload/workload.ts'
import type { SeededRandom } from '../world/seeded-random.ts'
import type { PlannedNeighbour } from './neighbours.ts'

/** Of the seeds whose job may have some. */
const NEIGHBOURED_SHARE = 0.3

/**
 * Beside jobs alone whose transactional ids are the default ones, and whose input is never taken
 * away: what a neighbour that begins later would give then is hard to say.
 */
export function drawNeighbours(
  random: SeededRandom,
  of: {
    readonly workload: Workload
    readonly phaseMs: number
    readonly faults: readonly PlannedFault[]
  },
): readonly PlannedNeighbour[] {
  const { sink, source, guarantee, guaranteeWritten, late, emptyPartitions, settings } = of.workload
  const isPlain = source === 'kafka' && !late && emptyPartitions === undefined
  const hasDefaultIds = sink === 'kafka' && guarantee === 'exactly-once' && !guaranteeWritten
  const taking: readonly FaultClass[] = ['retention', ...FAULT_FAMILIES.loss]
  const isTaken = of.faults.some((fault) => taking.includes(fault.class))
  const most = Number(settings['pipeline.max-parallelism'] ?? 2)
  if (!isPlain || !hasDefaultIds || isTaken || !random.chance(NEIGHBOURED_SHARE)) return []
  return Array.from({ length: random.between(1, NEIGHBOURS_MAX) }, () => ({
    atMs: random.between(0, of.phaseMs),
    forMs: random.between(200, of.phaseMs),
    parallelism: random.between(1, Math.min(2, most)),
  })).sort((a, b) => a.atMs - b.atMs)
}
