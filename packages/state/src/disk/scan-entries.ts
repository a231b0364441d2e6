/** A scan of at most one entry a key. */
import type { EntryScan } from '@millrace/core'

/** Pairs of row i and `slots[i]`; 0 is no entry. */
export function scanOf(slots: Int32Array): EntryScan {
  const rows = Int32Array.from(slots.keys()).filter((row) => slots[row] !== 0)
  const found = slots.filter((slot) => slot !== 0)
  let isRead = false
  return {
    rows,
    slots: found,
    next() {
      if (isRead) return 0
      isRead = true
      return found.length
    },
  }
}
