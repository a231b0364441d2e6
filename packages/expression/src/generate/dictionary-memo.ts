/**
 * DictionaryMemo: results of an expression over one dictionary column, one per entry.
 *
 * A dictionary pool is append-only, so the result for a code stays true while the pool is the same
 * object. Slot 0 is the result for a NULL row, slot c + 1 that for code c. Bound: one slot an entry
 * of the pool in use.
 */
import type { StringColumn, StringPool, Value } from '@millrace/core'

export const MEMO_UNKNOWN = 0
export const MEMO_VALUE = 1
export const MEMO_NULL = 2

export class DictionaryMemo {
  known = new Uint8Array(64)
  values: Value[] = []
  #pool: StringPool | null = null

  /** Readies the memo for a batch; false when the column is no dictionary. */
  prepare(column: StringColumn): boolean {
    if (column.codes === null) return false
    const { pool } = column
    if (this.#pool !== pool) {
      this.#pool = pool
      this.known.fill(MEMO_UNKNOWN)
      this.values = []
    }
    if (this.known.length <= pool.size) {
      const grown = new Uint8Array(pool.size * 2 + 1)
      grown.set(this.known)
      this.known = grown
    }
    return true
  }
}
