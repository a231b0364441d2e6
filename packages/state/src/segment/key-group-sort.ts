/**
 * Rows ordered by key group: a counting sort over the snapshot's `keyGroups`, in steps, so that a
 * large table does not hold up the mailbox.
 *
 * About 2 ns a row a pass; stable.
 */
import type { KeyGroupRange } from '@millrace/core'
import { stateError } from '../error-codes.ts'

const ROWS_PER_STEP = 256 * 1024

export interface KeyGroupOrder {
  /** Row numbers, group after group. */
  readonly rows: Int32Array
  /** Group `start + i` has `rows[starts[i] … starts[i + 1])`. */
  readonly starts: Int32Array
}

/** Throws STATE_SNAPSHOT_INVALID for a row outside `range`. */
export async function sortByKeyGroup(
  table: string,
  keyGroups: Uint16Array,
  rowCount: number,
  range: KeyGroupRange,
  pause: () => Promise<void>,
): Promise<KeyGroupOrder> {
  const groupCount = range.end - range.start + 1
  const starts = new Int32Array(groupCount + 1)
  for (let from = 0; from < rowCount; from += ROWS_PER_STEP) {
    const to = Math.min(rowCount, from + ROWS_PER_STEP)
    const stray = countGroups(keyGroups, from, to, range.start, groupCount, starts)
    if (stray >= 0) {
      throw stateError(
        'STATE_SNAPSHOT_INVALID',
        `Row ${stray} of state '${table}' is in key group ${keyGroups[stray]}, outside ${range.start}–${range.end}.`,
      )
    }
    if (to < rowCount) await pause()
  }
  for (let g = 0; g < groupCount; g++) starts[g + 1] += starts[g]
  const rows = new Int32Array(rowCount)
  const next = starts.slice(0, groupCount)
  for (let from = 0; from < rowCount; from += ROWS_PER_STEP) {
    const to = Math.min(rowCount, from + ROWS_PER_STEP)
    for (let row = from; row < to; row++) rows[next[keyGroups[row] - range.start]++] = row
    if (to < rowCount) await pause()
  }
  return { rows, starts }
}

/** Adds each row to `starts[group + 1]`; returns the first row outside the range, or −1. */
function countGroups(
  keyGroups: Uint16Array,
  from: number,
  to: number,
  groupStart: number,
  groupCount: number,
  starts: Int32Array,
): number {
  for (let row = from; row < to; row++) {
    const group = keyGroups[row] - groupStart
    if (group < 0 || group >= groupCount) return row
    starts[group + 1]++
  }
  return -1
}
