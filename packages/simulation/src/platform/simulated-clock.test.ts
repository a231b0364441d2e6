/** The simulated clock and the simulated randomness are a clock and randomness. */
import { testClock, testRandom } from '@millrace/platform/clock-contract'
import { SeededRandom } from '../world/seeded-random.ts'
import { SimulatedWorld } from '../world/simulated-world.ts'
import { simulatedClock } from './simulated-clock.ts'
import { settle } from './testing/settle.ts'

testClock('a simulated process', () => {
  const world = new SimulatedWorld(7)
  return {
    clock: simulatedClock(world.process('p', 'host-1')),
    drive: (work) => settle(world, work),
  }
})
testRandom('a seed', () => new SeededRandom('contract'))
