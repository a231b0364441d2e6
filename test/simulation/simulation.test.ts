/**
 * The net under every change: seeds that found a bug once, and a thousand others.
 *
 * SIMULATION_SEEDS (1000) and SIMULATION_FROM (1) change which; nothing here depends on how
 * long it takes.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, describe, it } from 'node:test'
import { FAULT_FAMILIES, type FaultFamily, type SeedOutcome } from '@millrace/simulation'
import { runSwarm } from './swarm.ts'
import { SwarmTally } from './swarm-tally.ts'

const FAMILIES = Object.keys(FAULT_FAMILIES) as FaultFamily[]
const COUNT = Number(process.env.SIMULATION_SEEDS ?? 1000)
const FROM = Number(process.env.SIMULATION_FROM ?? 1)

const COUNTED = Array.from({ length: COUNT }, (_, index) => FROM + index)
const KEPT = readFileSync(new URL('./seeds.txt', import.meta.url), 'utf8')
  .split('\n')
  .flatMap((line) => /^(\d+) #/.exec(line)?.[1] ?? [])
  .map(Number)

const outcomes = new Map<number, SeedOutcome>()

/** One swarm for all, each seed once: a worker has to run a dozen before it is fast. */
async function runAll(): Promise<void> {
  await runSwarm({
    seeds: new Set([...KEPT, ...COUNTED]),
    families: FAMILIES,
    plant: null,
    stop: () => false,
    onOutcome: (outcome) => void outcomes.set(outcome.seed, outcome),
  })
}

function tallyOf(seeds: readonly number[]): SwarmTally {
  const tally = new SwarmTally()
  for (const seed of seeds) {
    const outcome = outcomes.get(seed)
    assert.ok(outcome !== undefined, `Seed ${seed} was not run.`)
    tally.add(outcome)
  }
  return tally
}

function assertRight(tally: SwarmTally, seeds: number): void {
  const text = tally.failed.map((outcome: SeedOutcome) => tally.describe(outcome)).join('\n')
  assert.equal(tally.failed.length, 0, text)
  assert.equal(tally.seeds, seeds)
}

describe('simulated clusters', () => {
  before(runAll, { timeout: 1_500_000 })

  it('are right for every seed that found a bug once', () => {
    assert.ok(KEPT.length >= 10)
    assertRight(tallyOf(KEPT), KEPT.length)
  })

  it(`are right for ${COUNT} seeds`, () => {
    const tally = tallyOf(COUNTED)
    assertRight(tally, COUNT)
    for (const [checker, compared] of tally.checks) assert.ok(compared > 0, checker)
    if (COUNT < 1000) return
    const [rarest] = tally.rarest(1)
    assert.ok((rarest?.hits ?? 0) > 0, `No fault of class ${rarest?.name} struck.`)
  })
})
