/** A seed that a plant was found by once is a hint, and no more than that. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SeedOutcome } from '@millrace/simulation'
import { PLANT_SEEDS_MAX, seedsUntilPlantIsFound } from './find-plant.ts'
import { NO_END, type SwarmOptions } from './swarm.ts'

/** A swarm in which the seeds of `failing` fail by that checker; notes which it ran. */
function swarmOf(failing: ReadonlyMap<number, string>) {
  const ran: number[] = []
  const swarm = async ({ seeds, stop, onOutcome }: SwarmOptions): Promise<void> => {
    for (const seed of seeds) {
      if (stop()) return
      ran.push(seed)
      const checker = failing.get(seed)
      const violations = checker === undefined ? [] : [{ checker, message: '', details: [] }]
      const counts = { hits: {}, checks: {}, shape: [], faults: [] }
      const outcome: SeedOutcome = {
        ...{ seed, violations, digest: '', events: 0, simulatedMs: 0 },
        ...counts,
      }
      onOutcome(outcome)
    }
  }
  return { ran, swarm }
}

const PLANT = { families: ['kill'] } as const

test('the seed that found a plant is tried first, and no other when it still does', async () => {
  const { ran, swarm } = swarmOf(new Map([[300, 'output']]))
  assert.equal(await seedsUntilPlantIsFound('x', { ...PLANT, foundBy: 300, swarm }), 1)
  assert.deepEqual(ran, [300])
})

test('when it no longer does, all others are tried, from the first on and once', async () => {
  const { ran, swarm } = swarmOf(new Map([[5, 'output']]))
  assert.equal(await seedsUntilPlantIsFound('x', { ...PLANT, foundBy: 3, swarm }), 5)
  assert.deepEqual(ran, [3, 1, 2, 4, 5])
  const none = swarmOf(new Map())
  const search = { ...PLANT, foundBy: 3, swarm: none.swarm }
  assert.equal(await seedsUntilPlantIsFound('x', search), null)
  assert.equal(new Set(none.ran).size, PLANT_SEEDS_MAX)
  assert.equal(none.ran.length, PLANT_SEEDS_MAX)
})

test('a run that a busy machine did not get through does not count as found', async () => {
  const { ran, swarm } = swarmOf(
    new Map([
      [300, NO_END],
      [2, NO_END],
      [4, 'output'],
    ]),
  )
  assert.equal(await seedsUntilPlantIsFound('x', { ...PLANT, foundBy: 300, swarm }), 5)
  assert.deepEqual(ran, [300, 1, 2, 3, 4])
})
