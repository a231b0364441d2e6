/**
 * Subpartition: the producer's end of one channel — elements in, segments out as far as credits
 * reach.
 *
 * Between a result partition and a connection. Elements are written into an open segment; a full or
 * flushed one is sent when the consumer has given credit, else it waits here. Invariant: segments
 * leave in order, each with the next sequence number, never more than credits.
 */
import { WireTarget } from '@millrace/core'
import type { Segment, SegmentPool } from '../buffer/segment-pool.ts'
import { ELEMENT_HEADER_BYTES, ElementKind } from '../wire/element-wire.ts'
import type { SentBarrier } from '../wire/frame.ts'

/** Where a subpartition's segments go: one channel of a connection. */
export interface SegmentSink {
  /** The bytes may be reused when this returns. */
  sendSegment(sequence: number, backlog: number, bytes: Uint8Array): void
  sendEnd(sequence: number): void
  /** Without credit; see `SentBarrier`. */
  sendBarrier(barrier: SentBarrier): void
}

/** Writes into the open segment of a subpartition, and on into the next ones. */
class SegmentWriter extends WireTarget {
  readonly #next: (writer: SegmentWriter) => void
  constructor(next: (writer: SegmentWriter) => void) {
    super(new Uint8Array(0), 0, 0)
    this.#next = next
  }
  override nextPiece(): void {
    this.#next(this)
  }
}

interface WaitingBarrier {
  /** Of the checkpoint. */
  readonly id: number
  readonly order: Uint8Array
  /** Sequence number of the first segment behind it. */
  readonly end: number
  readonly settled: () => void
}

function copies(segments: readonly Segment[]): Uint8Array[] {
  return segments.map(({ bytes, length }) => bytes.slice(0, length))
}

