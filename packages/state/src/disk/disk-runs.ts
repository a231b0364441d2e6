/**
 * DiskRuns: all that a disk table has on disk, as runs by partition: a part of the keys each.
 *
 * Under the write-back cache.
 */
import type { TemporaryFiles } from '@millrace/platform'
import type { EntryRuns, FrozenPlaces, FrozenRun } from './entry-runs.ts'
import type { MergeSettings } from './merge-runs.ts'
import { Partition } from './partition.ts'
import type { BlockShape } from './record-block.ts'
import { type Run, RunWriter, writeFailed } from './run.ts'
import { RunMerges } from './run-merges.ts'

export const PARTITION_BITS = 5
export const PARTITIONS = 1 << PARTITION_BITS

export interface RunSettings {
  readonly files: TemporaryFiles
  readonly directory: string
  /** Calls `step` again and again between other work, until it gives false. */
  readonly background: (step: () => boolean) => void
}

export class DiskRuns implements EntryRuns {
  readonly #settings: RunSettings
  readonly #shape: BlockShape
  readonly #merges: RunMerges
  readonly #partitions = Array.from({ length: PARTITIONS }, () => new Partition())

  /** `merging`: what merges that begin now leave out. */
  constructor(settings: RunSettings, shape: BlockShape, merging: () => MergeSettings) {
    this.#settings = settings
    this.#shape = shape
    this.#merges = new RunMerges({
      background: settings.background,
      merging,
      writer: (rowsMax) => this.writer(rowsMax),
      merged: () => {},
    })
  }

  get memoryBytes(): number {
    return this.#sum(({ memoryBytes }) => memoryBytes)
  }

  get diskBytes(): number {
    return this.#sum(({ diskBytes }) => diskBytes)
  }

  partitionOf(keyHash: number): Partition {
    return this.#partitions[partitionIndexOf(keyHash)] as Partition
  }

  partitionAt(index: number): Partition {
    return this.#partitions[index] as Partition
  }

  nearness(keyHash: number): number {
    return (partitionIndexOf(keyHash) << (32 - PARTITION_BITS)) | (keyHash >>> PARTITION_BITS)
  }

  writer(rowsMax: number): RunWriter {
    const { files, directory } = this.#settings
    try {
      return new RunWriter(this.#shape, files.create(directory), rowsMax)
    } catch (cause) {
      throw writeFailed(cause)
    }
  }

  add(partition: Partition, run: Run): void {
    partition.add(run)
    this.#merges.consider(partition)
  }

  freeze(runsOf: (partition: Partition) => FrozenRun[]): FrozenPlaces {
    return { partitions: this.#partitions.map(runsOf), indexOf: partitionIndexOf }
  }

  clear(): void {
    for (const partition of this.#partitions) partition.clear()
  }

  close(): void {
    this.#merges.close()
    this.clear()
  }

  #sum(of: (run: Run) => number): number {
    let sum = 0
    for (const { runs } of this.#partitions) for (const run of runs) sum += of(run)
    return sum
  }
}

/**
 * Not by the upper bits, which are an entry's place in the cache's index: without the entries of
 * some partitions, the places of the others would be crowded.
 */
export function partitionIndexOf(hash: number): number {
  return Math.imul(hash, 0x9e3779b1) >>> (32 - PARTITION_BITS)
}
