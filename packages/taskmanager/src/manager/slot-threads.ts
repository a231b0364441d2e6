/**
 * SlotThreads: starts the threads of slots, for free slots ahead of need.
 *
 * A thread takes 100 to 350 ms of CPU to start and load the operators; a spare one hides that from
 * the next `RequestSlot`, and from a job's recovery. Spares are replaced only after a while: slots
 * that start just now need the CPU more. Invariant: never more spares than free slots.
 */
import type { Platform, ThreadHandle, ThreadLimits } from '@millrace/platform'

/** The name under which `distribution` registers the entry that calls `runSlot`. */
export const SLOT_THREAD_ENTRY = 'slot'

/**
 * Two spares: with them an idle JobManager and TaskManager stay within 200 MB, and the main job,
 * which takes three slots, starts one thread alone while it waits (`npm run bench -- startup`);
 * each further one costs 13 MB.
 */
export const SPARE_THREADS_MAX = 2

const REPLACEMENT_DELAY_MS = 2000

export class SlotThreads {
  readonly #platform: Platform
  readonly #limits: Omit<ThreadLimits, 'name'>
  readonly #data: unknown
  /** How many spares have a use now. */
  readonly #wanted: () => number
  readonly #spares: ThreadHandle[] = []
  #cancelPrewarm: () => void = () => {}
  #closed = false

  /** `data` is what `spawn` gives every slot thread (the composition root's own settings). */
  constructor(
    platform: Platform,
    limits: Omit<ThreadLimits, 'name'>,
    data: unknown,
    wanted: () => number,
  ) {
    this.#platform = platform
    this.#limits = limits
    this.#data = data
    this.#wanted = wanted
  }

  take(): ThreadHandle {
    return this.#spares.shift() ?? this.#spawn()
  }

  /** Starts the spares that are missing; after a while when others start just now. */
  prewarm(when: 'now' | 'later'): void {
    this.#cancelPrewarm()
    if (this.#closed || this.#spares.length >= this.#wanted()) return
    if (when === 'later') {
      this.#cancelPrewarm = this.#platform.clock.setTimer(
        REPLACEMENT_DELAY_MS,
        () => this.prewarm('now'),
        { unref: true },
      )
      return
    }
    while (this.#spares.length < this.#wanted()) {
      const thread = this.#spawn()
      this.#spares.push(thread)
      thread.onExit(() => {
        const index = this.#spares.indexOf(thread)
        if (index >= 0) this.#spares.splice(index, 1)
      })
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelPrewarm()
    await Promise.all(this.#spares.splice(0).map((spare) => spare.terminate()))
  }

  #spawn(): ThreadHandle {
    return this.#platform.threads.spawn(SLOT_THREAD_ENTRY, this.#data, {
      name: SLOT_THREAD_ENTRY,
      ...this.#limits,
    })
  }
}
