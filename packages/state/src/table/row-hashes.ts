/** The hashes of a batch's keys, and room for what a look-up notes of its rows. */
import { type Column, ColumnBatch, hashRows } from '@millrace/core'
import { indexesTo } from './column-indexes.ts'
import type { RecordLayout } from './record-layout.ts'

export class RowHashes {
  readonly #layout: RecordLayout
  /** Of key and sub columns, and of the key alone: the same without sub columns. */
  hashes = new Int32Array(0)
  keyHashes = this.hashes
  /** Rows that are new, and those of them that have got a slot, which. */
  newRows = new Int32Array(0)
  madeRows = new Int32Array(0)
  madeSlots = new Int32Array(0)

  constructor(layout: RecordLayout) {
    this.#layout = layout
  }

  hash(columns: readonly Column[], rowCount: number): void {
    const { keyCount, keyed, keyHashInt } = this.#layout
    if (this.hashes.length < rowCount) {
      this.hashes = new Int32Array(rowCount)
      this.keyHashes = keyHashInt > 0 ? new Int32Array(rowCount) : this.hashes
      this.newRows = new Int32Array(rowCount)
      this.madeRows = new Int32Array(rowCount)
      this.madeSlots = new Int32Array(rowCount)
    }
    const batch = new ColumnBatch(rowCount, columns as Column[])
    hashRows(batch, indexesTo(keyed.length), this.hashes)
    if (keyHashInt > 0) hashRows(batch, indexesTo(keyCount), this.keyHashes)
  }
}
