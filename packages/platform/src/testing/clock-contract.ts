/**
 * What every `Clock` and every `Random` must do: the machine's, the simulated ones.
 *
 *     testClock('the machine', () => ({ clock }))
 *     testRandom('the machine', () => nodeRandom)
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Clock, Random } from '../platform.ts'

export interface ClockFixture {
  readonly clock: Clock
  /** Lets the clock's time pass until `work` is settled; absent: it passes by itself. */
  drive?<T>(work: Promise<T>): Promise<T>
}

/** Timers may count in whole milliseconds. */
const TOLERANCE_MS = 1

export function testClock(name: string, make: () => ClockFixture): void {
  describe(`the clock of ${name}`, () => {
    const setUp = () => {
      const { clock, drive } = make()
      const wait = (arm: (done: () => void) => void): Promise<void> => {
        const work = new Promise<void>((resolve) => arm(resolve))
        return drive?.(work) ?? work
      }
      return { clock, wait }
    }

    test('timers fire once each, by their time, then in the order in which they were set', async () => {
      const { clock, wait } = setUp()
      const fired: string[] = []
      const startedMs = clock.monotonicMs()
      const at = new Map<string, number>()
      await wait((done) => {
        const set = (label: string, delayMs: number) =>
          clock.setTimer(delayMs, () => {
            fired.push(label)
            at.set(label, clock.monotonicMs() - startedMs)
            if (label === 'last') done()
          })
        set('third', 30)
        set('first', 5)
        set('second', 5)
        set('last', 60)
      })
      assert.deepEqual(fired, ['first', 'second', 'third', 'last'])
      for (const [label, delayMs] of [['first', 5] as const, ['third', 30] as const]) {
        assert.ok((at.get(label) as number) >= delayMs - TOLERANCE_MS, `${label}: ${at.get(label)}`)
      }
    })

    test('a cancelled timer never fires; cancelling again, or too late, does no harm', async () => {
      const { clock, wait } = setUp()
      let cancelled = 0
      const cancel = clock.setTimer(5, () => cancelled++)
      cancel()
      cancel()
      let cancelFired = () => {}
      await wait((done) => {
        cancelFired = clock.setTimer(10, () => {
          cancelFired()
          clock.setTimer(10, done)
        })
      })
      cancelFired()
      assert.equal(cancelled, 0)
    })

    test('immediate actions come later, in order, and before time has gone far', async () => {
      const { clock, wait } = setUp()
      const ran: number[] = []
      let isLater = false
      await wait((done) => {
        for (let i = 0; i < 3; i++) {
          clock.setImmediate(() => {
            assert.ok(isLater)
            ran.push(i)
            if (i === 2) done()
          })
        }
        isLater = true
      })
      assert.deepEqual(ran, [0, 1, 2])
    })

    test('monotonic time and CPU time never go back; wall time is an epoch time', async () => {
      const { clock, wait } = setUp()
      let [monotonicMs, cpuMicros] = [clock.monotonicMs(), clock.processCpuMicros()]
      for (let i = 0; i < 5; i++) {
        await wait((done) => {
          clock.setTimer(2, done)
        })
        const [laterMs, laterMicros] = [clock.monotonicMs(), clock.processCpuMicros()]
        assert.ok(laterMs >= monotonicMs + 2 - TOLERANCE_MS)
        assert.ok(laterMicros >= cpuMicros)
        monotonicMs = laterMs
        cpuMicros = laterMicros
      }
      assert.ok(clock.nowMs() > Date.UTC(2020, 0, 1))
    })
  })
}

export function testRandom(name: string, make: () => Random): void {
  describe(`the randomness of ${name}`, () => {
    test('numbers are spread evenly over [0, 1) and differ', () => {
      const random = make()
      const numbers = Array.from({ length: 1000 }, () => random.next())
      assert.ok(numbers.every((number) => number >= 0 && number < 1))
      assert.equal(new Set(numbers).size, 1000)
      const mean = numbers.reduce((sum, number) => sum + number, 0) / 1000
      assert.ok(mean > 0.4 && mean < 0.6, `${mean}`)
    })

    test('bytes are as many as asked for, differ, and belong to the caller', () => {
      const random = make()
      for (const length of [0, 1, 7, 16, 1000]) assert.equal(random.bytes(length).length, length)
      const [a, b] = [random.bytes(16), random.bytes(16)]
      assert.notDeepEqual(a, b)
      const before = b.slice()
      a.fill(0)
      random.bytes(16).fill(0)
      assert.deepEqual(b, before)
    })
  })
}
