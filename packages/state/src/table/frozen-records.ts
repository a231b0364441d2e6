/**
 * FrozenRecords: a resident table as it was at a barrier, for the segment writer.
 *
 * Positions are slots. Invariant: it reads records as frozen and the text heap of that moment,
 * whose entries never change. Entries whose time to live was over at the barrier are left out.
 */
import {
  ColumnBatch,
  type FrozenTable,
  keyGroupOf,
  NO_KEY_GROUP,
  type RecordMemory,
  type Schema,
  type StateTableSpec,
  type StoredExpiry,
  storedSchemaOf,
} from '@millrace/core'
import { copyInts, gatherField } from './record-columns.ts'
import type { FrozenCopies } from './record-copies.ts'
import { LIVE, type RecordLayout } from './record-layout.ts'
import type { TextHeap } from './text-heap.ts'

export class FrozenRecords implements FrozenTable {
  readonly name: string
  readonly schema: Schema
  readonly since = null
  readonly maxParallelism: number
  readonly expiry?: StoredExpiry
  readonly #layout: RecordLayout
  readonly #copies: FrozenCopies
  readonly #texts: TextHeap
  /** What was written then or before is forgotten. */
  readonly #forgottenMs: number

  constructor(
    spec: StateTableSpec,
    layout: RecordLayout,
    copies: FrozenCopies,
    texts: TextHeap,
    settings: { readonly maxParallelism: number; readonly expiry: StoredExpiry | null },
  ) {
    const { maxParallelism, expiry } = settings
    this.name = spec.name
    this.schema = storedSchemaOf(spec)
    this.#layout = layout
    this.#copies = copies
    this.#texts = texts
    this.maxParallelism = maxParallelism
    if (expiry !== null) this.expiry = expiry
    this.#forgottenMs = expiry === null ? Number.NEGATIVE_INFINITY : expiry.atMs - expiry.ttlMs
  }

  get positionCount(): number {
    return this.#copies.slotCount
  }

  keyGroups(from: number, to: number, into: Uint16Array): void {
    const { keyHashInt } = this.#layout
    const copies = this.#copies
    for (let slot = from; slot < to; slot++) {
      const at = copies.locate(slot)
      const { ints } = copies
      into[slot - from] =
        ((ints[at + 1] as number) & LIVE) === 0
          ? NO_KEY_GROUP
          : keyGroupOf(ints[at + keyHashInt] as number, this.maxParallelism)
    }
    if (this.expiry !== undefined) this.#leaveOutForgotten(from, to, into)
  }

  #leaveOutForgotten(from: number, to: number, into: Uint16Array): void {
    const copies = this.#copies
    const double = new Int32Array(2)
    const written = new Float64Array(double.buffer)
    for (let slot = from; slot < to; slot++) {
      const at = copies.locate(slot) + this.#layout.writtenWord * 2
      double[0] = copies.ints[at] as number
      double[1] = copies.ints[at + 1] as number
      if ((written[0] as number) <= this.#forgottenMs) into[slot - from] = NO_KEY_GROUP
    }
  }

  /** Of slots from … to the hash of the key at `into[0 …]`; 0 in `live` where there is no entry. */
  keyHashes(from: number, to: number, into: Int32Array, live: Uint8Array): void {
    const { keyHashInt } = this.#layout
    const copies = this.#copies
    for (let slot = from; slot < to; slot++) {
      const at = copies.locate(slot)
      const { ints } = copies
      into[slot - from] = ints[at + keyHashInt] as number
      live[slot - from] = ((ints[at + 1] as number) & LIVE) === 0 ? 0 : 1
    }
  }

  /** Of slots from … to a word, as a double, at `into[0 …]`. */
  doubles(from: number, to: number, word: number, into: Float64Array): void {
    const copies = this.#copies
    const double = new Int32Array(into.buffer, into.byteOffset, into.length * 2)
    for (let slot = from; slot < to; slot++) {
      const at = copies.locate(slot) + word * 2
      double[(slot - from) * 2] = copies.ints[at] as number
      double[(slot - from) * 2 + 1] = copies.ints[at + 1] as number
    }
  }

  integerAt(slot: number, int: number): number {
    const at = this.#copies.locate(slot)
    return this.#copies.ints[at + int] as number
  }

  /** Nothing else is read: a bit a slot, which does not change any more. */
  restrictTo(wanted: Int32Array): void {
    this.#copies.restrictTo(wanted)
  }

  /** Entries with other hashes of their keys are read no more; what is needed becomes less. */
  needOnly(isNeeded: (keyHash: number) => boolean): void {
    this.#copies.needOnly(this.#layout.keyHashInt, isNeeded)
  }

  /** What the text words of records are entries of. */
  get texts(): TextHeap {
    return this.#texts
  }

  /** The record of a slot as a copy at `into[at …]`. */
  copyRecord(slot: number, into: Int32Array, at: number): void {
    const from = this.#copies.locate(slot)
    copyInts(this.#copies.ints, from, into, at, this.#layout.stride * 2)
  }

  keyGroupAt(slot: number): number {
    const at = this.#copies.locate(slot)
    const { ints } = this.#copies
    if (((ints[at + 1] as number) & LIVE) === 0) return NO_KEY_GROUP
    return keyGroupOf(ints[at + this.#layout.keyHashInt] as number, this.maxParallelism)
  }

  gather(positions: Int32Array, count: number): ColumnBatch {
    const untouched = this.#copies.untouched
    if (untouched !== null) return this.#rows(this.#memory(untouched), positions, count)
    const strideInts = this.#layout.stride * 2
    const ints = new Int32Array(count * strideInts)
    const slots = new Int32Array(count)
    for (let i = 0; i < count; i++) {
      this.copyRecord(positions[i] as number, ints, i * strideInts)
      slots[i] = i
    }
    return this.#rows(this.#memory(ints), slots, count)
  }

  releaseBefore(position: number): void {
    this.#copies.releaseBefore(position)
  }

  release(): void {
    this.#copies.release()
  }

  #memory(ints: Int32Array): RecordMemory {
    const buffer = ints.buffer as ArrayBuffer
    const [words, longs] = [new Float64Array(buffer), new BigInt64Array(buffer)]
    return { stride: this.#layout.stride, words, longs, ints }
  }

  #rows(memory: RecordMemory, slots: Int32Array, count: number): ColumnBatch {
    const columns = this.#layout.stored.map((place) =>
      gatherField(place, memory, this.#texts, slots, 0, count),
    )
    return new ColumnBatch(count, columns)
  }
}
