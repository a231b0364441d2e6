/**
 * A failing run is made smaller, and what is left can be kept as a file and fails in the same way.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { plantBug } from './plant-bug.ts'

const PLANT = 'skip-alignment'
/** Enough to leave much out; each takes a second. */
const TRIES = 14
const SEEDS_MAX = 200
/** It failed early when it was tried last; others wait for three simulated minutes each time. */
const FIRST_SEED = 1009

const directory = mkdtempSync(join(tmpdir(), 'millrace-plan-'))
after(() => rmSync(directory, { recursive: true, force: true }))

// Before anything of a cluster is loaded: in this process every run has the bug.
plantBug(PLANT)
const { decodePlanFile, drawPlan, encodePlanFile, FAULT_FAMILIES, rowCount, runSeed, shrinkSeed } =
  await import('@millrace/simulation')
const families = Object.keys(FAULT_FAMILIES) as (keyof typeof FAULT_FAMILIES)[]

async function failingSeed(): Promise<number> {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS_MAX; seed++) {
    if ((await runSeed(seed, { families })).violations.length > 0) return seed
  }
  throw new Error(`None of ${SEEDS_MAX} seeds finds ${PLANT}.`)
}

/** `npm run simulate -- --plan FILE`, as a person types it. */
function simulatePlan(path: string) {
  const main = new URL('./main.ts', import.meta.url).pathname
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, '--plan', path], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  return { status, stdout, stderr }
}

describe('shrinking', { timeout: 300_000 }, () => {
  it('leaves a smaller run that fails with the same checker, also from its file', async () => {
    const seed = await failingSeed()
    const whole = drawPlan(seed, families)
    const lines: string[] = []
    const shrunk = await shrinkSeed(seed, {
      families,
      triesMax: TRIES,
      onProgress: (line) => lines.push(line),
    })
    const [checker = ''] = shrunk.checkers
    assert.ok(lines[0]?.includes(checker), lines[0])
    assert.equal(lines.length - 1, shrunk.tries)
    for (const line of lines.slice(1)) {
      assert.match(
        line,
        /try \d+: .+ \(\d+ faults, .* \d+ rows, \d+ operators .*\): (right|.*fail)/,
      )
    }
    const { plan } = shrunk
    const size = ({ faults, workload }: typeof plan) => faults.length + rowCount(workload)
    assert.ok(plan.faults.length <= whole.faults.length)
    assert.ok(size(plan) < size(whole), lines.join('\n'))

    const path = join(directory, `seed-${seed}.json`)
    const outcome = { checkers: shrunk.checkers, digest: shrunk.outcome.digest }
    writeFileSync(path, encodePlanFile({ plan, plant: PLANT, commit: '', outcome }))
    assert.deepEqual(decodePlanFile(readFileSync(path, 'utf8'), path).plan, plan)
    const { status, stdout } = simulatePlan(path)
    assert.equal(status, 1)
    assert.match(stdout, new RegExp(`^  ${checker}: `, 'm'))
    assert.match(stdout, new RegExp(`log ${outcome.digest}\\n`))
    assert.match(stdout, /the same log as when the plan was written/)
    assert.ok(stdout.includes(`repeat it: npm run simulate -- --plan ${path}\n`))

    writeFileSync(path, readFileSync(path, 'utf8').replace('"seed"', '"sead"'))
    const damaged = simulatePlan(path)
    assert.equal(damaged.status, 2)
    assert.match(damaged.stderr, /^\[SIMULATE_PLAN_INVALID\] .*checksum/)
    assert.ok(damaged.stderr.includes(path))
    assert.match(damaged.stderr, /hint: .*--shrink/)
  })

  it('of a file that is not there says so, and what to do', () => {
    const { status, stderr } = simulatePlan(join(directory, 'none.json'))
    assert.equal(status, 2)
    assert.match(stderr, /^\[SIMULATE_PLAN_INVALID\] Name a plan file/)
    assert.match(stderr, /none\.json[\s\S]*ENOENT[\s\S]*hint: /)
  })
})
