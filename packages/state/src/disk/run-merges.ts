/**
 * RunMerges: partitions with many runs get one in their place, in the background.
 *
 * Invariants: a partition is merged by one merge at a time; merged runs take the place of those
 * that were there when the merge began, newer ones stay before them.
 */
import { mergeOf } from './merge-ordered.ts'
import type { MergeSettings } from './merge-runs.ts'
import type { Partition } from './partition.ts'
import type { Run, RunWriter } from './run.ts'

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

export interface MergingSettings {
  /** Calls `step` again and again between other work, until it gives false. */
  readonly background: (step: () => boolean) => void
  /** What merges that begin now leave out. */
  readonly merging: () => MergeSettings
  /** For up to `rowsMax` rows. */
  readonly writer: (rowsMax: number) => RunWriter
  /** A partition has other runs now. */
  readonly merged: () => void
}

/** A merge of a partition. */
interface UnderWay {
  /** Gives whether there is more to do. */
  readonly step: () => boolean
  readonly abandon: () => void
}

export class RunMerges {
  readonly #settings: MergingSettings
  readonly #merges = new Map<Partition, UnderWay>()
  /** They have as many runs as are merged, and wait for others. */
  readonly #waiting = new Set<Partition>()
  #closed = false

  constructor(settings: MergingSettings) {
    this.#settings = settings
  }

  /** Merges the runs of a partition if they are many: in the background unless too many. */
  consider(partition: Partition): void {
    if (partition.runs.length >= RUNS_MAX) {
      // Rather than more and more runs, each of which look-ups may have to ask.
      const underWay = this.#merges.get(partition)
      while (underWay?.step() === true);
    }
    this.#mergeInTurn(partition)
  }

  close(): void {
    this.#closed = true
    this.#waiting.clear()
    for (const { abandon } of this.#merges.values()) abandon()
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

  #merge(partition: Partition): void {
    this.#waiting.delete(partition)
    const runs = partition.runs.map((run) => run.retain())
    const writer = this.#settings.writer(runs.reduce((rows, { rowCount }) => rows + rowCount, 0))
    const sources = runs.map((run) => ({ blocks: run, wanted: null }))
    const merge = mergeOf(sources, this.#settings.merging())
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
      this.#replace(partition, runs, merged)
      this.#mergeNext()
      return false
    }
    this.#merges.set(partition, { step, abandon })
    if (partition.runs.length < RUNS_MAX) this.#settings.background(step)
    else while (step());
  }

  #replace(partition: Partition, runs: readonly Run[], merged: Run | null): void {
    // Else the partition was cleared meanwhile.
    if (partition.runs.includes(runs[0] as Run)) partition.replace(runs, merged)
    else merged?.release()
    this.#settings.merged()
  }
}
