/**
 * FrozenChanges: the entries of a resident table that were written since an earlier checkpoint, as
 * they were at a barrier.
 *
 * Positions are those entries alone, side by side, so that blocks of the segment are full however
 * few they are. Those whose time to live is over are among them: an earlier checkpoint may have
 * them as they were before. Invariant: as `FrozenRecords`, through which it reads.
 */
import {
  type ColumnBatch,
  type FrozenTable,
  NO_KEY_GROUP,
  type Schema,
  type StoredExpiry,
} from '@millrace/core'
import { type Changes, slotsIn } from './change-log.ts'
import type { FrozenRecords } from './frozen-records.ts'
import { FrozenRemovals, type RemovedKeys } from './removed-keys.ts'

export class FrozenChanges implements FrozenTable {
  readonly since: number
  readonly expiry?: StoredExpiry
  readonly #records: FrozenRecords
  readonly #changed: Int32Array
  #slots: Int32Array | null = null

  /** `changed`: a bit a slot, which does not change any more. */
  constructor(records: FrozenRecords, since: number, changed: Int32Array) {
    this.since = since
    this.#records = records
    this.#changed = changed
    records.restrictTo(changed)
    if (records.expiry !== undefined) this.expiry = records.expiry
  }

  get name(): string {
    return this.#records.name
  }

  get schema(): Schema {
    return this.#records.schema
  }

  get positionCount(): number {
    return this.#changedSlots.length
  }

  keyGroups(from: number, to: number, into: Uint16Array): void {
    const slots = this.#changedSlots
    for (let at = from; at < to; at++) {
      const slot = slots[at] as number
      into[at - from] = slot === 0 ? NO_KEY_GROUP : this.#records.keyGroupAt(slot)
    }
  }

  gather(positions: Int32Array, count: number): ColumnBatch {
    const slots = new Int32Array(count)
    for (let i = 0; i < count; i++) {
      slots[i] = this.#changedSlots[positions[i] as number] as number
    }
    return this.#records.gather(slots, count)
  }

  releaseBefore(position: number): void {
    this.#records.releaseBefore(this.#changedSlots[position] ?? this.#records.positionCount)
  }

  release(): void {
    this.#records.release()
  }

  /** Found when it is asked for, behind the barrier. */
  get #changedSlots(): Int32Array {
    this.#slots ??= slotsIn(this.#changed, this.#records.positionCount)
    return this.#slots
  }
}

/** Of a table that is frozen as `records`: what went since the checkpoint, and what was written. */
export function frozenChanges(
  records: FrozenRecords,
  since: number,
  { changed, removed }: Changes,
): FrozenTable[] {
  const { name, maxParallelism } = records
  const removals = frozenRemovals(name, since, removed, maxParallelism)
  return [...removals, new FrozenChanges(records, since, changed)]
}

/** They stand before what was written. */
export function frozenRemovals(
  name: string,
  since: number,
  removed: readonly RemovedKeys[],
  maxParallelism: number,
): FrozenTable[] {
  return removed.map((keys) => new FrozenRemovals(name, since, keys, maxParallelism))
}
