/**
 * FaultEngine: lets a run's faults happen at their moments, ends them after their durations, and
 * counts them by class.
 *
 * A fault that finds no target (nobody to kill, no request to fail) does not happen and does
 * not count. `endAll` is the end of the phase with faults: everything is healed, and no later
 * moment counts.
 */
import type { SimulatedProcess } from '../world/simulated-process.ts'
import type { SimulatedWorld } from '../world/simulated-world.ts'
import type { FaultClass, PlannedFault } from './fault.ts'

/** Ends a fault; describes what it struck. */
export interface AppliedFault {
  readonly about: string
  end(): void
  /**
   * Absent: it struck at once. Else whether it has struck: a fault that lies in wait may
   * never meet anyone.
   */
  hasStruck?(): boolean
}

/** Does one fault; null: there was no target. `reached`: the process at whose step it was due. */
export type ApplyFault = (
  fault: PlannedFault,
  reached: SimulatedProcess | null,
) => AppliedFault | null

export class FaultEngine {
  readonly #world: SimulatedWorld
  readonly #apply: ReadonlyMap<FaultClass, ApplyFault>
  readonly #atStep = new Map<string, PlannedFault[]>()
  readonly #active = new Map<PlannedFault, AppliedFault>()
  readonly #cancels: (() => void)[] = []
  readonly hits = new Map<FaultClass, number>()
  /** What struck, in order, for people. */
  readonly struck: string[] = []
  #over = false

  constructor(world: SimulatedWorld, apply: ReadonlyMap<FaultClass, ApplyFault>) {
    this.#world = world
    this.#apply = apply
  }

  start(faults: readonly PlannedFault[]): void {
    this.add(faults)
    this.#world.onStep((step, occurrence, process) => {
      if (this.#over || this.#atStep.size === 0) return
      for (const fault of this.#atStep.get(`${step} ${occurrence}`) ?? []) {
        // After the event under way: code runs to its end before its process can be struck.
        this.#cancels.push(this.#world.after(0, () => this.#strike(fault, process)))
      }
    })
  }

  /** Their times and steps count from now. */
  add(faults: readonly PlannedFault[]): void {
    if (this.#over) return
    for (const fault of faults) {
      const { moment } = fault
      if (moment.kind === 'time') {
        this.#cancels.push(this.#world.after(moment.atMs, () => this.#strike(fault, null)))
        continue
      }
      const key = `${moment.step} ${(this.#world.steps.get(moment.step) ?? 0) + moment.occurrence}`
      this.#atStep.set(key, [...(this.#atStep.get(key) ?? []), fault])
    }
  }

  get active(): number {
    return this.#active.size
  }

  #strike(fault: PlannedFault, reached: SimulatedProcess | null): void {
    if (this.#over) return
    const applied = this.#apply.get(fault.class)?.(fault, reached) ?? null
    if (applied === null) return
    if (applied.hasStruck === undefined) this.#count(fault)
    const { nowMs } = this.#world
    this.struck.push(`${nowMs.toFixed(0)} ms ${fault.class} ${applied.about}`)
    this.#world.log.add(nowMs, 'faults', fault.class, `#${fault.id} ${applied.about}`)
    this.#active.set(fault, applied)
    this.#cancels.push(this.#world.after(fault.durationMs, () => this.#end(fault)))
  }

  #end(fault: PlannedFault): void {
    const applied = this.#active.get(fault)
    if (applied === undefined) return
    this.#active.delete(fault)
    this.#world.log.add(this.#world.nowMs, 'faults', 'over', `#${fault.id} ${fault.class}`)
    if (applied.hasStruck?.() === true) this.#count(fault)
    applied.end()
  }

  #count(fault: PlannedFault): void {
    this.hits.set(fault.class, (this.hits.get(fault.class) ?? 0) + 1)
  }

  endAll(): void {
    this.#over = true
    for (const cancel of this.#cancels.splice(0)) cancel()
    for (const fault of [...this.#active.keys()]) this.#end(fault)
  }
}
