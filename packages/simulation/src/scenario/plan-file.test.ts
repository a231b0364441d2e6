/** Plans as files: back to the very plan, whatever was drawn, and never from a damaged one. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FAULT_FAMILIES, type FaultFamily } from '../faults/fault.ts'
import { decodePlanFile, encodePlanFile, type PlanFile } from './plan-file.ts'
import { drawPlan } from './run-plan.ts'

const FAMILIES = Object.keys(FAULT_FAMILIES) as FaultFamily[]

function planFile(seed: number): PlanFile {
  const outcome = { checkers: ['exactly-once-output'], digest: '0123456789abcdef' }
  return { plan: drawPlan(seed, FAMILIES), plant: 'skip-alignment', commit: 'abc', outcome }
}

const hasCode = (message: RegExp) => ({
  code: 'SIMULATE_PLAN_INVALID',
  message,
  location: { file: 'seed-1.json' },
  hint: /--seed N --shrink/,
})

describe('a plan file', () => {
  it('gives back the very plan that was written, for every kind of job', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const written = planFile(seed)
      assert.deepEqual(decodePlanFile(encodePlanFile(written), 'x'), written)
    }
  })

  it('keeps what JSON has no words for', () => {
    const settings = { big: 2n ** 62n, small: -0, all: Infinity, none: Number.NaN }
    const written = { ...planFile(1), plan: { ...planFile(1).plan, ...settings } }
    assert.deepEqual(decodePlanFile(encodePlanFile(written), 'x'), written)
  })

  it('is refused when any of it was changed, cut off or is something else', () => {
    const text = encodePlanFile(planFile(1))
    const damaged: [string, RegExp][] = [
      ['', /no JSON/],
      [text.slice(0, text.length / 2), /no JSON/],
      ['null', /format .* it has none/],
      ['{"jobs": 3}', /format .* it has none/],
      [text.replace('plan/5"', 'plan/0"'), /it is "millrace-simulation-plan\/0"/],
      [
        text.replace('"commit": "abc"', '"commit": "abd"'),
        /checksum is [0-9a-f]{8}, not "[0-9a-f]/,
      ],
      [text.replace('"seed": 1', '"seed": 2'), /checksum/],
      [text.replace(/"crc32": "\w+",/, ''), /checksum is [0-9a-f]{8}, not undefined/],
    ]
    for (const [each, message] of damaged) {
      assert.notEqual(each, text)
      assert.throws(() => decodePlanFile(each, 'seed-1.json'), hasCode(message), each.slice(0, 80))
    }
  })
})
