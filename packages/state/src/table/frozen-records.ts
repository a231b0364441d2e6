/**
 * FrozenRecords: a resident table as it was at a barrier, for the segment writer.
 *
 * Positions are slots. Invariant: it reads pages as frozen and the text heap of that moment, whose
 * entries never change. Entries whose time to live was over at the barrier are left out.
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
import { LIVE, type RecordLayout } from './record-layout.ts'
import { type FrozenPages, PAGE_SHIFT } from './record-pages.ts'
import type { TextHeap } from './text-heap.ts'

export class FrozenRecords implements FrozenTable {
  readonly name: string
  readonly schema: Schema
  readonly since = null
  readonly maxParallelism: number
  readonly expiry?: StoredExpiry
  readonly #layout: RecordLayout
  readonly #pages: FrozenPages
  readonly #texts: TextHeap
  /** What was written then or before is forgotten. */
  readonly #forgottenMs: number

  constructor(
    spec: StateTableSpec,
    layout: RecordLayout,
    pages: FrozenPages,
    texts: TextHeap,
    settings: { readonly maxParallelism: number; readonly expiry: StoredExpiry | null },
  ) {
    const { maxParallelism, expiry } = settings
    this.name = spec.name
    this.schema = storedSchemaOf(spec)
    this.#layout = layout
    this.#pages = pages
    this.#texts = texts
    this.maxParallelism = maxParallelism
    if (expiry !== null) this.expiry = expiry
    this.#forgottenMs = expiry === null ? Number.NEGATIVE_INFINITY : expiry.atMs - expiry.ttlMs
  }

  get positionCount(): number {
    return this.#pages.slotCount
  }

  keyGroups(from: number, to: number, into: Uint16Array): void {
    const { stride, keyHashInt } = this.#layout
    const strideInts = stride * 2
    for (let slot = from; slot < to; ) {
      const page = slot >>> PAGE_SHIFT
      const ints = this.#pages.page(page)
      const end = Math.min(to, (page + 1) << PAGE_SHIFT)
      let at = this.#pages.offsetOf(page) + (slot - (page << PAGE_SHIFT)) * strideInts
      for (; slot < end; slot++, at += strideInts) {
        into[slot - from] =
          ((ints[at + 1] as number) & LIVE) === 0
            ? NO_KEY_GROUP
            : keyGroupOf(ints[at + keyHashInt] as number, this.maxParallelism)
      }
    }
    if (this.expiry !== undefined) this.#leaveOutForgotten(from, to, into)
  }

  #leaveOutForgotten(from: number, to: number, into: Uint16Array): void {
    const { stride, writtenWord } = this.#layout
    for (let slot = from; slot < to; ) {
      const page = slot >>> PAGE_SHIFT
      const ints = this.#pages.page(page)
      const words = new Float64Array(ints.buffer, ints.byteOffset, ints.length >> 1)
      const end = Math.min(to, (page + 1) << PAGE_SHIFT)
      const first = (this.#pages.offsetOf(page) >> 1) - (page << PAGE_SHIFT) * stride + writtenWord
      for (; slot < end; slot++) {
        if ((words[first + slot * stride] as number) <= this.#forgottenMs) {
          into[slot - from] = NO_KEY_GROUP
        }
      }
    }
  }

  /** The hash of the key of each position with an entry; 0 in `live` where there is none. */
  keyHashes(into: Int32Array, live: Uint8Array): void {
    const { stride, keyHashInt } = this.#layout
    const strideInts = stride * 2
    for (let slot = 0; slot < this.positionCount; ) {
      const page = slot >>> PAGE_SHIFT
      const ints = this.#pages.page(page)
      const end = Math.min(this.positionCount, (page + 1) << PAGE_SHIFT)
      let at = this.#pages.offsetOf(page) + (slot - (page << PAGE_SHIFT)) * strideInts
      for (; slot < end; slot++, at += strideInts) {
        into[slot] = ints[at + keyHashInt] as number
        live[slot] = ((ints[at + 1] as number) & LIVE) === 0 ? 0 : 1
      }
    }
  }

  /** What the text words of records are entries of. */
  get texts(): TextHeap {
    return this.#texts
  }

  /** The record of a slot as a copy at `into[at …]`. */
  copyRecord(slot: number, into: Int32Array, at: number): void {
    const page = slot >>> PAGE_SHIFT
    const strideInts = this.#layout.stride * 2
    const from = this.#pages.offsetOf(page) + (slot - (page << PAGE_SHIFT)) * strideInts
    copyInts(this.#pages.page(page), from, into, at, strideInts)
  }

  keyGroupAt(slot: number): number {
    const page = slot >>> PAGE_SHIFT
    const { stride, keyHashInt } = this.#layout
    const ints = this.#pages.page(page)
    const at = this.#pages.offsetOf(page) + (slot - (page << PAGE_SHIFT)) * stride * 2
    if (((ints[at + 1] as number) & LIVE) === 0) return NO_KEY_GROUP
    return keyGroupOf(ints[at + keyHashInt] as number, this.maxParallelism)
  }

  gather(positions: Int32Array, count: number): ColumnBatch {
    const untouched = this.#pages.untouched
    if (untouched !== null) return this.#rows(this.#memory(untouched), positions, count)
    const { stride } = this.#layout
    const strideInts = stride * 2
    const ints = new Int32Array(count * strideInts)
    const slots = new Int32Array(count)
    for (let i = 0; i < count; i++) {
      const slot = positions[i] as number
      const page = slot >>> PAGE_SHIFT
      const source = this.#pages.page(page)
      const at = this.#pages.offsetOf(page) + (slot - (page << PAGE_SHIFT)) * strideInts
      for (let n = 0; n < strideInts; n++) ints[i * strideInts + n] = source[at + n] as number
      slots[i] = i
    }
    return this.#rows(this.#memory(ints), slots, count)
  }

  releaseBefore(position: number): void {
    this.#pages.releaseBefore(position)
  }

  release(): void {
    this.#pages.release()
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
