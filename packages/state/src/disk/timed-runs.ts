/**
 * TimedRuns: what a disk table of timers has on disk: by the time at which entries are due, then by
 * parts of the keys.
 *
 * So what is due is read without anything else, and goes as a whole: no record says of it that it
 * is gone. Few times have many parts each; thousands have one, so that there are never many more
 * runs than entries are worth. Invariant: a time has as many parts until it goes.
 */
import { PARTS_MAX, partOf } from '../table/key-parts.ts'
import type { RunSettings } from './disk-runs.ts'
import type { EntryRuns, FrozenPlaces, FrozenRun } from './entry-runs.ts'
import type { MergeSettings } from './merge-runs.ts'
import { Partition } from './partition.ts'
import type { BlockShape } from './record-block.ts'
import { type Run, RunWriter, writeFailed } from './run.ts'
import { RunMerges } from './run-merges.ts'
import { SharedFiles } from './shared-files.ts'

/** Times that have all parts each, and some. */
const TIMES_IN_ALL_PARTS = 64
const TIMES_IN_SOME_PARTS = 512
const SOME_PARTS = 8
/** Objects of a run, about. */
const RUN_BYTES = 1024

/** Of times of which nothing is on disk. */
const NOTHING = new Partition()

const memoryOf = ({ memoryBytes }: Run): number => memoryBytes + RUN_BYTES

export class TimedRuns implements EntryRuns {
  readonly #shape: BlockShape
  readonly #files: SharedFiles
  readonly #merges: RunMerges
  readonly #times = new Map<number, readonly Partition[]>()
  /** Null: to be counted anew. */
  #memoryBytes: number | null = 0

  /** `merging`: what merges that begin now leave out. */
  constructor(settings: RunSettings, shape: BlockShape, merging: () => MergeSettings) {
    this.#shape = shape
    this.#files = new SharedFiles(settings.files, settings.directory)
    this.#merges = new RunMerges({
      background: settings.background,
      merging,
      writer: (rowsMax) => this.writer(rowsMax),
      merged: () => {
        this.#memoryBytes = null
      },
    })
  }

  get memoryBytes(): number {
    this.#memoryBytes ??= this.#sum(memoryOf)
    return this.#memoryBytes
  }

  get diskBytes(): number {
    return this.#sum(({ diskBytes }) => diskBytes)
  }

  /** Of a time: a power of 2 of them; none: nothing of it is on disk. */
  partsAt(timeMs: number): readonly Partition[] {
    return this.#times.get(timeMs) ?? []
  }

  /** As `partsAt`, for a time of which something is about to be; `timeCount`: of all that are. */
  partsFor(timeMs: number, timeCount: number): readonly Partition[] {
    const known = this.#times.get(timeMs)
    if (known !== undefined) return known
    const count =
      timeCount <= TIMES_IN_ALL_PARTS
        ? PARTS_MAX
        : timeCount <= TIMES_IN_SOME_PARTS
          ? SOME_PARTS
          : 1
    const parts = Array.from({ length: count }, () => new Partition())
    this.#times.set(timeMs, parts)
    return parts
  }

  partitionOf(keyHash: number, timeMs: number): Partition {
    const parts = this.#times.get(timeMs)
    return parts === undefined ? NOTHING : (parts[partOf(keyHash, parts.length)] as Partition)
  }

  nearness(keyHash: number, hash: number, timeMs: number): number {
    const time = Math.imul(timeMs, 0x9e3779b1) & 0xff000000
    return time | (partOf(keyHash, PARTS_MAX) << 19) | (hash >>> 13)
  }

  writer(rowsMax: number): RunWriter {
    try {
      return new RunWriter(this.#shape, this.#files.create(), rowsMax)
    } catch (cause) {
      throw writeFailed(cause)
    }
  }

  add(partition: Partition, run: Run): void {
    partition.add(run)
    if (this.#memoryBytes !== null) this.#memoryBytes += memoryOf(run)
    this.#merges.consider(partition)
  }

  /** Of entries of other times in the cache, parts of their own come last. */
  freeze(runsOf: (partition: Partition) => FrozenRun[]): FrozenPlaces {
    const partitions: FrozenRun[][] = []
    const places = new Map<number, { readonly first: number; readonly parts: number }>()
    for (const [timeMs, parts] of this.#times) {
      places.set(timeMs, { first: partitions.length, parts: parts.length })
      for (const partition of parts) partitions.push(runsOf(partition))
    }
    const others = { first: partitions.length, parts: PARTS_MAX }
    for (let part = 0; part < PARTS_MAX; part++) partitions.push([])
    const indexOf = (keyHash: number, timeMs: number): number => {
      const { first, parts } = places.get(timeMs) ?? others
      return first + partOf(keyHash, parts)
    }
    return { partitions, indexOf }
  }

  /** All of a time goes. */
  removeAt(timeMs: number): void {
    for (const partition of this.partsAt(timeMs)) {
      if (this.#memoryBytes !== null) {
        for (const run of partition.runs) this.#memoryBytes -= memoryOf(run)
      }
      partition.clear()
    }
    this.#times.delete(timeMs)
  }

  clear(): void {
    for (const parts of this.#times.values()) for (const partition of parts) partition.clear()
    this.#times.clear()
    this.#memoryBytes = null
  }

  close(): void {
    this.#merges.close()
    this.clear()
  }

  #sum(of: (run: Run) => number): number {
    let sum = 0
    for (const parts of this.#times.values()) {
      for (const { runs } of parts) for (const run of runs) sum += of(run)
    }
    return sum
  }
}
