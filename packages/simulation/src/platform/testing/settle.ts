/** Runs a world until a promise has settled, for tests of simulated parts. */
import assert from 'node:assert/strict'
import type { SimulatedWorld } from '../../world/simulated-world.ts'

const DEADLINE_MS = 10_000_000

/** The promise's value, or its error; fails when the world comes to rest before. */
export async function settle<T>(world: SimulatedWorld, promise: Promise<T>): Promise<T> {
  let isSettled = false
  const mark = (): void => {
    isSettled = true
  }
  promise.then(mark, mark)
  // What needs no event of the world settles meanwhile.
  await new Promise((resolve) => setImmediate(resolve))
  await world.run(world.nowMs + DEADLINE_MS, () => isSettled)
  assert.ok(isSettled, 'the promise never settled')
  return promise
}

/** Runs until `atMs`. */
export async function runUntil(world: SimulatedWorld, atMs: number): Promise<void> {
  // Time passes where nothing else is planned, too.
  world.after(atMs - world.nowMs, () => {})
  await world.run(atMs, () => false)
}
