/**
 * Subpartition: the producer's end of one channel — elements in, segments out as far as credits
 * reach.
 *
 * Between a result partition and a connection. Elements are appended to an open segment; a full or
 * flushed one is sent when the consumer has given credit, else it waits here. Invariant: segments
 * leave in order, each with the next sequence number, never more than credits.
 */
import type { Segment, SegmentPool } from '../buffer/segment-pool.ts'
import { ELEMENT_HEADER_BYTES, paddedLength } from '../wire/element-wire.ts'

/** Where a subpartition's segments go: one channel of a connection. */
export interface SegmentSink {
  /** The bytes may be reused when this returns. */
  sendSegment(sequence: number, backlog: number, bytes: Uint8Array): void
  sendEnd(sequence: number): void
}

export class Subpartition {
  readonly #pool: SegmentPool
  readonly #onRelease: (count: number) => void
  readonly #onAcquire: () => void
  #open: Segment | null = null
  #ready: Segment[] = []
  #readyHead = 0
  #sink: SegmentSink | null = null
  #credits = 0
  #sequence = 0
  #finished = false
  #ended = false
  #released = false
  /** Totals for metrics. */
  bytesOut = 0
  segmentsOut = 0

  constructor(pool: SegmentPool, onAcquire: () => void, onRelease: (count: number) => void) {
    this.#pool = pool
    this.#onAcquire = onAcquire
    this.#onRelease = onRelease
  }

  /** Filled segments that wait for credit. */
  get backlog(): number {
    return this.#ready.length - this.#readyHead
  }

  /** Whether rows wait in a segment that is not full. */
  get hasOpenData(): boolean {
    return this.#open !== null
  }

  /** Copies one element in, over as many segments as it takes. */
  append(kind: number, payload: Uint8Array, length: number): void {
    if (this.#released) return
    let segment = this.#openSegment()
    segment.view.setUint32(segment.length, length, true)
    segment.view.setUint32(segment.length + 4, kind, true)
    segment.length += ELEMENT_HEADER_BYTES
    const padded = paddedLength(length)
    let done = 0
    while (done < padded) {
      if (segment.length === segment.bytes.length) {
        this.#closeSegment()
        segment = this.#openSegment()
      }
      const room = Math.min(segment.bytes.length - segment.length, padded - done)
      const copied = Math.min(room, length - done)
      if (copied > 0) {
        segment.bytes.set(payload.subarray(done, done + copied), segment.length)
      }
      if (copied < room) {
        segment.bytes.fill(0, segment.length + Math.max(0, copied), segment.length + room)
      }
      segment.length += room
      done += room
    }
    if (segment.length === segment.bytes.length) this.#closeSegment()
  }

  /** Makes everything appended so far visible to the consumer. */
  flush(): void {
    if (this.#open !== null) this.#closeSegment()
  }

  /** Connects the consumer; credits may follow. */
  attach(sink: SegmentSink, credits: number): void {
    this.#sink = sink
    this.#credits = credits
    this.#pump()
  }

  get isAttached(): boolean {
    return this.#sink !== null
  }

  addCredits(credits: number): void {
    this.#credits += credits
    this.#pump()
  }

  /** Nothing more will be appended; the consumer is told after the last segment. */
  finish(): void {
    this.flush()
    this.#finished = true
    this.#pump()
  }

  /** All segments have been sent, and the end too. */
  get isDrained(): boolean {
    return this.#ended || this.#released
  }

  /** Drops what is left (the consumer is gone, or the task failed). */
  release(): void {
    if (this.#released) return
    this.#released = true
    let count = 0
    if (this.#open !== null) {
      this.#pool.release(this.#open)
      this.#open = null
      count++
    }
    for (let i = this.#readyHead; i < this.#ready.length; i++) {
      this.#pool.release(this.#ready[i] as Segment)
      count++
    }
    this.#ready = []
    this.#readyHead = 0
    this.#sink = null
    if (count > 0) this.#onRelease(count)
  }

  #openSegment(): Segment {
    if (this.#open === null) {
      this.#open = this.#pool.acquire()
      this.#onAcquire()
    }
    return this.#open
  }

  #closeSegment(): void {
    this.#ready.push(this.#open as Segment)
    this.#open = null
    this.#pump()
  }

  #pump(): void {
    const sink = this.#sink
    if (sink === null) return
    let sent = 0
    while (this.#credits > 0 && this.#readyHead < this.#ready.length) {
      const segment = this.#ready[this.#readyHead++] as Segment
      this.#credits--
      this.bytesOut += segment.length
      this.segmentsOut++
      sink.sendSegment(
        this.#sequence++,
        this.#ready.length - this.#readyHead,
        segment.bytes.subarray(0, segment.length),
      )
      this.#pool.release(segment)
      sent++
    }
    if (this.#readyHead === this.#ready.length && this.#readyHead > 0) {
      this.#ready.length = 0
      this.#readyHead = 0
    } else if (this.#readyHead > 64) {
      this.#ready.splice(0, this.#readyHead)
      this.#readyHead = 0
    }
    if (this.#finished && !this.#ended && this.#ready.length === 0) {
      this.#ended = true
      sink.sendEnd(this.#sequence)
    }
    if (sent > 0) this.#onRelease(sent)
  }
}
