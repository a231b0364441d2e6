/**
 * HashSplitter: which subpartition each row of a batch goes to, by key group.
 *
 * Inside a hash result partition. One pass hashes the key columns (the codec's: a dictionary
 * entry is hashed once in its pool's life), one maps hashes to subpartitions and counts, one deals
 * row indexes out (a counting sort, stable within a subpartition). Invariant: the mapping is
 * `subtaskOfKeyGroup(keyGroupOf(hash))`, the one that state is restored by.
 */
import { type BatchCodec, keyGroupOf, type RecordBatch, subtaskOfKeyGroup } from '@millrace/core'

export class HashSplitter {
  readonly #codec: BatchCodec
  readonly #keyColumns: readonly number[]
  readonly #maxParallelism: number
  readonly #subpartitionOfGroup: Uint16Array
  readonly #counts: Int32Array
  readonly #ends: Int32Array
  #hashes = new Int32Array(2048)
  #targets = new Uint16Array(2048)
  #rows = new Int32Array(2048)

  constructor(
    codec: BatchCodec,
    keyColumns: readonly number[],
    subpartitionCount: number,
    maxParallelism: number,
  ) {
    this.#codec = codec
    this.#keyColumns = keyColumns
    this.#maxParallelism = maxParallelism
    this.#subpartitionOfGroup = new Uint16Array(maxParallelism)
    for (let group = 0; group < maxParallelism; group++) {
      this.#subpartitionOfGroup[group] = subtaskOfKeyGroup(group, subpartitionCount, maxParallelism)
    }
    this.#counts = new Int32Array(subpartitionCount)
    this.#ends = new Int32Array(subpartitionCount)
  }

  /** Deals the rows out for `part`; returns the subpartition when all rows go to one, else -1. */
  split(batch: RecordBatch): number {
    const rowCount = batch.rowCount
    this.#ensure(rowCount)
    const hashes = this.#hashes
    const targets = this.#targets
    const counts = this.#counts
    const table = this.#subpartitionOfGroup
    const maxParallelism = this.#maxParallelism
    this.#codec.keyHashes(batch, this.#keyColumns, hashes)
    counts.fill(0)
    for (let i = 0; i < rowCount; i++) {
      const target = table[keyGroupOf(hashes[i] as number, maxParallelism)] as number
      targets[i] = target
      counts[target] = (counts[target] as number) + 1
    }
    const first = targets[0] as number
    if (counts[first] === rowCount) return first
    const ends = this.#ends
    let offset = 0
    for (let target = 0; target < counts.length; target++) {
      ends[target] = offset
      offset += counts[target] as number
    }
    const rows = this.#rows
    for (let i = 0; i < rowCount; i++) {
      const target = targets[i] as number
      const at = ends[target] as number
      rows[at] = i
      ends[target] = at + 1
    }
    return -1
  }

  /** The rows of the batch last split that go to `subpartition`; null when there are none. */
  part(batch: RecordBatch, subpartition: number): RecordBatch | null {
    const count = this.#counts[subpartition] as number
    if (count === 0) return null
    const end = this.#ends[subpartition] as number
    return this.#codec.gather(batch, this.#rows.subarray(end - count, end), count)
  }

  #ensure(rowCount: number): void {
    if (this.#hashes.length >= rowCount) return
    this.#hashes = new Int32Array(rowCount * 2)
    this.#targets = new Uint16Array(rowCount * 2)
    this.#rows = new Int32Array(rowCount * 2)
  }
}
