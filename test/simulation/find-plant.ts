/** How many seeds it takes to find a bug that was planted. */
import type { FaultFamily } from '@millrace/simulation'
import { PLANTED_BUGS } from './planted-bugs.ts'
import { NO_END, runSwarm } from './swarm.ts'

export const PLANT_SEEDS_MAX = 200

export interface PlantSearch {
  readonly families: readonly FaultFamily[]
  /**
   * A seed that is tried first, alone, on one worker: when it no longer finds the bug, nothing but
   * its time is lost.
   */
  readonly foundBy?: number | undefined
  /** Runs seeds. Default: workers do. */
  readonly swarm?: typeof runSwarm
}

/**
 * How many seeds were tried until one failed: `foundBy`, then those from 1 on; null: none of
 * `PLANT_SEEDS_MAX` and `foundBy` did.
 */
export async function seedsUntilPlantIsFound(
  plant: string,
  { families, foundBy, swarm = runSwarm }: PlantSearch,
): Promise<number | null> {
  const drawn = PLANTED_BUGS.find(({ name }) => name === plant)?.families ?? families
  let found: number | null = null
  let tried = 0
  const search = (seeds: readonly number[], workers?: number) =>
    swarm({
      ...{ seeds, families: drawn, plant },
      ...(workers === undefined ? {} : { workers }),
      stop: () => found !== null,
      onOutcome({ violations }) {
        tried++
        // A run that a busy machine did not get through shows nothing.
        if (violations.some(({ checker }) => checker !== NO_END)) found ??= tried
      },
    })
  if (foundBy !== undefined) await search([foundBy], 1)
  if (found === null) await search(seedsFromOne().filter((seed) => seed !== foundBy))
  return found
}

const seedsFromOne = (): number[] => Array.from({ length: PLANT_SEEDS_MAX }, (_, n) => n + 1)
