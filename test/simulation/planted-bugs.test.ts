/**
 * Bugs on purpose must be found, each within 200 seeds; the honest code passes the same ones
 * (`simulation.test.ts`). As many at once as there are cores: each begins on one worker.
 */
import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { describe, it } from 'node:test'
import { FAULT_FAMILIES, type FaultFamily } from '@millrace/simulation'
import { PLANT_SEEDS_MAX, seedsUntilPlantIsFound } from './find-plant.ts'
import { plantedSource } from './plant-bug.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'

const families = Object.keys(FAULT_FAMILIES) as FaultFamily[]

describe('planted bugs', { concurrency: availableParallelism() }, () => {
  it('are at least eight, each of text that is in the source once', () => {
    assert.ok(PLANTED_BUGS.length >= 8)
    for (const { edits } of PLANTED_BUGS) for (const edit of edits) plantedSource(edit)
  })

  for (const { name, breaks, foundBy } of PLANTED_BUGS) {
    it(`are found: ${name} — ${breaks}`, { timeout: 600_000 }, async () => {
      const seeds = await seedsUntilPlantIsFound(name, { families, foundBy })
      assert.ok(seeds !== null, `No seed of ${PLANT_SEEDS_MAX} found it.`)
    })
  }
})
