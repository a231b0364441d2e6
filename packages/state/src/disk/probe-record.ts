/**
 * ProbeRecord: a row of key and sub columns as a record, to compare with those of blocks.
 *
 * Made once a look-up of a table with sub columns, which compares with some fifteen records.
 */
import { type Column, copyBytes, growArray } from '@millrace/core'
import type { RecordLayout } from '../table/record-layout.ts'
import type { RecordSource } from './record-order.ts'

export class ProbeRecord implements RecordSource {
  readonly ints: Int32Array
  readonly words: Float64Array
  textBytes = new Uint8Array(64)
  readonly #longs: BigInt64Array
  readonly #layout: RecordLayout

  constructor(layout: RecordLayout) {
    const buffer = new ArrayBuffer(layout.stride * 8)
    this.ints = new Int32Array(buffer)
    this.words = new Float64Array(buffer)
    this.#longs = new BigInt64Array(buffer)
    this.#layout = layout
  }

  /** Becomes row `row` of `columns`, whose key has the hash; its first integer is 0. */
  set(columns: readonly Column[], row: number, keyHash: number): void {
    const { ints, words } = this
    const { keyed, keyHashInt } = this.#layout
    ints.fill(0)
    ints[keyHashInt] = keyHash
    let textBytes = 0
    for (let c = 0; c < keyed.length; c++) {
      const { word, nullInt, nullBit } = keyed[c] as (typeof keyed)[number]
      const column = columns[c] as Column
      const isNull = column.nulls !== null && column.nulls[row] === 1
      if (column.kind === 'str') {
        textBytes = this.#setText(word * 2, column, isNull ? -1 : row, textBytes)
      } else if (isNull) ints[nullInt] = (ints[nullInt] as number) | nullBit
      else if (column.kind === 'i64') this.#longs[word] = column.values[row] as bigint
      else words[word] = column.values[row] as number
    }
  }

  startOfText(at: number): number {
    return this.ints[at] as number
  }

  lengthOfText(at: number): number {
    return this.ints[at + 1] as number
  }

  /** `row` -1: NULL. Gives where the next text goes. */
  #setText(at: number, column: Column & { kind: 'str' }, row: number, start: number): number {
    if (row < 0) {
      this.ints[at] = -1
      return start
    }
    const { pool, codes } = column
    const entry = codes === null ? row : (codes[row] as number)
    const length = pool.lengths[entry] as number
    const end = start + length
    if (end > this.textBytes.length) this.textBytes = growArray(this.textBytes, end)
    copyBytes(pool.bytes, pool.starts[entry] as number, this.textBytes, start, length)
    this.ints[at] = start
    this.ints[at + 1] = length
    return end
  }
}
