/**
 * DiskRuns: all that a disk table has on disk, as runs by partition, and their merging.
 *
 * Under the write-back cache. Invariants: a partition is merged by one merge at a time; merged runs
 * take the place of those that were there when the merge began, newer ones stay before them.
 */
import type { TemporaryFiles } from '@millrace/platform'
import type { FrozenRun } from './frozen-disk-table.ts'
import { mergeOf } from './merge-ordered.ts'
import type { MergeSettings } from './merge-runs.ts'
import { Partition } from './partition.ts'
import type { BlockShape } from './record-block.ts'
import { type Run, RunWriter, writeFailed } from './run.ts'

export const PARTITION_BITS = 5
export const PARTITIONS = 1 << PARTITION_BITS
const RUNS_BEFORE_MERGE = 4
/** Merging that lags behind so far is waited for. */
const RUNS_MAX = 12
/**
 * Each holds buffers and a filter that grows, and takes its turn before the subtask looks at its
 * input again: thirty-two at once took 40 ms, and these take 4.
 */
const MERGES_AT_ONCE = 4
/** Records that one step of a merge looks at. */
const ROWS_A_STEP = 4096

export interface RunSettings {
  readonly files: TemporaryFiles
  readonly directory: string
  /** Calls `step` again and again between other work, until it gives false. */
  readonly background: (step: () => boolean) => void
}

/** A merge of a partition. */
interface UnderWay {
  /** Gives whether there is more to do. */
  readonly step: () => boolean
  readonly abandon: () => void
}

export class DiskRuns {
  readonly #settings: RunSettings
  readonly #shape: BlockShape
  readonly #merging: () => MergeSettings
  readonly #partitions = Array.from({ length: PARTITIONS }, () => new Partition())
  readonly #merges = new Map<Partition, UnderWay>()
  /** They have as many runs as are merged, and wait for others. */
  readonly #waiting = new Set<Partition>()
  #closed = false

  /** `merging`: what merges that begin now leave out. */
  constructor(settings: RunSettings, shape: BlockShape, merging: () => MergeSettings) {
    this.#settings = settings
    this.#shape = shape
    this.#merging = merging
  }

  get memoryBytes(): number {
    return this.#sum(({ memoryBytes }) => memoryBytes)
  }

  get diskBytes(): number {
    return this.#sum(({ diskBytes }) => diskBytes)
  }

  /** `hash`: that of the key, also where there are sub columns. */
  partitionOf(hash: number): Partition {
    return this.#partitions[partitionIndexOf(hash)] as Partition
  }

  /** Of each partition its runs, newest first, retained. */
  retained(): FrozenRun[][] {
    return this.#partitions.map(({ runs }) =>
      runs.map((run) => ({ run: run.retain(), changed: null })),
    )
  }

  /** For up to `rowsMax` rows. Throws STATE_LOCAL_WRITE_FAILED. */
  writer(rowsMax: number): RunWriter {
    const { files, directory } = this.#settings
    try {
      return new RunWriter(this.#shape, files.create(directory), rowsMax)
    } catch (cause) {
      throw writeFailed(cause)
    }
  }

  /** The newest run of a partition. */
  add(index: number, run: Run): void {
    const partition = this.#partitions[index] as Partition
    partition.add(run)
    if (partition.runs.length >= RUNS_MAX) {
      // Rather than more and more runs, each of which look-ups may have to ask.
      const underWay = this.#merges.get(partition)
      while (underWay?.step() === true);
    }
    this.#mergeInTurn(partition)
  }

  clear(): void {
    for (const partition of this.#partitions) partition.clear()
  }

  close(): void {
    this.#closed = true
    this.#waiting.clear()
    for (const { abandon } of this.#merges.values()) abandon()
    this.clear()
  }

  #sum(of: (run: Run) => number): number {
    let sum = 0
    for (const { runs } of this.#partitions) for (const run of runs) sum += of(run)
    return sum
  }

  #mergeInTurn(partition: Partition): void {
    if (partition.runs.length <= RUNS_BEFORE_MERGE || this.#merges.has(partition)) return
    if (this.#merges.size >= MERGES_AT_ONCE && partition.runs.length < RUNS_MAX) {
      this.#waiting.add(partition)
    } else this.#merge(partition)
  }

  /** A merge has ended. */
  #mergeNext(): void {
    for (const partition of this.#waiting) {
      if (this.#merges.size >= MERGES_AT_ONCE) return
      this.#waiting.delete(partition)
      this.#mergeInTurn(partition)
    }
  }

  /** Merges all runs of a partition; in the background unless it lags far behind. */
  #merge(partition: Partition): void {
    this.#waiting.delete(partition)
    const runs = partition.runs.map((run) => run.retain())
    const writer = this.writer(runs.reduce((rows, { rowCount }) => rows + rowCount, 0))
    const sources = runs.map((run) => ({ blocks: run, wanted: null }))
    const merge = mergeOf(sources, this.#merging())
    const end = (): void => {
      for (const run of runs) run.release()
      this.#merges.delete(partition)
      isOver = true
    }
    let isOver = false
    const abandon = (): void => {
      writer.abandon()
      end()
    }
    const step = (): boolean => {
      if (isOver || this.#closed) return false
      if (merge.step(writer, ROWS_A_STEP)) return true
      const merged = writer.rowCount > 0 ? writer.finish() : null
      if (merged === null) writer.abandon()
      end()
      // Else the table was cleared meanwhile.
      if (partition.runs.includes(runs[0] as Run)) partition.replace(runs, merged)
      else merged?.release()
      this.#mergeNext()
      return false
    }
    this.#merges.set(partition, { step, abandon })
    if (partition.runs.length < RUNS_MAX) this.#settings.background(step)
    else while (step());
  }
}

/**
 * Not by the upper bits, which are an entry's place in the cache's index: without the entries of
 * some partitions, the places of the others would be crowded.
 */
export function partitionIndexOf(hash: number): number {
  return Math.imul(hash, 0x9e3779b1) >>> (32 - PARTITION_BITS)
}
