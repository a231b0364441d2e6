/**
 * The net under every change: seeds that found a bug once, and a thousand others.
 *
 * SIMULATION_SEEDS (1000) and SIMULATION_FROM (1) change which; nothing here depends on how long it takes.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { FAULT_FAMILIES, type FaultFamily, type SeedOutcome } from '@millrace/simulation'
import { runSwarm } from './swarm.ts'
import { SwarmTally } from './swarm-tally.ts'

const FAMILIES = Object.keys(FAULT_FAMILIES) as FaultFamily[]
const COUNT = Number(process.env.SIMULATION_SEEDS ?? 1000)
const FROM = Number(process.env.SIMULATION_FROM ?? 1)

async function swarm(seeds: readonly number[]): Promise<SwarmTally> {
  const tally = new SwarmTally()
  await runSwarm({
    seeds,
    families: FAMILIES,
    plant: null,
    stop: () => false,
    onOutcome: (outcome) => void tally.add(outcome),
  })
  return tally
}

function assertRight(tally: SwarmTally, seeds: number): void {
  const text = tally.failed.map((outcome: SeedOutcome) => tally.describe(outcome)).join('\n')
  assert.equal(tally.failed.length, 0, text)
  assert.equal(tally.seeds, seeds)
}

describe('simulated clusters', () => {
  it('are right for every seed that found a bug once', { timeout: 600_000 }, async () => {
    const seeds = readFileSync(new URL('./seeds.txt', import.meta.url), 'utf8')
      .split('\n')
      .flatMap((line) => /^(\d+) #/.exec(line)?.[1] ?? [])
      .map(Number)
    assert.ok(seeds.length >= 10)
    assertRight(await swarm(seeds), seeds.length)
  })

  it(`are right for ${COUNT} seeds`, { timeout: 1_200_000 }, async () => {
    const tally = await swarm(Array.from({ length: COUNT }, (_, index) => FROM + index))
    assertRight(tally, COUNT)
    for (const [checker, compared] of tally.checks) assert.ok(compared > 0, checker)
    if (COUNT < 1000) return
    const [rarest] = tally.rarest(1)
    assert.ok((rarest?.hits ?? 0) > 0, `No fault of class ${rarest?.name} struck.`)
  })
})
