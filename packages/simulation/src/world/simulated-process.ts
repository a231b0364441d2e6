/**
 * SimulatedProcess: a process (or a slot's thread, a process within one) that can be
 * killed and paused.
 *
 * Everything that reaches its code comes through `after` or `deliver`: a killed one is never run
 * again, a paused one catches up when it is resumed. Computing takes time: each reading of its
 * clock costs a little, and what arrives meanwhile waits.
 */
import type { EventLog } from './event-log.ts'
import type { Scheduler } from './scheduler.ts'

export interface ProcessWorld extends Scheduler {
  readonly log: EventLog
  /** Code of `process` is at a named step: faults may be planned for it. */
  reach(step: string, process: SimulatedProcess): void
}

/** What reading the clock costs: a busy loop makes progress in time. */
const CLOCK_READ_MS = 0.002

export class SimulatedProcess implements Scheduler {
  readonly name: string
  /** Machine that it runs on: network faults and disks belong to hosts. */
  readonly host: string
  readonly parent: SimulatedProcess | null
  readonly #world: ProcessWorld
  readonly #children = new Set<SimulatedProcess>()
  readonly #exitHandlers: (() => void)[] = []
  #alive = true
  #paused = false
  readonly #inbox: (() => void)[] = []
  /** Its code is busy until then. */
  #busyUntilMs = 0
  /** Local wall time minus true time. */
  wallSkewMs = 0
  #slowness = 1

  constructor(
    world: ProcessWorld,
    name: string,
    host: string,
    parent: SimulatedProcess | null = null,
  ) {
    this.#world = world
    this.name = name
    this.host = host
    this.parent = parent
    if (parent !== null) parent.#children.add(this)
  }

  get world(): ProcessWorld {
    return this.#world
  }

  get nowMs(): number {
    return Math.max(this.#world.nowMs, this.#busyUntilMs)
  }

  get alive(): boolean {
    return this.#alive
  }

  get paused(): boolean {
    return this.#paused || (this.parent?.paused ?? false)
  }

  /** The wall clock's skew of the process or, for a thread, of its process. */
  get skewMs(): number {
    return this.parent?.skewMs ?? this.wallSkewMs
  }

  /** How much slower than others it computes; a thread is as slow as its process. */
  get slowness(): number {
    return this.parent?.slowness ?? this.#slowness
  }

  set slowness(factor: number) {
    this.#slowness = factor
  }

  /** Time as its code reads it, which takes time. */
  readClock(): number {
    const nowMs = this.nowMs
    this.#busyUntilMs = nowMs + CLOCK_READ_MS * this.slowness
    return nowMs
  }

  after(delayMs: number, action: () => void): () => void {
    return this.#world.after(this.nowMs - this.#world.nowMs + Math.max(0, delayMs), () =>
      this.deliver(action),
    )
  }

  /**
   * Runs its code as soon as it is neither paused nor busy, in the order of the calls; never
   * when it is dead.
   */
  deliver(action: () => void): void {
    if (!this.#alive) return
    this.#inbox.push(action)
    if (this.#inbox.length === 1) this.#work()
  }

  /** One step, as an event of its own: its promises settle before the next. */
  #work(): void {
    const action = this.#inbox[0]
    if (!this.#alive || this.paused || action === undefined) return
    const busyMs = this.#busyUntilMs - this.#world.nowMs
    if (busyMs > CLOCK_READ_MS) {
      this.#world.after(busyMs, () => this.#work())
      return
    }
    action()
    this.#inbox.shift()
    if (this.#inbox.length > 0) this.#world.after(0, () => this.#work())
  }

  onExit(handler: () => void): void {
    this.#exitHandlers.push(handler)
  }

  /** Ends it and its threads, at once and without a word. */
  kill(): void {
    if (!this.#alive) return
    this.#alive = false
    this.#inbox.length = 0
    for (const child of this.#children) child.kill()
    if (this.parent !== null) this.parent.#children.delete(this)
    for (const handler of this.#exitHandlers.splice(0)) handler()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#catchUp()
  }

  #catchUp(): void {
    this.#world.after(0, () => this.#work())
    for (const child of this.#children) child.#catchUp()
  }

  /** Threads of the process that live. */
  get children(): readonly SimulatedProcess[] {
    return [...this.#children]
  }
}
