/** When a job that follows its slots begins a round. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { decideStart, type StartFacts } from './decide-start.ts'

const facts: StartFacts = {
  available: 2,
  freeing: 0,
  desired: 4,
  least: 2,
  waitedMs: 0,
  sufficientForMs: 0,
  stabilizationMs: 10,
  waitMs: 100,
  atOnce: false,
}
const begin = { kind: 'begin' } as const
const wait = (forMs: number | null) => ({ kind: 'wait', forMs }) as const

test('With all slots it begins at once, with enough once they have settled, with too few never', () => {
  const table: [string, Partial<StartFacts>, ReturnType<typeof decideStart>][] = [
    ['all', { available: 4 }, begin],
    ['more than all', { available: 9, freeing: 2 }, begin],
    ['enough', {}, wait(10)],
    ['enough for a while', { sufficientForMs: 4 }, wait(6)],
    ['settled', { sufficientForMs: 10 }, begin],
    ['decided before', { atOnce: true }, begin],
    ['the wait ends first', { waitedMs: 95 }, wait(5)],
    ['nobody waits any longer', { waitedMs: 100, freeing: 1 }, begin],
    ['slots on their way', { sufficientForMs: 10, freeing: 1 }, wait(100)],
    ['too few', { available: 1, sufficientForMs: 50 }, wait(100)],
    ['too few, decided before', { available: 1, atOnce: true }, wait(100)],
    ['too few for too long', { available: 1, waitedMs: 100 }, { kind: 'fail' }],
    ['too few, without end', { available: 1, waitMs: null, waitedMs: 1e9 }, wait(null)],
    ['enough, without end', { waitMs: null }, wait(10)],
  ]
  for (const [name, some, expected] of table) {
    assert.deepEqual(decideStart({ ...facts, ...some }), expected, name)
  }
})
