/**
 * The order of events and the independence of random streams: what the sameness of runs stands on.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EventQueue } from './event-queue.ts'
import { SeededRandom } from './seeded-random.ts'
import { SimulatedWorld } from './simulated-world.ts'

test('events come by time, those of the same time as they were planned, cancelled ones never', () => {
  const random = new SeededRandom('queue')
  const queue = new EventQueue()
  const planned = Array.from({ length: 500 }, () => queue.add(random.between(0, 40), () => {}))
  for (const event of planned) if (random.chance(0.2)) event.action = null
  const expected = planned
    .filter(({ action }) => action !== null)
    .sort((a, b) => a.atMs - b.atMs || a.sequence - b.sequence)
  const seen = []
  for (let event = queue.pop(); event !== undefined; event = queue.pop()) seen.push(event)
  assert.deepEqual(seen, expected)
})

test('a split stream depends on its name alone, not on what others have drawn', () => {
  const one = new SeededRandom('seed 1')
  const other = new SeededRandom('seed 1')
  for (let i = 0; i < 100; i++) other.next()
  other.split('b').next()
  const draws = (random: SeededRandom) => Array.from({ length: 20 }, () => random.uint32())
  const first = draws(one.split('a'))
  assert.deepEqual(draws(other.split('a')), first)
  assert.notDeepEqual(draws(other.split('b')), first)
  assert.notDeepEqual(draws(new SeededRandom('seed 2').split('a')), first)
})

test('a paused process catches up in order when it is resumed, a killed one never runs again', async () => {
  const world = new SimulatedWorld(1)
  const [paused, killed] = [world.process('a', 'a'), world.process('b', 'b')]
  const seen: string[] = []
  for (const [process, name] of [
    [paused, 'a'],
    [killed, 'b'],
  ] as const) {
    for (const ms of [1, 2, 3]) process.after(ms, () => void seen.push(`${name}${ms}`))
  }
  world.after(1.5, () => paused.pause())
  world.after(1.5, () => killed.kill())
  await world.run(10, () => false)
  assert.deepEqual(seen, ['a1', 'b1'])
  paused.resume()
  await world.run(20, () => false)
  assert.deepEqual(seen, ['a1', 'b1', 'a2', 'a3'])
})
