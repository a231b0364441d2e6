/** Tables for restart strategies and failover decisions. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { Configuration, type ErrorData } from '@millrace/core'
import { decideFailover } from './decide-failover.ts'
import {
  decideRestart,
  NO_RESTARTS,
  type RestartHistory,
  type RestartSettings,
  restartSettingsOf,
} from './restart-strategy.ts'

/** Delays of restarts after failures at these times; the reason where there is none. */
function play(settings: RestartSettings, failuresMs: readonly number[], random = 0.5) {
  let history: RestartHistory = NO_RESTARTS
  return failuresMs.map((nowMs) => {
    const decision = decideRestart(settings, history, nowMs, random)
    if (!decision.restart) return decision.reason
    history = decision.history
    return decision.delayMs
  })
}

const settingsOf = (options: Record<string, string>, checkpointing = true) =>
  restartSettingsOf(new Configuration(options), checkpointing)

test('The default is exponential-delay with checkpoints and none without', () => {
  assert.equal(settingsOf({}).kind, 'exponential-delay')
  assert.equal(settingsOf({}, false).kind, 'none')
  assert.equal(settingsOf({ 'restart-strategy': 'off' }).kind, 'none')
})

test('Restart strategies: delays by failures', () => {
  const fixed = settingsOf({
    'restart-strategy.type': 'fixed-delay',
    'restart-strategy.fixed-delay.attempts': '2',
  })
  const rate = settingsOf({
    'restart-strategy.type': 'failure-rate',
    'restart-strategy.failure-rate.max-failures-per-interval': '2',
  })
  const exponential = settingsOf({})
  const table: [RestartSettings, number[], (number | string)[]][] = [
    [{ kind: 'none' }, [0], ['restart-strategy.type is none']],
    [fixed, [0, 1, 2], [1000, 1000, 'all 2 restarts of fixed-delay are used up']],
    [rate, [0, 10, 20], [1000, 1000, "3 failures within 60 s exceed failure-rate's 2"]],
    [rate, [0, 30_000, 60_000, 90_000], [1000, 1000, 1000, 1000]],
    [exponential, [0, 1, 2, 3], [1000, 1500, 2250, 3375]],
    [exponential, [0, 5000, 3_700_000], [1000, 1500, 1000]],
  ]
  for (const [settings, failures, expected] of table) {
    assert.deepEqual(play(settings, failures), expected)
  }
  assert.deepEqual(play(exponential, Array(14).fill(0)).at(-1), 60_000)
  assert.deepEqual(play(exponential, [0], 0), [900])
})

test('What a failure leads to', () => {
  const regions = new Map([
    ['a', ['a', 'b']],
    ['b', ['a', 'b']],
    ['c', ['c']],
  ])
  const error = (retry: 'never' | 'backoff', cause?: ErrorData): ErrorData => ({
    brand: 'millrace-error',
    code: 'X',
    message: 'x',
    domain: 'external',
    retry,
    ...(cause === undefined ? {} : { cause }),
  })
  const decide = (failure: ErrorData, failedVertices: string[], strategy: 'region' | 'full') => {
    const decision = decideFailover({
      error: failure,
      failedVertices,
      regions,
      strategy,
      settings: settingsOf({}),
      history: NO_RESTARTS,
      nowMs: 0,
      random: 0.5,
    })
    return decision.kind === 'fail' ? 'fail' : [...decision.vertices].sort().join('')
  }
  assert.equal(decide(error('backoff'), ['a'], 'region'), 'ab')
  assert.equal(decide(error('backoff'), ['c'], 'region'), 'c')
  assert.equal(decide(error('backoff'), ['b', 'c'], 'region'), 'abc')
  assert.equal(decide(error('backoff'), ['c'], 'full'), 'abc')
  assert.equal(decide(error('backoff'), [], 'region'), 'abc')
  assert.equal(decide(error('never'), ['a'], 'region'), 'fail')
  assert.equal(decide(error('backoff', error('never')), ['a'], 'region'), 'fail')
})
