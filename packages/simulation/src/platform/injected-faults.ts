/**
 * Faults of a simulated part: how likely each is, how often it happened, and how many there may be.
 *
 * Drawn from a stream of their own, so that a knob that is turned does not shift what else is
 * drawn. Each one that strikes is a line of the run's log.
 */
import type { SeededRandom } from '../world/seeded-random.ts'
import type { SimulatedProcess } from '../world/simulated-process.ts'

/** What strikes when the world says so is not bounded; what strikes by chance is. */
const FAULTS_BY_CHANCE_MAX = 200

export class InjectedFaults<Chance extends string, Caused extends string> {
  /** Probabilities, each of one operation that it can strike. */
  rates: Readonly<Record<Chance, number>>
  /** How many faults by chance there may still be. */
  remaining = FAULTS_BY_CHANCE_MAX
  /** How many of a kind there may still be; no limit where it is absent. */
  readonly limits = new Map<Chance, number>()
  readonly counts = new Map<Chance | Caused, number>()
  /** When a kind last struck. */
  readonly lastMs = new Map<Chance | Caused, number>()
  readonly random: SeededRandom
  /** What the log calls the part. */
  readonly #part: string

  constructor(part: string, rates: Readonly<Record<Chance, number>>, random: SeededRandom) {
    this.#part = part
    this.rates = rates
    this.random = random
  }

  /** Whether the fault strikes this operation. */
  strikes(kind: Chance, process: SimulatedProcess, about: string): boolean {
    const rate = this.rates[kind]
    if (rate <= 0 || this.remaining <= 0 || !this.random.chance(rate)) return false
    const limit = this.limits.get(kind)
    if (limit !== undefined && limit <= 0) return false
    if (limit !== undefined) this.limits.set(kind, limit - 1)
    this.remaining--
    this.record(kind, process, about)
    return true
  }

  record(kind: Chance | Caused, process: SimulatedProcess, about: string): void {
    this.count(kind)
    const { world } = process
    this.lastMs.set(kind, world.nowMs)
    world.log.add(world.nowMs, process.name, `${this.#part} ${kind}`, about)
  }

  count(kind: Chance | Caused, times = 1): void {
    if (times > 0) this.counts.set(kind, (this.counts.get(kind) ?? 0) + times)
  }
}
