/**
 * MergedRecords: the entries of one partition as a checkpoint finds them, side by side in memory.
 *
 * Between a merge and the segment writer, for as long as the writer needs them.
 */
import { StringPool } from '@millrace/core'
import { giveBack } from '../table/give-back.ts'
import { GrowableMemory } from '../table/growable-memory.ts'
import { copyInts } from '../table/record-columns.ts'
import { TextHeap } from '../table/text-heap.ts'
import type { MergeTarget } from './merge-runs.ts'
import type { BlockShape, RecordBlock } from './record-block.ts'

const ROWS_AT_START_MAX = 1024

export class MergedRecords implements MergeTarget {
  texts = new TextHeap()
  rowCount = 0
  readonly #shape: BlockShape
  readonly #memory: GrowableMemory
  readonly #text = new BlockText()
  #capacity: number

  /** For up to `rowsMax` rows. */
  constructor(shape: BlockShape, rowsMax: number) {
    this.#shape = shape
    this.#capacity = Math.min(ROWS_AT_START_MAX, rowsMax)
    this.#memory = new GrowableMemory(shape.layout.stride, this.#capacity)
  }

  get ints(): Int32Array {
    return this.#memory.views.ints
  }

  addRecord(block: RecordBlock, at: number): void {
    if (this.rowCount === this.#capacity) {
      this.#capacity = this.#memory.grow(this.#capacity + 1)
    }
    const { ints, words, stride } = this.#memory.views
    const row = this.rowCount++
    const { strideInts } = block
    const to = row * strideInts
    copyInts(block.ints, at, ints, to, strideInts)
    for (const word of this.#shape.textWords) {
      words[row * stride + word] = this.#text.into(this.texts, block, at + word * 2)
    }
  }

  /** Nobody reads it any more. */
  giveBack(): void {
    giveBack(this.ints)
  }

  /** The first `count` rows go; texts when all do. */
  dropFirst(count: number): void {
    const { strideInts } = this
    this.ints.copyWithin(0, count * strideInts, this.rowCount * strideInts)
    this.rowCount -= count
    if (this.rowCount === 0) this.texts = new TextHeap()
  }

  get strideInts(): number {
    return this.#shape.layout.stride * 2
  }
}

/** A text of a block, to be copied: one at a time. */
export class BlockText {
  readonly #pool = new StringPool(new Uint8Array(0), new Int32Array(1), new Int32Array(1), 1, 0)

  /** The entry of its copy in `texts`; -1: NULL. `at`: the integers that say where it is. */
  into(texts: TextHeap, block: RecordBlock, at: number): number {
    const start = block.ints[at] as number
    if (start < 0) return -1
    const pool = this.#pool
    pool.bytes = block.bytes
    pool.starts[0] = block.textStart + start
    pool.lengths[0] = block.ints[at + 1] as number
    return texts.add(pool, 0)
  }
}
