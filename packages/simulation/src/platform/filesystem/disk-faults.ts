/**
 * Faults of a simulated disk: how likely each is, how often it happened, and how many there may be.
 *
 * Drawn from a stream of their own, so that a knob that is turned does not shift latencies. Each one that strikes
 * is a line of the run's log.
 */
import type { SeededRandom } from '../../world/seeded-random.ts'
import type { SimulatedProcess } from '../../world/simulated-process.ts'

/** Probabilities, each of one operation that it can strike. */
export interface DiskFaultRates {
  /** EIO from a read. */
  readonly readError: number
  /** One bit of what a read returns is wrong; the next read of the same bytes is right. */
  readonly corruptedRead: number
  /** A read gives fewer bytes than there are, as it may. */
  readonly shortRead: number
  /** EIO from an append or a change of names, after part of it or all of it was done, or nothing. */
  readonly writeError: number
  /** EIO from a sync; later syncs succeed without writing what this one should have. */
  readonly syncError: number
  readonly slowOperation: number
  readonly slowSync: number
}

export type DiskFaultClass =
  | keyof DiskFaultRates
  | 'diskFull'
  | 'accessDenied'
  | 'unreachable'
  | 'tornInFlight'
  | 'crash'
  | 'crashLostNames'
  | 'crashTornFiles'

export const NO_DISK_FAULTS: DiskFaultRates = {
  readError: 0,
  corruptedRead: 0,
  shortRead: 0,
  writeError: 0,
  syncError: 0,
  slowOperation: 0,
  slowSync: 0,
}

/** What strikes when the world says so is not bounded; what strikes by chance is. */
const FAULTS_BY_CHANCE_MAX = 200

export class DiskFaults {
  rates: DiskFaultRates = NO_DISK_FAULTS
  /** How many faults by chance there may still be. */
  remaining = FAULTS_BY_CHANCE_MAX
  readonly counts = new Map<DiskFaultClass, number>()
  readonly random: SeededRandom

  constructor(random: SeededRandom) {
    this.random = random
  }

  /** Whether the fault strikes this operation. */
  strikes(kind: keyof DiskFaultRates, process: SimulatedProcess, path: string): boolean {
    const rate = this.rates[kind]
    if (rate <= 0 || this.remaining <= 0 || !this.random.chance(rate)) return false
    this.remaining--
    this.record(kind, process, path)
    return true
  }

  record(kind: DiskFaultClass, process: SimulatedProcess, about: string): void {
    this.count(kind)
    const { world } = process
    world.log.add(world.nowMs, process.name, `disk ${kind}`, about)
  }

  count(kind: DiskFaultClass, times = 1): void {
    if (times > 0) this.counts.set(kind, (this.counts.get(kind) ?? 0) + times)
  }
}
