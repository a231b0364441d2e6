/**
 * InputChannel: the consumer's end of one channel — a queue of received segments and the credits
 * that fill it.
 *
 * Between a connection and the subtask's input. Exclusive credits are the channel's own and come
 * back as its segments are consumed; floating ones are lent by the gate while the producer has a
 * backlog. Invariants: outstanding credits plus queued segments never exceed what was granted;
 * sequence numbers arrive without a gap.
 */
import type { CheckpointBarrier } from '@millrace/core'
import type { Segment, SegmentPool } from '../buffer/segment-pool.ts'
import { networkError } from '../error-codes.ts'
import { decodeBarrier } from '../wire/element-wire.ts'
import type { SentBarrier } from '../wire/frame.ts'
import { ElementReader } from './element-reader.ts'

/** What the channel tells its gate. */
export interface ChannelOwner {
  channelReadable(channel: InputChannel): void
  channelFailed(channel: InputChannel, error: unknown): void
  /**
   * A barrier stands behind what the channel has received; `isInBand`: it will be read there, else
   * it has overtaken what comes.
   */
  channelHasBarrier(channel: InputChannel, barrier: CheckpointBarrier, isInBand: boolean): void
  /** Takes one of the gate's floating buffers; false when none is left. */
  borrowFloating(): boolean
  returnFloating(): void
}

/** How the channel reaches its producer. */
export interface CreditSink {
  sendCredits(credits: number): void
  close(): void
}

export class InputChannel {
  /** Number in the subtask's input, over all gates. */
  readonly index: number
  readonly gate: number
  /** For errors, e.g. `gate 0, channel 2 from <attempt>`. */
  readonly description: string
  readonly reader: ElementReader
  readonly exclusiveCredits: number
  readonly #pool: SegmentPool
  readonly #owner: ChannelOwner
  #queue: Segment[] = []
  #queueHead = 0
  #sink: CreditSink | null = null
  /**
   * Segments granted and not yet recycled: outstanding credits plus those that are queued or being
   * read.
   */
  #held: number
  #outstanding: number
  #backlog = 0
  #expectedSequence = 0
  #finished = false
  #closed = false
  /** Which barrier came last ahead of what follows it, and how many segments had come by then. */
  #overtakenBy = -1
  #overtakenAt = 0
  /** What comes between the taking of a checkpoint and its barrier. */
  #recorded: Uint8Array[] | null = null
  bytesIn = 0
  segmentsIn = 0

  constructor(
    place: { readonly index: number; readonly gate: number; readonly description: string },
    exclusiveCredits: number,
    pool: SegmentPool,
    owner: ChannelOwner,
  ) {
    this.index = place.index
    this.gate = place.gate
    this.description = place.description
    this.exclusiveCredits = exclusiveCredits
    this.#pool = pool
    this.#owner = owner
    this.#held = exclusiveCredits
    this.#outstanding = exclusiveCredits
    this.reader = new ElementReader(
      () => this.#take(),
      (segment) => this.#recycle(segment),
    )
  }

  /** Segments received and not yet read. */
  get queuedSegments(): number {
    return this.#queue.length - this.#queueHead
  }

