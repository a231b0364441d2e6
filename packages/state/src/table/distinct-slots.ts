/** Each slot once, by a mark in its record: no set, no sort. */
import type { RecordMemory } from '@millrace/core'
import { MARK } from './record-layout.ts'

/**
 * Each of `slots[0 … count)` other than 0 once, in order of first appearance, in `into`; gives how
 * many. Marks are gone again when it returns.
 */
export function distinctSlots(
  { ints, stride }: RecordMemory,
  slots: Int32Array,
  count: number,
  into: Int32Array,
): number {
  const strideInts = stride * 2
  let found = 0
  for (let i = 0; i < count; i++) {
    const slot = slots[i] as number
    const at = slot * strideInts + 1
    const flags = ints[at] as number
    if ((flags & MARK) !== 0) continue
    ints[at] = flags | MARK
    into[found] = slot
    found += slot === 0 ? 0 : 1
  }
  ints[1] = 0
  for (let i = 0; i < found; i++) {
    const at = (into[i] as number) * strideInts + 1
    ints[at] = (ints[at] as number) & ~MARK
  }
  return found
}
