/** Bugs on purpose must be found, each within 200 seeds; the honest code passes the same ones (`simulation.test.ts`). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FAULT_FAMILIES, type FaultFamily } from '@millrace/simulation'
import { PLANT_SEEDS_MAX, seedsUntilPlantIsFound } from './find-plant.ts'
import { plantedSource } from './plant-bug.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'

const FAMILIES = Object.keys(FAULT_FAMILIES) as FaultFamily[]

describe('planted bugs', () => {
  it('are at least eight, each of text that is in the source once', () => {
    assert.ok(PLANTED_BUGS.length >= 8)
    for (const { edits } of PLANTED_BUGS) for (const edit of edits) plantedSource(edit)
  })

  for (const { name, breaks } of PLANTED_BUGS) {
    it(`are found: ${name} — ${breaks}`, { timeout: 600_000 }, async () => {
      const seeds = await seedsUntilPlantIsFound(name, FAMILIES)
      assert.ok(seeds !== null, `No seed of ${PLANT_SEEDS_MAX} found it.`)
    })
  }
})
