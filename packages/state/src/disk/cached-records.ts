/**
 * CachedRecords: the records of a table in memory as a source that compares with those of blocks.
 *
 * Made anew for each pass over a table that may have grown since.
 */
import type { RecordMemory, StringPool, TableTexts } from '@millrace/core'
import type { RecordSource } from './record-order.ts'

export class CachedRecords implements RecordSource {
  readonly ints: Int32Array
  readonly words: Float64Array
  readonly textBytes: Uint8Array
  readonly strideInts: number
  readonly #pool: StringPool

  constructor({ ints, words, stride }: RecordMemory, { pool }: Pick<TableTexts, 'pool'>) {
    this.ints = ints
    this.words = words
    this.strideInts = stride * 2
    this.textBytes = pool.bytes
    this.#pool = pool
  }

  startOfText(at: number): number {
    const entry = this.words[at >> 1] as number
    return entry < 0 ? -1 : (this.#pool.starts[entry] as number)
  }

  lengthOfText(at: number): number {
    return this.#pool.lengths[this.words[at >> 1] as number] as number
  }
}
