/** The same seed gives the same log, byte for byte: twice in one process, and in another one. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { FAULT_FAMILIES, type FaultFamily } from './faults/fault.ts'
import { runPlan } from './run-seed.ts'
import { drawPlan } from './scenario/run-plan.ts'

const families = Object.keys(FAULT_FAMILIES) as FaultFamily[]
const SEEDS = Array.from({ length: 12 }, (_, n) => n + 1)

async function logHash(seed: number): Promise<string> {
  const hash = createHash('sha256')
  await runPlan(drawPlan(seed, families), (line) => void hash.update(`${line}\n`))
  return hash.digest('hex')
}

async function logHashes(): Promise<string> {
  const hashes: string[] = []
  for (const seed of SEEDS) hashes.push(await logHash(seed))
  return hashes.join('\n')
}

if (process.env.DETERMINISM_PRINT === 'yes') process.stdout.write(await logHashes())
else {
  test('a dozen seeds over different shapes give the same logs again, here and in another process', async () => {
    const jobManagers = SEEDS.map((seed) => drawPlan(seed, families).jobManagers)
    assert.ok(jobManagers.includes(1) && jobManagers.some((count) => count > 1))
    const first = await logHashes()
    assert.equal(new Set(first.split('\n')).size, SEEDS.length)
    assert.equal(await logHashes(), first)
    const { NODE_TEST_CONTEXT: _ours, ...env } = process.env
    const other = spawnSync(process.execPath, [import.meta.filename], {
      env: { ...env, DETERMINISM_PRINT: 'yes' },
      encoding: 'utf8',
    })
    assert.equal(other.stdout, first, other.stderr)
  })
}
