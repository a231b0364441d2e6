/**
 * CheckpointKeeper: sees each checkpoint of a running cluster complete, and keeps one of them.
 *
 * `look` is called after every event: the first that finds a checkpoint complete is the one that
 * completed it.
 */

import { isNeighbour } from '../environment/neighbour-names.ts'
import type { SimulatedEnvironment } from '../environment/simulated-environment.ts'
import type { OutputSoFar } from '../scenario/output-so-far.ts'
import { type KeptCheckpoint, keepFiles } from './kept-checkpoint.ts'

export interface CheckpointKeeperParts {
  readonly environment: SimulatedEnvironment
  /** Whether to keep the n-th one that completed, instead of the one kept so far. */
  keeps(n: number): boolean
  outputSoFar(): OutputSoFar
}

export class CheckpointKeeper {
  readonly #parts: CheckpointKeeperParts
  /** By the statistics of a job under one leader, how many had completed. */
  readonly #known = new WeakMap<object, number>()
  #seen = 0
  kept: KeptCheckpoint | null = null

  constructor(parts: CheckpointKeeperParts) {
    this.#parts = parts
  }

  /**
   * Asks nobody for the time, which would pass by that: whoever has a session is looked at,
   * leader or not any more.
   */
  look(): void {
    for (const { jobManager } of this.#parts.environment.cluster.jobManagers.values()) {
      if (jobManager.epoch === 0) continue
      for (const { jobId, statistics } of jobManager.dispatcher.all()) {
        if (isNeighbour(jobId)) continue
        const { completed } = statistics.counts
        if (completed === (this.#known.get(statistics) ?? 0)) continue
        this.#known.set(statistics, completed)
        const { latest: of } = statistics.answer()
        const latest = newer(of.completed, of.savepoint)
        if (latest !== null && this.#parts.keeps(++this.#seen)) {
          this.#keep(latest.external_path, latest.id)
        }
      }
    }
  }

  #keep(location: string | undefined, checkpointId: number): void {
    if (location?.startsWith('/') !== true) return
    const { environment, outputSoFar } = this.#parts
    const files = keepFiles(environment.disk, location)
    this.kept = { location, checkpointId, files, output: outputSoFar() }
  }
}

/** Savepoints are kept as checkpoints are. */
function newer<T extends { readonly id: number }>(a: T | null, b: T | null): T | null {
  if (a === null || b === null) return a ?? b
  return b.id > a.id ? b : a
}
