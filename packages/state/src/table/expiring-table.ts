/**
 * ExpiringTable: a resident table with a time to live.
 *
 * Entries that are over are as if they had never been. They leave the memory bit by bit: each batch
 * that is resolved looks at as many further records as it has rows. Invariant: nobody outside of
 * the table sees an entry that is over.
 */
import {
  type Column,
  type ColumnBatch,
  RowKind,
  type StateTableSpec,
  type StoredExpiry,
} from '@millrace/core'
import { Expiry } from './expiry.ts'
import { type ResidentSettings, ResidentTable } from './resident-table.ts'

/** Records that a batch looks at, at least. */
const SWEPT_MIN = 64

export interface ExpiringSettings extends ResidentSettings {
  readonly openedMs: number
}

export class ExpiringTable extends ResidentTable {
  readonly #expiry: Expiry
  /** The record that is looked at next. */
  #next = 1

  constructor(spec: StateTableSpec, settings: ExpiringSettings) {
    super(spec, settings)
    this.#expiry = new Expiry(spec.ttlMs, this.layout, settings)
  }

  override resolve(columns: readonly Column[], rowCount: number, slots: Int32Array): null {
    this.#sweep(Math.max(rowCount, SWEPT_MIN))
    super.resolve(columns, rowCount, slots)
    this.#expiry.renew(this.memory, slots, rowCount, (slot) => this.reset(slot))
    return null
  }

  override find(columns: readonly Column[], rowCount: number, slots: Int32Array): null {
    super.find(columns, rowCount, slots)
    this.#expiry.hide(this.memory, slots, rowCount)
    return null
  }

  override *slots(): Generator<Int32Array> {
    for (const slots of super.slots()) {
      const { overMs } = this.#expiry
      const { words, stride } = this.memory
      const there = slots.filter((slot) => {
        return (words[slot * stride + this.writtenWord] as number) > overMs
      })
      if (there.length > 0) yield there
    }
  }

  override put(rows: ColumnBatch): void {
    if (rows.rowKinds !== null && rows.rowKinds[0] === RowKind.DELETE) {
      this.#removeKeys(rows)
      return
    }
    const { live, over } = this.#expiry.sort(rows)
    if (live !== null) super.put(live)
    if (over !== null) this.#removeKeys(over)
  }

  override isForgotten(slot: number): boolean {
    return this.#expiry.isOver(this.memory, slot)
  }

  protected override get storedExpiry(): StoredExpiry {
    return this.#expiry.stored
  }

  /** Entries of these keys go, those that are over too. */
  #removeKeys({ columns, rowCount }: ColumnBatch): void {
    const slots = new Int32Array(rowCount)
    super.find(columns, rowCount, slots)
    this.remove(slots, rowCount)
  }

  #sweep(records: number): void {
    const { overMs } = this.#expiry
    const { words, stride } = this.memory
    const from = this.#next < this.topSlot ? this.#next : 1
    const to = Math.min(this.topSlot, from + records)
    this.#next = to
    const over: number[] = []
    for (let slot = from; slot < to; slot++) {
      if ((words[slot * stride + this.writtenWord] as number) <= overMs && this.isLive(slot)) {
        over.push(slot)
      }
    }
    if (over.length > 0) this.remove(Int32Array.from(over), over.length)
  }
}
