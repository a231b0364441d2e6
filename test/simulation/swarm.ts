/**
 * Runs seeds on worker threads, one cluster at a time in each, and hands the outcomes
 * over as they come.
 */
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
const SEED_TIMEOUT_MS = 300_000
/**
 * Names a run that was ended by the clock on the wall: the one verdict that may differ from
 * machine to machine.
 */
export const NO_END = 'no-end'

/** A hundred runs in a row stay far below. */
const OLD_GENERATION_MAX_MB = 1536

export type ToWorker = { readonly seed: number }
export interface WorkerSettings {
  readonly families: readonly FaultFamily[]
  readonly plant: string | null
}

/**
 * Resolves when every seed has an outcome, or those under way when it was stopped. Rejects when a
 * worker cannot start.
 */
export async function runSwarm(options: SwarmOptions): Promise<void> {
  const seeds = options.seeds[Symbol.iterator]()
  const next = (): number | null => {
    if (options.stop()) return null
    const { done, value } = seeds.next()
    return done === true ? null : value
  }
  const count = options.workers ?? availableParallelism()
  await Promise.all(
    Array.from({ length: count }, async () => {
      // One more worker for each that a seed took with it.
      while (await work(options, next));
    }),
  )
}

/**
 * Resolves to whether there may be more to do: a run that hangs or crashes ends its
 * worker, and is wrong.
 */
function work(options: SwarmOptions, next: () => number | null): Promise<boolean> {
  const { families, plant } = options
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { families, plant } satisfies WorkerSettings,
    // A run that grows without end ends its worker, not everything.
    resourceLimits: { maxOldGenerationSizeMb: OLD_GENERATION_MAX_MB },
  })
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    let running: number | null = null
    const end = (more: boolean): void => {
      clearTimeout(timer)
      running = null
      void worker.terminate().then(() => resolve(more))
    }
    const giveUp = (seed: number, checker: string, message: string, details: string[]): void => {
      options.onOutcome(brokenOff(seed, { checker, message, details }))
      end(true)
    }
    const advance = (): void => {
      clearTimeout(timer)
      const seed = next()
      running = seed
      if (seed === null) {
        end(false)
        return
      }
      worker.postMessage({ seed } satisfies ToWorker)
      timer = setTimeout(() => {
        giveUp(seed, NO_END, `The run had no end after ${SEED_TIMEOUT_MS / 1000} s.`, [])
      }, SEED_TIMEOUT_MS)
    }
    worker.on('message', (outcome: SeedOutcome) => {
      if (outcome.seed !== running) return
      options.onOutcome(outcome)
      advance()
    })
    worker.on('error', (error: unknown) => {
      if (running === null) {
        reject(error)
        return
      }
      const stack = (error instanceof Error ? (error.stack ?? error.message) : `${error}`).split(
        '\n',
      )
      giveUp(running, 'crash', 'The run ended in an error that nobody caught.', stack)
    })
    advance()
  })
}

function brokenOff(seed: number, violation: SeedOutcome['violations'][number]): SeedOutcome {
  const nothing = { hits: {}, checks: {}, shape: [], faults: [] }
  return { seed, violations: [violation], digest: '-', events: 0, simulatedMs: 0, ...nothing }
}