export class Subpartition {
  readonly #pool: SegmentPool
  readonly #onRelease: (count: number) => void
  readonly #onAcquire: () => void
  readonly #writer = new SegmentWriter((writer) => this.#nextSegment(writer))
  #open: Segment | null = null
  #ready: Segment[] = []
  #readyHead = 0
  #sink: SegmentSink | null = null
  #credits = 0
  #sequence = 0
  #finished = false
  #ended = false
  #released = false
  /** Where the timestamp of the last element in the open segment stands; -1: it is no watermark. */
  #watermarkAt = -1
  /** A barrier that is in band and may still overtake what is before it. */
  #waiting: WaitingBarrier | null = null
  /** Barriers that have overtaken everything, while there is no consumer yet. */
  #overtaking: Uint8Array[] = []
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
    const writer = this.beginElement(kind, length)
    if (writer === null) return
    writer.append(payload.subarray(0, length))
    writer.pad(length)
    this.endElement()
  }

  /**
   * A watermark; one that follows another with nothing in between takes its place, since nobody
   * could tell the two from the later one alone.
   */
  appendWatermark(payload: Uint8Array, length: number): void {
    const open = this.#open
    if (open !== null && this.#watermarkAt >= 0) {
      for (let i = 0; i < length; i++) open.bytes[this.#watermarkAt + i] = payload[i] as number
      return
    }
    const at = (open?.length ?? 0) + ELEMENT_HEADER_BYTES
    this.append(ElementKind.WATERMARK, payload, length)
    const isWhole = this.#open !== null && this.#open.length === at + length
    this.#watermarkAt = isWhole ? at : -1
  }

  /**
   * Where to write an element of `length` bytes, padded to a multiple of 8; `endElement` follows,
   * and nothing in between. Null: nobody wants it.
   */
  beginElement(kind: number, length: number): WireTarget | null {
    if (this.#released) return null
    this.#watermarkAt = -1
    const segment = this.#openSegment()
    segment.view.setUint32(segment.length, length, true)
    segment.view.setUint32(segment.length + 4, kind, true)
    const writer = this.#writer
    writer.bytes = segment.bytes
    writer.at = segment.length + ELEMENT_HEADER_BYTES
    writer.end = segment.bytes.length
    return writer
  }

  endElement(): void {
    const segment = this.#open as Segment
    segment.length = this.#writer.at
    // The consumer may have gone while a segment of this element was sent.
    if (this.#released) this.#onRelease(this.#releaseOpen())
    else if (segment.length === segment.bytes.length) this.#closeSegment()
  }

  /** The open segment is full and the element goes on. */
  #nextSegment(writer: SegmentWriter): void {
    const full = this.#open as Segment
    full.length = full.bytes.length
    this.#closeSegment()
    const segment = this.#openSegment()
    writer.bytes = segment.bytes
    writer.at = 0
    writer.end = segment.bytes.length
  }

  /** Makes everything appended so far visible to the consumer. */
  flush(): void {
    if (this.#open !== null) this.#closeSegment()
  }

  /** Connects the consumer; credits may follow. */
  attach(sink: SegmentSink, credits: number): void {
    this.#sink = sink
    this.#credits = credits
    const sequence = this.#sequence
    for (const order of this.#overtaking) sink.sendBarrier({ sequence, isInBand: false, order })
    this.#overtaking = []
    this.#pump()
  }

  get isAttached(): boolean {
    return this.#sink !== null
  }

  addCredits(credits: number): void {
    this.#credits += credits
    this.#pump()
  }

  /**
   * Sends the barrier ahead of what is queued, and returns a copy of that: it begins where what was
   * sent ends, maybe inside an element.
   */
  overtake(order: Uint8Array): readonly Uint8Array[] {
    if (this.isDrained) return []
    this.#settleWaiting()
    this.#sendAhead(order)
    const queued = this.#ready.slice(this.#readyHead)
    if (this.#open !== null) queued.push(this.#open)
    return copies(queued)
  }

  /**
   * Puts the barrier behind what is queued. `settled`: it has been sent, has overtaken, or nobody
   * wants it any more.
   */
  passBarrier(id: number, order: Uint8Array, settled: () => void): void {
    if (this.isDrained) {
      settled()
      return
    }
    this.#settleWaiting()
    this.append(ElementKind.BARRIER, order, order.length)
    const end = this.#sequence + this.backlog + (this.#open === null ? 0 : 1)
    this.#waiting = { id, order, end, settled }
    this.flush()
    // It was the last of a segment that was full, and is on its way.
    this.#announce()
  }

  /** As `overtake`, for a barrier that `passBarrier` put here and that has not been sent. */
  overtakeLate(id: number): readonly Uint8Array[] {
    const waiting = this.#waiting
    if (waiting?.id !== id || this.isDrained) return []
    this.#sendAhead(waiting.order)
    const before = this.#readyHead + waiting.end - this.#sequence
    const queued = copies(this.#ready.slice(this.#readyHead, before))
    this.#settleWaiting()
    return queued
  }

  #sendAhead(order: Uint8Array): void {
    if (this.#sink === null) this.#overtaking.push(order)
    else this.#sink.sendBarrier({ sequence: this.#sequence, isInBand: false, order })
  }

  /** Once the waiting barrier has been sent in band. */
  #announce(): void {
    const waiting = this.#waiting
    if (waiting === null || this.#sequence < waiting.end) return
    this.#sink?.sendBarrier({ sequence: waiting.end, isInBand: true, order: waiting.order })
    this.#settleWaiting()
  }

  #settleWaiting(): void {
    const waiting = this.#waiting
    this.#waiting = null
    waiting?.settled()
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
    this.#settleWaiting()
    let count = this.#releaseOpen()
    for (let i = this.#readyHead; i < this.#ready.length; i++) {
      this.#pool.release(this.#ready[i] as Segment)
      count++
    }
    this.#ready = []
    this.#readyHead = 0
    this.#sink = null
    if (count > 0) this.#onRelease(count)
  }

  /** How many segments that gave back. */
  #releaseOpen(): number {
    if (this.#open === null) return 0
    this.#pool.release(this.#open)
    this.#open = null
    this.#watermarkAt = -1
    return 1
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
    this.#watermarkAt = -1
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
      this.#announce()
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
