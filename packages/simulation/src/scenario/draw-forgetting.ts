/**
 * How old state is when a checkpoint is restored: the job's results change, its state has a time to
 * live, and the wall clocks of the cluster that restores it show a later time.
 */
import { isChangelog } from '../workload/model/query.ts'
import type { Workload } from '../workload/workload.ts'
import type { SeededRandom } from '../world/seeded-random.ts'

export interface PlannedForgetting {
  /** All that the checkpoint holds by key of groups is over; else none of it. */
  readonly isOver: boolean
  /** By how much wall clocks show a later time than in the first run. */
  readonly laterMs: number
  /** Wall clocks of TaskManagers jump by it, so long after all tasks run. */
  readonly jumpMs: number
  readonly jumpAtMs: number
}

const HOUR_MS = 3_600_000
/** Longer than all jumps of a run together. */
export const TIME_TO_LIVE_MS = 240 * HOUR_MS

export function drawForgetting(
  random: SeededRandom,
  { query, sink }: Workload,
): PlannedForgetting | null {
  if (!isChangelog(query) || sink !== 'print' || !random.chance(0.75)) return null
  const isOver = random.chance(0.6)
  const share = random.next()
  return {
    isOver,
    laterMs: Math.round(TIME_TO_LIVE_MS * (isOver ? 1.5 + share : share * 0.5)),
    jumpMs: (random.chance(0.8) ? 1 : -1) * random.between(TIME_TO_LIVE_MS, 3 * TIME_TO_LIVE_MS),
    jumpAtMs: random.between(0, 200),
  }
}

/** The workload whose state is forgotten after that time. */
export function withTimeToLive(workload: Workload): Workload {
  const settings = { ...workload.settings, 'table.exec.state.ttl': `${TIME_TO_LIVE_MS} ms` }
  return { ...workload, settings }
}
