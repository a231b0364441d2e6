/** When a job takes slots that have come. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { decideGrowthMs } from './decide-growth.ts'

const facts = {
  runningForMs: 100,
  possibleForMs: 0,
  isDesired: false,
  cooldownMs: 30,
  stabilizationMs: 60,
}

test('Not before the cooldown; then all that it may use at once, less once it has settled', () => {
  const table: [string, Partial<typeof facts>, number][] = [
    ['all of them', { isDesired: true }, 0],
    ['all of them in the cooldown', { isDesired: true, runningForMs: 10 }, 20],
    ['some', {}, 60],
    ['some for a while', { possibleForMs: 25 }, 35],
    ['some, settled', { possibleForMs: 60 }, 0],
    ['some, settled in the cooldown', { possibleForMs: 60, runningForMs: 29 }, 1],
  ]
  for (const [name, some, expected] of table) {
    assert.equal(decideGrowthMs({ ...facts, ...some }), expected, name)
  }
})
