/** How many seeds it takes to find a bug that was planted. */
import type { FaultFamily } from '@millrace/simulation'
import { NO_END, runSwarm } from './swarm.ts'

export const PLANT_SEEDS_MAX = 200

/** The first failing seed's place among those tried, from `first` on; null: none of `PLANT_SEEDS_MAX` failed. */
export async function seedsUntilPlantIsFound(
  plant: string,
  families: readonly FaultFamily[],
  first = 1,
): Promise<number | null> {
  let found: number | null = null
  let tried = 0
  await runSwarm({
    seeds: Array.from({ length: PLANT_SEEDS_MAX }, (_, index) => first + index),
    families,
    plant,
    stop: () => found !== null,
    onOutcome(outcome) {
      tried++
      // A run that a busy machine did not get through shows nothing.
      if (outcome.violations.some(({ checker }) => checker !== NO_END)) found ??= tried
    },
  })
  return found
}
