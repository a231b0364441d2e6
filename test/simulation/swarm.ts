/** Runs seeds on worker threads, one cluster at a time in each, and hands the outcomes over as they come. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { FaultFamily, SeedOutcome } from '@millrace/simulation'

export interface SwarmOptions {
  readonly seeds: Iterable<number>
  readonly families: readonly FaultFamily[]
  /** A planted bug, by name. */
  readonly plant: string | null
  readonly workers?: number
  onOutcome(outcome: SeedOutcome): void
  /** True: no further seed is begun. */
  stop(): boolean
}

/** A run that computes for so long without an end hangs. */
const SEED_TIMEOUT_MS = 120_000

export type ToWorker = { readonly seed: number }
export interface WorkerSettings {
  readonly families: readonly FaultFamily[]
  readonly plant: string | null
}

/** Resolves when every seed has an outcome, or those under way when it was stopped. Rejects when a worker dies. */
export async function runSwarm(options: SwarmOptions): Promise<void> {
  const seeds = options.seeds[Symbol.iterator]()
  const next = (): number | null => {
    if (options.stop()) return null
    const { done, value } = seeds.next()
    return done === true ? null : value
  }
  const count = options.workers ?? availableParallelism()
  await Promise.all(Array.from({ length: count }, () => work(options, next)))
}

function work(options: SwarmOptions, next: () => number | null): Promise<void> {
  const { families, plant } = options
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { families, plant } satisfies WorkerSettings,
  })
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    let running = -1
    const advance = (): void => {
      clearTimeout(timer)
      const seed = next()
      if (seed === null) {
        running = -1
        void worker.terminate().then(() => resolve())
        return
      }
      running = seed
      worker.postMessage({ seed } satisfies ToWorker)
      timer = setTimeout(() => {
        void worker.terminate()
        reject(new Error(`Seed ${seed} had no end after ${SEED_TIMEOUT_MS / 1000} s.`))
      }, SEED_TIMEOUT_MS)
    }
    worker.on('message', (outcome: SeedOutcome) => {
      options.onOutcome(outcome)
      advance()
    })
    worker.on('error', (error) => {
      clearTimeout(timer)
      reject(new Error(`Seed ${running}: ${(error as Error).stack ?? error}`))
    })
    advance()
  })
}
