/**
 * SimulatedWorld: one thread, one clock, one seed.
 *
 * Takes the next planned event, moves time to it, runs it, and lets every promise that it settled
 * run to its end before the next. Nothing in it waits for anything real.
 */
import { EventLog } from './event-log.ts'
import { EventQueue } from './event-queue.ts'
import { runUntilQuiet } from './run-until-quiet.ts'
import { SeededRandom } from './seeded-random.ts'
import { type ProcessWorld, SimulatedProcess } from './simulated-process.ts'

export type RunEnd =
  /** `until` became true. */
  | 'reached'
  /** Simulated time is over. */
  | 'out-of-time'
  /** Nothing will ever happen again. */
  | 'nothing-planned'

export class SimulatedWorld implements ProcessWorld {
  readonly seed: number
  readonly random: SeededRandom
  readonly log = new EventLog()
  readonly #queue = new EventQueue()
  #nowMs = 0
  readonly #steps = new Map<string, number>()
  #stepListener: ((step: string, occurrence: number, process: SimulatedProcess) => void) | null =
    null
  /** Events run so far. */
  events = 0

  constructor(seed: number) {
    this.seed = seed
    this.random = new SeededRandom(`millrace ${seed}`)
  }

  get nowMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, action: () => void): () => void {
    const event = this.#queue.add(this.#nowMs + Math.max(0, delayMs), action)
    return () => {
      event.action = null
    }
  }

  reach(step: string, process: SimulatedProcess): void {
    const occurrence = (this.#steps.get(step) ?? 0) + 1
    this.#steps.set(step, occurrence)
    this.#stepListener?.(step, occurrence, process)
  }

  /**
   * `occurrence` counts from 1 in this run. What it does to the process takes effect after the
   * event under way.
   */
  onStep(listener: (step: string, occurrence: number, process: SimulatedProcess) => void): void {
    this.#stepListener = listener
  }

  /** How often each step was reached. */
  get steps(): ReadonlyMap<string, number> {
    return this.#steps
  }

  process(name: string, host: string, parent: SimulatedProcess | null = null): SimulatedProcess {
    return new SimulatedProcess(this, name, host, parent)
  }

  /**
   * Runs until `until()` is true after some event, or `deadlineMs` of simulated time. An event's
   * exception ends the run.
   */
  run(deadlineMs: number, until: () => boolean): Promise<RunEnd> {
    return runUntilQuiet(() => {
      if (until()) return 'reached'
      const next = this.#queue.peek()
      if (next === undefined) return 'nothing-planned'
      if (next.atMs > deadlineMs) {
        this.#nowMs = Math.max(this.#nowMs, deadlineMs)
        return 'out-of-time'
      }
      this.#queue.pop()
      this.#nowMs = next.atMs
      this.events++
      next.action?.()
      return null
    })
  }
}
