/**
 * ElementReader: a channel's segments back into elements.
 *
 * Inside an input channel. An element that lies in one segment is handed out in place; one that
 * goes on in further segments is collected in a scratch array of its own, each segment being
 * recycled as soon as its bytes are copied (so an element larger than all the channel's credits
 * together still arrives). Invariant: an element's bytes stay valid until the next call of `next`.
 */
import type { Segment } from '../buffer/segment-pool.ts'
import { networkError } from '../error-codes.ts'
import { ELEMENT_BYTES_MAX, ELEMENT_HEADER_BYTES, paddedLength } from '../wire/element-wire.ts'

/** A larger scratch array is given up with the element that needed it. */
const SCRATCH_BYTES_KEPT = 256 * 1024
const NO_BYTES = new Uint8Array(0)

export class ElementReader {
  /** Of the element that `next` found. */
  kind = 0
  /** The element's bytes, starting at `start` (a multiple of 8). */
  bytes: Uint8Array = NO_BYTES
  start = 0
  length = 0

  readonly #take: () => Segment | null
  readonly #recycle: (segment: Segment) => void
  #segment: Segment | null = null
  #offset = 0
  #scratch: Uint8Array = NO_BYTES
  /** Bytes of a spanning element collected so far; -1 when none is being collected. */
  #collected = -1

  constructor(take: () => Segment | null, recycle: (segment: Segment) => void) {
    this.#take = take
    this.#recycle = recycle
  }

  /** Moves to the next whole element; false when more segments are needed. */
  next(): boolean {
    if (this.#collected < 0 && this.#scratch.length > SCRATCH_BYTES_KEPT) {
      this.#scratch = NO_BYTES
      this.bytes = NO_BYTES
    }
    for (;;) {
      const segment = this.#current()
      if (segment === null) return false
      if (this.#collected >= 0) {
        if (this.#collect(segment)) return true
        continue
      }
      const at = this.#offset
      this.length = segment.view.getUint32(at, true)
      this.kind = segment.view.getUint32(at + 4, true)
      if (this.length > ELEMENT_BYTES_MAX) {
        throw networkError(
          'NETWORK_PROTOCOL_VIOLATION',
          `Received an element that claims ${this.length} bytes.`,
        )
      }
      const padded = paddedLength(this.length)
      const start = at + ELEMENT_HEADER_BYTES
      if (start + padded <= segment.length) {
        this.bytes = segment.bytes
        this.start = start
        this.#offset = start + padded
        return true
      }
      if (this.#scratch.length < padded) this.#scratch = new Uint8Array(padded)
      this.#collected = 0
      this.#offset = start
    }
  }

  /** A copy of what is in hand behind the elements that were handed out. */
  unread(): Uint8Array[] {
    const unread: Uint8Array[] = []
    if (this.#collected >= 0) {
      const begun = new Uint8Array(ELEMENT_HEADER_BYTES + this.#collected)
      const view = new DataView(begun.buffer)
      view.setUint32(0, this.length, true)
      view.setUint32(4, this.kind, true)
      begun.set(this.#scratch.subarray(0, this.#collected), ELEMENT_HEADER_BYTES)
      unread.push(begun)
    }
    const segment = this.#segment
    if (segment !== null && this.#offset < segment.length) {
      unread.push(segment.bytes.slice(this.#offset, segment.length))
    }
    return unread
  }

  /** Bytes of scratch kept between elements. */
  get scratchBytes(): number {
    return this.#scratch.length
  }

  /** Gives back the segment in hand. */
  release(): void {
    if (this.#segment !== null) this.#recycle(this.#segment)
    this.#segment = null
  }

  /** The segment that has unread bytes; recycles the one that has none. */
  #current(): Segment | null {
    if (this.#segment !== null && this.#offset >= this.#segment.length) this.release()
    if (this.#segment === null) {
      this.#segment = this.#take()
      this.#offset = 0
    }
    return this.#segment
  }

  #collect(segment: Segment): boolean {
    const padded = paddedLength(this.length)
    const count = Math.min(padded - this.#collected, segment.length - this.#offset)
    this.#scratch.set(segment.bytes.subarray(this.#offset, this.#offset + count), this.#collected)
    this.#offset += count
    this.#collected += count
    if (this.#collected < padded) return false
    this.#collected = -1
    this.bytes = this.#scratch
    this.start = 0
    return true
  }
}
