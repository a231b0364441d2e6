/**
 * Slots' worker threads, each with its own heap limit.
 *
 * A thread that exceeds its heap ends alone with `out-of-memory`; exactly one exit is reported,
 * after the last message.
 */
import { Worker } from 'node:worker_threads'
import { nearestName } from '@millrace/core'
import { platformError } from '../../error-codes.ts'
import type { ThreadExit, ThreadHandle, ThreadLimits, Threads } from '../../platform.ts'

const MEBIBYTE = 1024 * 1024

export class NodeThreads implements Threads {
  readonly #entries: Readonly<Record<string, URL>>
  constructor(entries: Readonly<Record<string, URL>>) {
    this.#entries = entries
  }

  /** Throws THREAD_ENTRY_UNKNOWN. */
  spawn(entry: string, data: unknown, limits: ThreadLimits): ThreadHandle {
    const url = this.#entries[entry]
    if (url === undefined) {
      const nearest = nearestName(entry, Object.keys(this.#entries))
      throw platformError('THREAD_ENTRY_UNKNOWN', `No thread entry is named '${entry}'.`, {
        ...(nearest === undefined ? {} : { hint: `Did you mean '${nearest}'?` }),
      })
    }
    const worker = new Worker(url, {
      workerData: data,
      name: limits.name,
      resourceLimits: {
        maxOldGenerationSizeMb: Math.max(1, Math.floor(limits.heapMaxBytes / MEBIBYTE)),
        maxYoungGenerationSizeMb: Math.max(
          1,
          Math.floor(limits.youngGenerationMaxBytes / MEBIBYTE),
        ),
      },
    })
    return new NodeThreadHandle(worker)
  }
}

class NodeThreadHandle implements ThreadHandle {
  readonly #worker: Worker
  readonly #exitHandlers: ((exit: ThreadExit) => void)[] = []
  /** Messages that came before anyone listened. */
  #early: unknown[] = []
  #handler: ((message: unknown) => void) | null = null
  #failure: ThreadExit | null = null
  #exit: ThreadExit | null = null
  #terminating = false

  constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (message) => {
      if (this.#handler === null) this.#early.push(message)
      else this.#handler(message)
    })
    worker.on('error', (error) => this.#fail(error))
    worker.on('messageerror', (error) => {
      this.#fail(error)
      void worker.terminate()
    })
    worker.on('exit', () => this.#ended())
  }

  post(message: unknown, transfer?: readonly unknown[]): void {
    if (this.#exit !== null) return
    this.#worker.postMessage(message, (transfer ?? []) as ArrayBuffer[])
  }

  onMessage(handler: (message: unknown) => void): void {
    this.#handler = handler
    const early = this.#early
    this.#early = []
    for (const message of early) handler(message)
  }

  /** A handler given after the exit is called at once. */
  onExit(handler: (exit: ThreadExit) => void): void {
    if (this.#exit === null) this.#exitHandlers.push(handler)
    else handler(this.#exit)
  }

  async terminate(): Promise<void> {
    this.#terminating = true
    await this.#worker.terminate()
  }

  #fail(thrown: unknown): void {
    const error = thrown as { code?: string; message?: string; stack?: string } | null
    const message = error?.message ?? String(thrown)
    if (error?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
      this.#failure = { reason: 'out-of-memory', message }
    } else {
      const stack = typeof error?.stack === 'string' ? { stack: error.stack } : {}
      this.#failure = { reason: 'error', message, ...stack }
    }
  }

  #ended(): void {
    this.#exit = this.#failure ?? { reason: this.#terminating ? 'terminated' : 'exited' }
    for (const handler of this.#exitHandlers) handler(this.#exit)
  }
}
