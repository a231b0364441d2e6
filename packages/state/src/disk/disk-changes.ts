/**
 * DiskChanges: what of a disk table was written, and which keys left it, between one checkpoint and
 * the next.
 *
 * Entries in the cache are known by their slots (`ChangeLog`); those that were written and have
 * left the cache since, by the runs in which they left: such a run stays until nobody builds upon a
 * checkpoint before it, though its partition may have merged it away. So an increment reads and
 * writes what changed, however large the merged runs are. Invariants: checkpoint ids ascend; what
 * is given for a checkpoint is all that changed since, and may be more.
 */
import type { Schema } from '@millrace/core'
import { ChangeLog, type LeftTable } from '../table/change-log.ts'
import type { RemovedKeys } from '../table/removed-keys.ts'
import type { FrozenRun } from './entry-runs.ts'
import type { Partition } from './partition.ts'
import type { Run } from './run.ts'

interface LeftRun extends FrozenRun {
  readonly partition: Partition
  /** It left the cache after this checkpoint was frozen. */
  readonly after: number
}

/** Runs of one partition, newest first, whose entries have gone, all of them. */
interface GoneRuns {
  readonly runs: readonly Run[]
  /** They went after this checkpoint was frozen. */
  readonly after: number
}

export interface DiskChangesSince {
  /** A bit a slot of the cache. */
  readonly changed: Int32Array
  readonly removed: readonly RemovedKeys[]
  /** Those in which entries have left since, newest first, retained for whoever asked. */
  runsOf(partition: Partition): FrozenRun[]
  /** Partitions that have gone since with their entries, retained as well. */
  readonly gone: readonly FrozenRun[][]
}

export class DiskChanges {
  readonly #log: ChangeLog
  #after: number
  /** Oldest first. */
  #left: LeftRun[] = []
  #gone: GoneRuns[] = []
  /** Rows of the runs that it keeps. */
  leftRows = 0

  /** Begins where checkpoint `from` was frozen, or restored. */
  constructor(keySchema: Schema, from: number, slotCount: number) {
    this.#log = new ChangeLog(keySchema, from, slotCount)
    this.#after = from
  }

  get bytes(): number {
    let bytes = this.#log.bytes
    for (const { run, changed } of this.#left) bytes += run.memoryBytes + (changed?.length ?? 0)
    for (const { runs } of this.#gone) for (const run of runs) bytes += run.memoryBytes
    return bytes
  }

  reserve(slotCount: number): void {
    this.#log.reserve(slotCount)
  }

  written(slots: Int32Array, count: number): void {
    this.#log.written(slots, count)
  }

  writtenOne(slot: number): void {
    this.#log.writtenOne(slot)
  }

  made(slots: Int32Array, count: number): void {
    this.#log.written(slots, count)
    this.#log.made(slots, count)
  }

  /** Entries came into the cache from a run: a checkpoint may have them. */
  read(slots: Int32Array, count: number): void {
    this.#log.unmade(slots, count)
  }

  leaving(table: LeftTable, slots: Int32Array, count: number): void {
    this.#log.leaving(table, slots, count)
  }

  /** The entries of `slots`, in this order, have left the cache as `run`. */
  left(partition: Partition, run: Run, slots: Int32Array): void {
    const bytes = this.#log.changedAmong(slots)
    const count = bytes.reduce((sum, byte) => sum + byte, 0)
    if (count === 0) return
    const changed = count === slots.length ? null : bytes
    this.#left.push({ partition, run: run.retain(), changed, after: this.#after })
    this.leftRows += run.rowCount
  }

  /** Entries are about to go with what they lie in: a checkpoint may have them. */
  goes({ runs }: Partition): void {
    if (runs.length === 0) return
    this.#gone.push({ runs: runs.map((run) => run.retain()), after: this.#after })
    for (const { rowCount } of runs) this.leftRows += rowCount
  }

  knows(since: number): boolean {
    return this.#log.knows(since)
  }

  /** Checkpoint `id` is frozen now. */
  cut(id: number): void {
    this.#log.cut(id)
    this.#after = id
  }

  /** As `ChangeLog.since`. */
  since(since: number): DiskChangesSince | null {
    const changes = this.#log.since(since)
    if (changes === null) return null
    this.#forget((after) => after < since)
    const byPartition = new Map<Partition, LeftRun[]>()
    for (const left of this.#left) {
      const runs = byPartition.get(left.partition)
      if (runs === undefined) byPartition.set(left.partition, [left])
      else runs.unshift(left)
    }
    const runsOf = (partition: Partition): FrozenRun[] =>
      (byPartition.get(partition) ?? []).map(({ run, changed }) => ({ run: run.retain(), changed }))
    const gone = this.#gone.map(({ runs }) =>
      runs.map((run) => ({ run: run.retain(), changed: null })),
    )
    return { ...changes, runsOf, gone }
  }

  release(): void {
    this.#forget(() => true)
  }

  #forget(isOver: (after: number) => boolean): void {
    const over = [
      ...this.#left.filter(({ after }) => isOver(after)).map(({ run }) => run),
      ...this.#gone.filter(({ after }) => isOver(after)).flatMap(({ runs }) => runs),
    ]
    for (const run of over) {
      this.leftRows -= run.rowCount
      run.release()
    }
    this.#left = this.#left.filter(({ after }) => !isOver(after))
    this.#gone = this.#gone.filter(({ after }) => !isOver(after))
  }
}
