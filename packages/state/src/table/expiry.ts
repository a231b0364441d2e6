/**
 * Expiry: which entries of a table with a time to live are over, by when they were written last.
 *
 * Shared by both backends. An entry counts as written when it is made and whenever its value is
 * written; reading it changes nothing. Times are those of `steadyTime`. Invariant: the entries of
 * a table that are over only become more, whatever the machine's clock does.
 */
import {
  ColumnBatch,
  Float64Column,
  gatherRows,
  type RecordMemory,
  RowKind,
  type StoredExpiry,
} from '@millrace/core'
import type { RecordLayout } from './record-layout.ts'

export interface ExpirySettings {
  /** Never goes back. */
  readonly nowMs: () => number
  /** When the state was opened: no restored entry counts as written later. */
  readonly openedMs: number
}

/**
 * The wall clock as it was at the first call, which from then on goes as fast as the monotonic one:
 * a clock that jumps makes nothing older or younger while the task runs.
 */
export function steadyTime(nowMs: () => number, monotonicMs: () => number): () => number {
  const aheadMs = nowMs() - monotonicMs()
  return () => aheadMs + monotonicMs()
}

export class Expiry {
  readonly #ttlMs: number
  readonly #keyed: number
  readonly #word: number
  readonly #settings: ExpirySettings

  constructor(ttlMs: number, layout: RecordLayout, settings: ExpirySettings) {
    this.#ttlMs = ttlMs
    this.#keyed = layout.keyed.length
    this.#word = layout.writtenWord
    this.#settings = settings
  }

  /** Of what is frozen now. */
  get stored(): StoredExpiry {
    return { ttlMs: this.#ttlMs, atMs: this.#settings.nowMs() }
  }

  /** What was written then or before is over. */
  get overMs(): number {
    return this.#settings.nowMs() - this.#ttlMs
  }

  isOver({ words, stride }: RecordMemory, slot: number): boolean {
    return (words[slot * stride + this.#word] as number) <= this.overMs
  }

  /** Sets slots of entries that are over to 0. */
  hide({ words, stride }: RecordMemory, slots: Int32Array, count: number): void {
    const { overMs } = this
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number
      if (slot !== 0 && (words[slot * stride + this.#word] as number) <= overMs) slots[i] = 0
    }
  }

  /**
   * Makes the entries of `slots[0 … count)` that are over such that have just been made; `reset`
   * gives one the value of a new entry.
   */
  renew(
    { words, stride }: RecordMemory,
    slots: Int32Array,
    count: number,
    reset: (slot: number) => void,
  ): void {
    const { overMs } = this
    for (let i = 0; i < count; i++) {
      const slot = slots[i] as number
      const at = slot * stride + this.#word
      if (slot === 0 || (words[at] as number) > overMs) continue
      reset(slot)
      words[at] = overMs + this.#ttlMs
    }
  }

  /**
   * Stored rows in two: those to put, and the keys (row kind DELETE) of those that are over, so
   * that no earlier part of a checkpoint brings them back. Either may be null. An entry from the
   * future, of a clock that was ahead, counts as written when the state was opened.
   */
  sort(rows: ColumnBatch): {
    readonly live: ColumnBatch | null
    readonly over: ColumnBatch | null
  } {
    const { openedMs } = this.#settings
    const { rowCount, columns } = rows
    const { values } = columns[this.#keyed] as Float64Column
    const { overMs } = this
    const written = Float64Array.from(values.subarray(0, rowCount), (ms) => Math.min(ms, openedMs))
    const clamped = new Float64Column(written, null)
    const all = new ColumnBatch(rowCount, columns.with(this.#keyed, clamped))
    const live: number[] = []
    const over: number[] = []
    for (let i = 0; i < rowCount; i++) ((written[i] as number) <= overMs ? over : live).push(i)
    if (over.length === 0) return { live: all, over: null }
    return {
      live: live.length === 0 ? null : gatherRows(all, Int32Array.from(live), live.length),
      over: keysAt(all, over, this.#keyed),
    }
  }
}

/** The first `keyed` columns of rows, as keys that went. */
export function keysAt(rows: ColumnBatch, at: readonly number[], keyed: number): ColumnBatch {
  const keys = new ColumnBatch(rows.rowCount, rows.columns.slice(0, keyed))
  const { columns } = gatherRows(keys, Int32Array.from(at), at.length)
  return new ColumnBatch(at.length, columns, new Uint8Array(at.length).fill(RowKind.DELETE))
}