  get queuedBytes(): number {
    let sum = 0
    for (let i = this.#queueHead; i < this.#queue.length; i++) {
      sum += (this.#queue[i] as Segment).length
    }
    return sum
  }

  /** The producer has closed the channel and everything has been read. */
  get isExhausted(): boolean {
    return this.#finished && this.queuedSegments === 0
  }

  connect(sink: CreditSink): void {
    if (this.#closed) sink.close()
    else this.#sink = sink
  }

  /** A DATA frame's segment; `bytes` are copied. */
  receive(sequence: number, backlog: number, bytes: Uint8Array): void {
    if (this.#closed) return
    if (sequence !== this.#expectedSequence || this.#outstanding === 0) {
      this.fail(
        networkError(
          'NETWORK_PROTOCOL_VIOLATION',
          `Received buffer ${sequence} on ${this.description}, expected ${this.#expectedSequence} with ${this.#outstanding} credits left.`,
        ),
      )
      return
    }
    if (bytes.length > this.#pool.segmentBytes || (bytes.length & 7) !== 0) {
      this.fail(
        networkError(
          'NETWORK_PROTOCOL_VIOLATION',
          `Received a buffer of ${bytes.length} bytes on ${this.description}; segments have ${this.#pool.segmentBytes}.`,
          { hint: 'set taskmanager.memory.segment-size alike on all TaskManagers' },
        ),
      )
      return
    }
    this.#expectedSequence++
    this.#outstanding--
    const segment = this.#pool.acquire()
    segment.bytes.set(bytes)
    segment.length = bytes.length
    this.bytesIn += bytes.length
    this.segmentsIn++
    this.#queue.push(segment)
    this.#recorded?.push(bytes.slice())
    this.#backlog = backlog
    this.#borrow()
    this.#owner.channelReadable(this)
  }

  /** An END frame: nothing follows. */
  receiveEnd(sequence: number): void {
    if (this.#closed) return
    if (!this.#isInOrder(sequence, 'closed it')) return
    this.#finished = true
    this.#owner.channelReadable(this)
  }

  /**
   * A BARRIER frame: it stands behind all that has come; the last of it, or ahead of all that the
   * producer has not sent yet.
   */
  receiveBarrier({ sequence, isInBand, order }: SentBarrier): void {
    if (this.#closed || !this.#isInOrder(sequence, 'let a barrier overtake')) return
    let barrier: CheckpointBarrier
    try {
      barrier = decodeBarrier(order)
    } catch (error) {
      this.fail(error)
      return
    }
    this.#recorded = null
    this.#overtakenBy = barrier.order.id
    this.#overtakenAt = sequence
    this.#owner.channelHasBarrier(this, barrier, isInBand)
  }

  /**
   * A copy of what has come ahead of the checkpoint's barrier and is not read; while the barrier is
   * missing, what comes is added to it.
   */
  record(checkpointId: number): Uint8Array[] {
    const isOvertaken = this.#overtakenBy === checkpointId
    const behind = isOvertaken ? this.#expectedSequence - this.#overtakenAt : 0
    const bytes = this.reader.unread()
    for (let i = this.#queueHead; i < this.#queue.length - behind; i++) {
      const segment = this.#queue[i] as Segment
      bytes.push(segment.bytes.slice(0, segment.length))
    }
    this.#recorded = isOvertaken ? null : bytes
    return bytes
  }

  stopRecording(): void {
    this.#recorded = null
  }

  #isInOrder(sequence: number, what: string): boolean {
    if (sequence === this.#expectedSequence) return true
    this.fail(
      networkError(
        'NETWORK_PROTOCOL_VIOLATION',
        `The producer of ${this.description} ${what} after ${sequence} buffers, ${this.#expectedSequence} arrived.`,
      ),
    )
    return false
  }

  /** The producer's side is gone. Harmless once it has ended in order. */
  fail(error: unknown): void {
    if (this.#closed || this.#finished) return
    this.#owner.channelFailed(this, error)
  }

  /** Lends itself floating buffers while the producer has a backlog. */
  #borrow(): void {
    let borrowed = 0
    while (
      !this.#finished &&
      this.#outstanding + borrowed < this.#backlog &&
      this.#owner.borrowFloating()
    ) {
      borrowed++
    }
    if (borrowed > 0) {
      this.#held += borrowed
      this.#grant(borrowed)
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.reader.release()
    for (let i = this.#queueHead; i < this.#queue.length; i++) {
      this.#pool.release(this.#queue[i] as Segment)
    }
    this.#queue = []
    this.#queueHead = 0
    this.#sink?.close()
    this.#sink = null
  }

  #grant(credits: number): void {
    this.#outstanding += credits
    this.#sink?.sendCredits(credits)
  }

  #take(): Segment | null {
    if (this.#queueHead === this.#queue.length) return null
    const segment = this.#queue[this.#queueHead++] as Segment
    if (this.#queueHead === this.#queue.length) {
      this.#queue.length = 0
      this.#queueHead = 0
    } else if (this.#queueHead > 64) {
      this.#queue.splice(0, this.#queueHead)
      this.#queueHead = 0
    }
    return segment
  }

  #recycle(segment: Segment): void {
    this.#pool.release(segment)
    this.#held--
    if (this.#closed) return
    if (this.#held < this.exclusiveCredits) {
      this.#held++
      this.#grant(1)
    } else {
      this.#owner.returnFloating()
      this.#borrow()
    }
  }
}
