/**
 * What went of a disk table since a checkpoint that may have it, for one that builds upon that.
 *
 * Keys that went one by one are in memory (`FrozenRemovals`); those that went with the runs they
 * lay in are read from these (`FrozenGone`). Invariant: runs never change.
 */
import {
  ColumnBatch,
  type FrozenTable,
  RowKind,
  type Schema,
  type StateTableSpec,
  storedSchemaOf,
} from '@millrace/core'
import { frozenRemovals } from '../table/frozen-changes.ts'
import { ResidentTable } from '../table/resident-table.ts'
import type { DiskChangesSince } from './disk-changes.ts'
import type { DiskSettings } from './disk-settings.ts'
import { cacheSettings } from './disk-settings.ts'
import type { FrozenRun } from './entry-runs.ts'
import { FrozenDiskTable } from './frozen-disk-table.ts'
import type { MergeSettings } from './merge-runs.ts'

class FrozenGone implements FrozenTable {
  readonly removed = true
  readonly since: number
  readonly schema: Schema
  readonly #entries: FrozenDiskTable

  /** `gone`: partitions, whose runs are retained for it. */
  constructor(
    spec: StateTableSpec,
    settings: DiskSettings,
    since: number,
    gone: readonly FrozenRun[][],
    merging: MergeSettings,
  ) {
    const { fields } = storedSchemaOf(spec)
    this.since = since
    this.schema = { fields: fields.slice(0, merging.shape.layout.keyed.length) }
    this.#entries = new FrozenDiskTable({
      name: spec.name,
      schema: { fields },
      shape: merging.shape,
      maxParallelism: settings.maxParallelism,
      since,
      cached: new ResidentTable(spec, cacheSettings(settings)).freezeAll(),
      changed: null,
      flags: null,
      places: { partitions: gone, indexOf: () => 0 },
      timeWord: -1,
      merging,
      expiry: null,
    })
  }

  get name(): string {
    return this.#entries.name
  }

  get positionCount(): number {
    return this.#entries.positionCount
  }

  prepare(to: number): boolean {
    return this.#entries.prepare(to)
  }

  keyGroups(from: number, to: number, into: Uint16Array): void {
    this.#entries.keyGroups(from, to, into)
  }

  gather(positions: Int32Array, count: number): ColumnBatch {
    const { columns } = this.#entries.gather(positions, count)
    const keys = columns.slice(0, this.schema.fields.length)
    return new ColumnBatch(count, keys, new Uint8Array(count).fill(RowKind.DELETE))
  }

  releaseBefore(position: number): void {
    this.#entries.releaseBefore(position)
  }

  release(): void {
    this.#entries.release()
  }
}

/** Of what went since checkpoint `since`: stands before what was written. */
export function frozenGone(
  spec: StateTableSpec,
  settings: DiskSettings,
  since: number,
  { removed, gone }: Pick<DiskChangesSince, 'removed' | 'gone'>,
  merging: MergeSettings,
): FrozenTable[] {
  const removals = frozenRemovals(spec.name, since, removed, settings.maxParallelism)
  if (gone.length === 0) return removals
  return [...removals, new FrozenGone(spec, settings, since, gone, merging)]
}
