/** What of stored rows is no key, into the records of their entries, whatever those held before. */
import type { Column, Float64Column, RecordMemory } from '@millrace/core'
import { store } from './record-columns.ts'
import type { RecordLayout } from './record-layout.ts'
import type { TextHeap } from './text-heap.ts'

/** Rows 0 … rowCount of the columns of `storedSchemaOf` to `slots`. */
export function storeStored(
  { stored, keyed, stride, writtenWord }: RecordLayout,
  columns: readonly Column[],
  rowCount: number,
  memory: RecordMemory,
  texts: TextHeap,
  slots: Int32Array,
): void {
  const { words } = memory
  for (let c = keyed.length; c < columns.length; c++) {
    const place = stored[c]!
    const column = columns[c] as Column
    for (let i = 0; i < rowCount; i++) {
      const slot = slots[i] as number
      if (place.type === 'str') texts.drop(words[slot * stride + place.word] as number)
      store(column, i, place, memory, texts, slot)
    }
  }
  if (writtenWord < 0) return
  const written = (columns[keyed.length] as Float64Column).values
  for (let i = 0; i < rowCount; i++) {
    words[(slots[i] as number) * stride + writtenWord] = written[i]!
  }
}
