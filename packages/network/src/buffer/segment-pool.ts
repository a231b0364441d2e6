/**
 * SegmentPool: the bounded network memory of one slot, in segments of equal size (32 KiB).
 *
 * Under every result partition and input gate of the slot. Each of them reserves its quota when its
 * task is deployed and is refused when the pool cannot give the least it needs; memory behind a
 * reservation is allocated when first used and recycled afterwards. Invariant: `reserved <=
 * segmentCountMax`, so that what is in use stays bounded (a producer may overdraw its quota by the
 * batch in hand).
 */
import { networkError } from '../error-codes.ts'

export class Segment {
  readonly bytes: Uint8Array
  readonly view: DataView
  /** Bytes in use, from 0. */
  length = 0
  constructor(size: number) {
    this.bytes = new Uint8Array(new ArrayBuffer(size))
    this.view = new DataView(this.bytes.buffer)
  }
}

/** Recycled segments kept beyond what is in use; the rest goes back to the garbage collector. */
const FREE_SEGMENTS_MAX = 256

export class SegmentPool {
  readonly segmentBytes: number
  readonly segmentCountMax: number
  #free: Segment[] = []
  #inUse = 0
  #reserved = 0

  constructor(segmentBytes: number, segmentCountMax: number) {
    this.segmentBytes = segmentBytes
    this.segmentCountMax = segmentCountMax
  }

  /** Segments handed out and not yet released. */
  get inUse(): number {
    return this.#inUse
  }

  get reserved(): number {
    return this.#reserved
  }

  /**
   * Sets aside up to `wanted` segments, at least `needed`; returns how many. Throws
   * NETWORK_MEMORY_INSUFFICIENT naming `owner`.
   */
  reserve(needed: number, wanted: number, owner: string): number {
    const left = this.segmentCountMax - this.#reserved
    if (left < needed) {
      throw networkError(
        'NETWORK_MEMORY_INSUFFICIENT',
        `Give the slot more network memory: ${owner} needs ${needed} buffers of ` +
          `${this.segmentBytes} bytes, ${left} of ${this.segmentCountMax} are left.`,
        {
          hint: 'raise taskmanager.memory.network.max or taskmanager.memory.network.fraction, or lower the parallelism',
          location: { optionKey: 'taskmanager.memory.network.max' },
        },
      )
    }
    const granted = Math.min(wanted, left)
    this.#reserved += granted
    return granted
  }

  unreserve(count: number): void {
    this.#reserved -= count
  }

  acquire(): Segment {
    this.#inUse++
    const segment = this.#free.pop() ?? new Segment(this.segmentBytes)
    segment.length = 0
    return segment
  }

  release(segment: Segment): void {
    this.#inUse--
    if (this.#free.length < FREE_SEGMENTS_MAX) this.#free.push(segment)
  }
}
