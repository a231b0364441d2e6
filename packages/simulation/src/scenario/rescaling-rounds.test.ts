/**
 * Jobs whose every round of deployment runs at another parallelism than the one before: a failure
 * restores the latest checkpoint there, and the output is what the oracle says all the same.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type DecideParallelism, decideParallelism } from '@millrace/jobmanager'
import { drawPlan } from './run-plan.ts'
import { ScenarioRun } from './scenario-run.ts'
import { WorkloadJob } from './workload-job.ts'

const SEEDS = [1, 2, 3, 4, 5, 6]
const SLOTS_MAX = 4

/** Lets each round have another number of slots, and remembers what came of it. */
function rescaling(seed: number, rounds: number[][]): DecideParallelism {
  return (jobGraph, _slots, facts) => {
    const slots = 1 + ((seed + rounds.length * 3) % SLOTS_MAX)
    const decided = decideParallelism(jobGraph, slots, facts)
    rounds.push([...decided.values()])
    return decided
  }
}

test('Rounds at other parallelisms restore their state, deal their splits anew and lose nothing', async () => {
  let rescaled = 0
  for (const seed of SEEDS) {
    const plan = drawPlan(seed, ['kill', 'jobmanager'])
    const rounds: number[][] = []
    const cluster = { decideParallelism: rescaling(seed, rounds) }
    const run = new ScenarioRun(plan, new WorkloadJob(plan.workload), cluster)
    const { violations } = await run.run()
    assert.deepEqual(violations, [], `seed ${seed}, rounds ${JSON.stringify(rounds)}`)
    for (const [i, round] of rounds.entries()) {
      if (i > 0 && String(round) !== String(rounds[i - 1])) rescaled++
    }
  }
  assert.ok(rescaled >= SEEDS.length, `only ${rescaled} rounds ran at another parallelism`)
})
