/**
 * Slots' threads: processes within a process. Messages are structured clones, in order; a thread
 * can be killed alone.
 */
import {
  type MessageEndpoint,
  platformError,
  type ThreadExit,
  type ThreadHandle,
  type ThreadLimits,
  type Threads,
} from '@millrace/platform'
import type { SimulatedProcess } from '../world/simulated-process.ts'
import type { SimulatedWorld } from '../world/simulated-world.ts'

/** Runs a thread's code; what it is made of is the caller's. */
export type ThreadEntry = (
  process: SimulatedProcess,
  endpoint: MessageEndpoint,
  data: unknown,
) => void

const START_MS = 25
const MESSAGE_MS = 0.02

export class SimulatedThreads implements Threads {
  readonly #world: SimulatedWorld
  readonly #process: SimulatedProcess
  readonly #entries: ReadonlyMap<string, ThreadEntry>
  #count = 0

  constructor(
    world: SimulatedWorld,
    process: SimulatedProcess,
    entries: ReadonlyMap<string, ThreadEntry>,
  ) {
    this.#world = world
    this.#process = process
    this.#entries = entries
  }

  spawn(entry: string, data: unknown, limits: ThreadLimits): ThreadHandle {
    const run = this.#entries.get(entry)
    if (run === undefined) {
      throw platformError('THREAD_ENTRY_UNKNOWN', `No thread entry is named '${entry}'.`)
    }
    const { name, host } = this.#process
    const thread = this.#world.process(
      `${name}/${limits.name}-${this.#count++}`,
      host,
      this.#process,
    )
    const [outside, inside] = endpoints(this.#process, thread)
    const cloned = structuredClone(data)
    thread.after(START_MS, () => run(thread, inside, cloned))
    return new SimulatedThreadHandle(this.#process, thread, outside)
  }
}

class SimulatedThreadHandle implements ThreadHandle {
  readonly #thread: SimulatedProcess
  readonly #owner: SimulatedProcess
  readonly #endpoint: MessageEndpoint
  readonly #exitHandlers: ((exit: ThreadExit) => void)[] = []
  #terminating = false
  #exit: ThreadExit | null = null

  constructor(owner: SimulatedProcess, thread: SimulatedProcess, endpoint: MessageEndpoint) {
    this.#owner = owner
    this.#thread = thread
    this.#endpoint = endpoint
    thread.onExit(() => {
      const exit: ThreadExit = this.#terminating
        ? { reason: 'terminated' }
        : { reason: 'error', message: 'The thread was killed.' }
      owner.after(MESSAGE_MS, () => {
        this.#exit = exit
        for (const handler of this.#exitHandlers.splice(0)) handler(exit)
      })
    })
  }

  post(message: unknown, transfer?: readonly unknown[]): void {
    this.#endpoint.post(message, transfer)
  }

  onMessage(handler: (message: unknown) => void): void {
    this.#endpoint.onMessage(handler)
  }

  onExit(handler: (exit: ThreadExit) => void): void {
    if (this.#exit === null) this.#exitHandlers.push(handler)
    else handler(this.#exit)
  }

  terminate(): Promise<void> {
    this.#terminating = true
    return new Promise((resolve) => {
      this.#owner.after(MESSAGE_MS, () => {
        this.#thread.kill()
        resolve()
      })
    })
  }
}

/** The two ends of an ordered channel of clones. */
function endpoints(
  one: SimulatedProcess,
  other: SimulatedProcess,
): [MessageEndpoint, MessageEndpoint] {
  const towards = (from: SimulatedProcess, to: SimulatedProcess) => {
    let handler: ((message: unknown) => void) | null = null
    const early: unknown[] = []
    let lastMs = 0
    return {
      post(message: unknown, transfer: readonly unknown[] = []): void {
        const buffers = transfer.filter((each) => each instanceof ArrayBuffer)
        const cloned = structuredClone(message, { transfer: buffers as ArrayBuffer[] })
        const { world } = from
        lastMs = Math.max(lastMs, from.nowMs + MESSAGE_MS)
        world.after(lastMs - world.nowMs, () => {
          to.deliver(() => {
            if (handler === null) early.push(cloned)
            else handler(cloned)
          })
        })
      },
      listen(listener: (message: unknown) => void): void {
        handler = listener
        for (const message of early.splice(0)) to.deliver(() => listener(message))
      },
    }
  }
  const there = towards(one, other)
  const back = towards(other, one)
  return [
    { post: there.post, onMessage: back.listen },
    { post: back.post, onMessage: there.listen },
  ]
}
