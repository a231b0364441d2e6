/**
 * SlotExecutor: deals the slot's thread out to its subtasks, a step at a time, and lets the event
 * loop breathe.
 *
 * Above every subtask of a slot. A turn runs runnable subtasks round robin for a few milliseconds,
 * then gives sockets and messages their turn; when nothing is runnable it sleeps until one is
 * woken. Invariant: a subtask that is awake is in the queue exactly once.
 *
 * Measured: see `slot-executor.bench.ts` for the cost of a step.
 */
import type { Clock } from '@millrace/platform'

/** What a subtask did in a step. */
export type StepResult =
  /** There may be more to do. */
  | 'worked'
  /** Nothing to do until `wake`. */
  | 'waiting'

export interface ExecutableTask {
  /** Set and cleared by the executor. */
  queued: boolean
  /** One unit of work. `nowMs` is monotonic. Never throws. */
  step(nowMs: number): StepResult
}

export type StepObserver = (task: ExecutableTask, fromMs: number, toMs: number) => void

export class SlotExecutor {
  readonly #clock: Clock
  readonly #turnMs: number
  #queue: ExecutableTask[] = []
  #next: ExecutableTask[] = []
  #scheduled = false
  readonly #turn = (): void => this.#runTurn()
  #observer: StepObserver | null = null
  #idleMs = 0
  #sleepingSinceMs: number

  constructor(clock: Clock, turnMs: number) {
    this.#clock = clock
    this.#turnMs = turnMs
    this.#sleepingSinceMs = clock.monotonicMs()
  }

  /** Time in which nothing was runnable, ms. */
  get idleMs(): number {
    return this.#idleMs
  }

  /** Told of each step while a profile is taken; null: nobody is. */
  observe(observer: StepObserver | null): void {
    this.#observer = observer
  }

  wake(task: ExecutableTask): void {
    if (!task.queued) {
      task.queued = true
      this.#queue.push(task)
    }
    if (this.#scheduled) return
    this.#scheduled = true
    this.#clock.setImmediate(this.#turn)
  }

  #runTurn(): void {
    let now = this.#clock.monotonicMs()
    if (this.#sleepingSinceMs >= 0) this.#idleMs += now - this.#sleepingSinceMs
    this.#sleepingSinceMs = -1
    const deadline = now + this.#turnMs
    while (this.#queue.length > 0 && now < deadline) {
      const round = this.#queue
      this.#queue = this.#next
      for (let i = 0; i < round.length; i++) {
        const task = round[i] as ExecutableTask
        task.queued = false
        const result = task.step(now)
        if (result === 'worked' && !task.queued) {
          task.queued = true
          this.#queue.push(task)
        }
        const fromMs = now
        now = this.#clock.monotonicMs()
        this.#observer?.(task, fromMs, now)
      }
      round.length = 0
      this.#next = round
    }
    if (this.#queue.length > 0) {
      this.#clock.setImmediate(this.#turn)
    } else {
      this.#scheduled = false
      this.#sleepingSinceMs = now
    }
  }
}
