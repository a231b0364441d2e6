/** Copies what records hold of one text heap into another, when most of the first is garbage. */
import type { RecordMemory } from '@millrace/core'
import type { RecordLayout } from './record-layout.ts'
import type { TextHeap } from './text-heap.ts'

/** The records of `slots` hold entries of `to` instead of those of `from`. */
export function moveTexts(
  { stored, stride }: RecordLayout,
  { words }: RecordMemory,
  slots: Int32Array,
  from: TextHeap,
  to: TextHeap,
): void {
  const places = stored.filter(({ type }) => type === 'str')
  for (const slot of slots) {
    for (const { word } of places) {
      const entry = words[slot * stride + word] as number
      if (entry >= 0) words[slot * stride + word] = to.add(from.pool, entry)
    }
  }
}
