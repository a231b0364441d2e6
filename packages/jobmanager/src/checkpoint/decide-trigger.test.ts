/** Tables for the trigger decision and the statistics. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { decideFirstTrigger, decideTrigger, type TriggerFacts } from './decide-trigger.ts'
import { SummaryStatistics } from './summary-statistics.ts'

const idle: TriggerFacts = {
  nowMs: 100,
  running: true,
  pending: 0,
  maxConcurrent: 1,
  firstDueMs: 100,
  lastTriggerMs: null,
  lastEndMs: null,
  intervalMs: 100,
  minPauseMs: 0,
  finalWanted: false,
  soon: false,
  demanded: false,
  notStartedMs: null,
}

test('When a checkpoint is triggered', () => {
  const table: [Partial<TriggerFacts>, string][] = [
    [{}, 'trigger'],
    [{ nowMs: 99 }, 'postpone 100'],
    [{ running: false }, 'not-running'],
    [{ pending: 1 }, 'too-many-pending'],
    [{ pending: 1, maxConcurrent: 2, lastTriggerMs: 50 }, 'postpone 150'],
    [{ lastTriggerMs: 0, lastEndMs: 60, minPauseMs: 50 }, 'postpone 110'],
    [{ nowMs: 110, lastTriggerMs: 0, lastEndMs: 60, minPauseMs: 50 }, 'trigger'],
    [{ nowMs: 1, demanded: true, lastEndMs: 0, minPauseMs: 50 }, 'trigger'],
    [{ nowMs: 1, demanded: true, pending: 1 }, 'too-many-pending'],
    [{ nowMs: 1, demanded: true, running: false }, 'not-running'],
    [{ nowMs: 1, finalWanted: true }, 'trigger'],
    [{ nowMs: 1, finalWanted: true, pending: 1, maxConcurrent: 5 }, 'too-many-pending'],
    [{ finalWanted: true, running: false }, 'not-running'],
    [{ finalWanted: true, notStartedMs: 90 }, 'postpone 590'],
    [{ nowMs: 590, finalWanted: true, notStartedMs: 90 }, 'trigger'],
    [{ notStartedMs: 90 }, 'trigger'],
  ]
  for (const [facts, expected] of table) {
    const decision = decideTrigger({ ...idle, ...facts })
    const shown =
      decision.kind === 'postpone'
        ? `postpone ${decision.untilMs}`
        : decision.kind === 'reject'
          ? decision.reason
          : decision.kind
    assert.equal(shown, expected, JSON.stringify(facts))
  }
})

test('After a restart the first checkpoint comes when it was due, once tasks have run a little', () => {
  const facts = { nowMs: 5000, intervalMs: 1000, resumed: true, lastTriggerMs: null }
  assert.equal(decideFirstTrigger({ ...facts, resumed: false }), 6000)
  assert.equal(decideFirstTrigger(facts), 5300, 'taken over: overdue, as far as anybody knows')
  assert.equal(decideFirstTrigger({ ...facts, lastTriggerMs: 3000 }), 5300, 'overdue')
  assert.equal(decideFirstTrigger({ ...facts, lastTriggerMs: 4800 }), 5800, 'not yet due')
  assert.equal(decideFirstTrigger({ ...facts, intervalMs: 200 }), 5200, 'never after an interval')
})

test('Statistics interpolate between values and are zero when empty', () => {
  const statistics = new SummaryStatistics()
  assert.equal(statistics.summary().p99, 0)
  for (let value = 1; value <= 101; value++) statistics.add(value)
  const { min, max, avg, p50, p95 } = statistics.summary()
  assert.deepEqual([min, max, avg, p50, p95], [1, 101, 51, 51, 96])
})
