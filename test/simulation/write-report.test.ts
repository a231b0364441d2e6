/** What RELIABILITY.md says of seeds that were wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SeedOutcome } from '@millrace/simulation'
import { wrongSeeds } from './write-report.ts'

const outcome = (seed: number, ...messages: readonly string[]): SeedOutcome => ({
  ...{ seed, digest: '', events: 0, simulatedMs: 0, hits: {}, checks: {}, shape: [], faults: [] },
  violations: messages.map((message) => ({ checker: 'output', message, details: ['a'] })),
})

test('each wrong seed is in the report, in order, with what every checker saw', () => {
  const lines = wrongSeeds([outcome(9, 'a | b\nc'), outcome(4, 'one', 'two')])
  assert.deepEqual(lines.slice(6), [
    '| 4 | output | one |',
    '| 4 | output | two |',
    '| 9 | output | a \\| b c |',
    '',
  ])
})

test('without a wrong seed there is no section about them', () => {
  assert.deepEqual(wrongSeeds([]), [])
})
