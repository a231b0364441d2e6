/**
 * Entries ordered by key group: a counting sort over a window of a frozen table's positions.
 *
 * About 2 ns a position a pass; stable. Positions without an entry are left out.
 */
import { type FrozenTable, type KeyGroupRange, NO_KEY_GROUP } from '@millrace/core'
import { stateError } from '../error-codes.ts'

export interface KeyGroupOrder {
  /** Positions of entries, group after group. */
  readonly positions: Int32Array
  /** Group `start + i` has `positions[starts[i] … starts[i + 1])`. */
  readonly starts: Int32Array
}

/** Of positions from … to. Throws STATE_SNAPSHOT_INVALID for an entry outside `range`. */
export function sortByKeyGroup(
  table: FrozenTable,
  from: number,
  to: number,
  range: KeyGroupRange,
): KeyGroupOrder {
  const groupCount = range.end - range.start + 1
  const starts = new Int32Array(groupCount + 1)
  const keyGroups = new Uint16Array(to - from)
  table.keyGroups(from, to, keyGroups)
  const stray = countGroups(keyGroups, range.start, groupCount, starts)
  if (stray >= 0) {
    throw stateError(
      'STATE_SNAPSHOT_INVALID',
      `Row ${from + stray} of state '${table.name}' is in key group ${keyGroups[stray]}, outside ${range.start}–${range.end}.`,
    )
  }
  for (let g = 0; g < groupCount; g++) starts[g + 1] += starts[g]
  const positions = new Int32Array(starts[groupCount])
  const next = starts.slice(0, groupCount)
  for (let at = 0; at < keyGroups.length; at++) {
    if (keyGroups[at] !== NO_KEY_GROUP) positions[next[keyGroups[at] - range.start]++] = from + at
  }
  return { positions, starts }
}

/** Adds each entry to `starts[group + 1]`; returns the first one outside the range, or −1. */
function countGroups(
  keyGroups: Uint16Array,
  groupStart: number,
  groupCount: number,
  starts: Int32Array,
): number {
  for (let at = 0; at < keyGroups.length; at++) {
    if (keyGroups[at] === NO_KEY_GROUP) continue
    const group = keyGroups[at] - groupStart
    if (group < 0 || group >= groupCount) return at
    starts[group + 1]++
  }
  return -1
}
