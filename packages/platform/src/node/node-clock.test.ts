/** The machine’s clocks, timers and randomness: the contracts, and what only a machine has. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testClock, testRandom } from '../testing/clock-contract.ts'
import { nodeClock as clock } from './node-clock.ts'
import { nodeRandom } from './node-random.ts'

testClock('the machine', () => ({ clock }))
testRandom('the machine', () => nodeRandom)

test('a timer of years does not fire at once', async () => {
  const cancel = clock.setTimer(2 ** 31 + 5, () => assert.fail('too early'), { unref: true })
  await new Promise<void>((resolve) => clock.setImmediate(() => clock.setTimer(5, resolve)))
  cancel()
})

test('CPU time grows with work', () => {
  const before = clock.processCpuMicros()
  const started = clock.monotonicMs()
  while (clock.monotonicMs() - started < 20);
  assert.ok(clock.processCpuMicros() > before)
  assert.ok(Math.abs(clock.nowMs() - Date.now()) < 1000)
})
