/** The machine’s clocks, timers and randomness. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeClock as clock } from './node-clock.ts'
import { nodeRandom } from './node-random.ts'

test('a timer fires once after its delay, a cancelled one never', async () => {
  const started = clock.monotonicMs()
  let fired = 0
  const cancel = clock.setTimer(5, () => assert.fail('cancelled'))
  cancel()
  await new Promise<void>((resolve) =>
    clock.setTimer(20, () => {
      fired++
      resolve()
    }),
  )
  assert.ok(clock.monotonicMs() - started >= 19)
  await new Promise<void>((resolve) => clock.setTimer(20, resolve))
  assert.equal(fired, 1)
})

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

test('random numbers are in [0, 1) and differ; bytes have the asked length', () => {
  const numbers = Array.from({ length: 1000 }, () => nodeRandom.next())
  assert.ok(numbers.every((number) => number >= 0 && number < 1))
  assert.equal(new Set(numbers).size, 1000)
  const mean = numbers.reduce((sum, number) => sum + number, 0) / 1000
  assert.ok(mean > 0.4 && mean < 0.6)
  assert.equal(nodeRandom.bytes(16).length, 16)
})
