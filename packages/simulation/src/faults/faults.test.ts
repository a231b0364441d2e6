/**
 * Faults are a function of the seed, stay within their families and phase, strike when due and
 * end when told to.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { SeededRandom } from '../world/seeded-random.ts'
import { SimulatedWorld } from '../world/simulated-world.ts'
import { drawFaults } from './draw-faults.ts'
import { FAULT_FAMILIES, type FaultClass, type PlannedFault } from './fault.ts'
import { FaultEngine } from './fault-engine.ts'

test('faults are the same for the same seed, of the families asked for, within the phase', () => {
  const draw = (seed: number) =>
    drawFaults(new SeededRandom(`faults ${seed}`), {
      families: ['kill', 'disk'],
      without: new Set<FaultClass>(['disk-full']),
      phaseMs: 5000,
      countMin: 2,
      countMax: 7,
    })
  const allowed: readonly FaultClass[] = [...FAULT_FAMILIES.kill, ...FAULT_FAMILIES.disk]
  for (let seed = 1; seed <= 200; seed++) {
    const faults = draw(seed)
    assert.deepEqual(draw(seed), faults)
    assert.ok(faults.length >= 2 && faults.length <= 7)
    for (const fault of faults) {
      assert.ok(allowed.includes(fault.class) && fault.class !== 'disk-full')
      if (fault.moment.kind === 'time') assert.ok(fault.moment.atMs <= 5000)
      else assert.ok(fault.moment.occurrence >= 1)
    }
  }
})

test('a run keeps its faults when another class becomes possible, unless it draws that one', () => {
  const draw = (seed: number, without: readonly FaultClass[]) =>
    drawFaults(new SeededRandom(`faults ${seed}`), {
      families: ['kill', 'disk', 'broker'],
      without: new Set(without),
      phaseMs: 5000,
      countMax: 20,
    })
  let kept = 0
  for (let seed = 1; seed <= 200; seed++) {
    const faults = draw(seed, [])
    if (faults.some((fault) => fault.class === 'request-unsure')) continue
    // Drawn, it may still have found no place among the faults.
    if (isDeepStrictEqual(draw(seed, ['request-unsure']), faults)) kept++
  }
  assert.ok(kept > 100, `${kept} of 200 runs are kept`)
})

test('the engine strikes at times and steps, ends faults after their durations, and all of them at the end', async () => {
  const world = new SimulatedWorld(1)
  const process = world.process('a', 'a')
  const seen: string[] = []
  const say = (text: string) => void seen.push(`${world.nowMs} ${text}`)
  const engine = new FaultEngine(
    world,
    new Map([
      [
        'taskmanager-kill',
        (fault, reached) => {
          if (fault.target > 0.9) return null
          say(`strike ${fault.id} ${reached?.name ?? '-'}`)
          return { about: 'it', end: () => say(`end ${fault.id}`) }
        },
      ],
    ]),
  )
  const fault = (id: number, moment: PlannedFault['moment'], durationMs: number, target = 0) =>
    ({ id, class: 'taskmanager-kill', moment, target, durationMs, amount: 0 }) as const
  engine.start([
    fault(0, { kind: 'time', atMs: 10 }, 5),
    fault(1, { kind: 'step', step: 'x', occurrence: 2 }, 1000),
    fault(2, { kind: 'time', atMs: 12 }, 5, 0.95),
    fault(3, { kind: 'time', atMs: 500 }, 5),
  ])
  for (const ms of [20, 30, 40]) world.after(ms, () => world.reach('x', process))
  await world.run(100, () => false)
  engine.endAll()
  await world.run(1000, () => false)
  assert.deepEqual(seen, ['10 strike 0 -', '15 end 0', '30 strike 1 a', '100 end 1'])
  assert.equal(engine.hits.get('taskmanager-kill'), 2)
  assert.equal(engine.active, 0)
})

test('a fault that lies in wait counts when it has met somebody, at its end', async () => {
  const world = new SimulatedWorld(1)
  const engine = new FaultEngine(
    world,
    new Map([
      [
        'request-refused',
        (fault) => ({ about: '', end: () => {}, hasStruck: () => fault.target > 0.5 }),
      ],
    ]),
  )
  const fault = (id: number, target: number, durationMs: number): PlannedFault => ({
    ...{ id, class: 'request-refused', moment: { kind: 'time', atMs: 1 }, amount: 0 },
    ...{ target, durationMs },
  })
  engine.start([fault(0, 0.2, 5), fault(1, 0.8, 5), fault(2, 0.9, 500)])
  await world.run(20, () => false)
  assert.equal(engine.hits.get('request-refused'), 1)
  engine.endAll()
  assert.equal(engine.hits.get('request-refused'), 2)
})
