/**
 * A data-plane connection between two threads of one process, over a message port.
 *
 * A frame is copied once, into a buffer that moves to the other thread. The receiver counts the
 * bytes that it has handled in shared memory, which makes `bufferedBytes` exact without a message
 * back.
 */
import type { MessagePort } from 'node:worker_threads'
import { platformError } from '../../error-codes.ts'
import type { DataConnection } from '../../transport.ts'
import { ConnectionEvents } from './connection-events.ts'
import { FRAME_HEADER_BYTES, frameLength, GOODBYE, writeFrameHeader } from './frame.ts'
import { FrameReader } from './frame-reader.ts'

/** Smaller frames of one turn of the event loop travel together in one message. */
const GATHERED_FRAME_BYTES_MAX = 8 * 1024
const GATHER_BYTES = 64 * 1024

/** Buffers of large frames come in multiples of this, so that they fit again. */
const BUFFER_STEP_BYTES = 4 * 1024
/** Handled buffers go back to their sender in one message of so many. */
const RETURNED_BUFFERS = 8
const FREE_BUFFERS_MAX = 64

/** Buffers that the peer has handled, for reuse. */
interface Returned {
  readonly buffers: readonly ArrayBuffer[]
}

interface Hello {
  /** One counter: bytes of this sender's messages that the receiver has handled, modulo 2^32. */
  readonly handled: Int32Array
}

export class PortConnection implements DataConnection {
  readonly #port: MessagePort
  readonly #frameMaxBytes: number
  readonly #events = new ConnectionEvents()
  readonly #reader: FrameReader
  /** Bytes sent to the peer, and how many of them it has handled. */
  #sentBytes = 0
  readonly #sentHandled = new Int32Array(new SharedArrayBuffer(4))
  #peerHandled: Int32Array | null = null
  #handledBuffers: ArrayBuffer[] = []
  readonly #freeBuffers: ArrayBuffer[] = []
  #gather: Uint8Array | null = null
  #gathered = 0
  #flushScheduled = false
  #closing = false
  #error: Error | null = null

  constructor(port: MessagePort, frameMaxBytes: number) {
    this.#port = port
    this.#frameMaxBytes = frameMaxBytes
    this.#reader = new FrameReader((frame) => {
      if (!this.#closing) this.#events.frame(frame)
    }, frameMaxBytes)
    port.postMessage({ handled: this.#sentHandled } satisfies Hello)
    port.on('close', () => this.#ended())
  }

  /**
   * Throws DATA_FRAME_TOO_LARGE, DATA_CONNECTION_CLOSED (after `close`); after a lost connection
   * it does nothing.
   */
  send(parts: readonly Uint8Array[]): void {
    const length = frameLength(parts, this.#frameMaxBytes)
    if (this.#events.closed || this.#reader.ended) return
    if (this.#closing) {
      throw platformError('DATA_CONNECTION_CLOSED', 'The connection to the other slot is closed.')
    }
    if (length <= GATHERED_FRAME_BYTES_MAX) this.#append(length, parts)
    else {
      this.#flush()
      const message = this.#takeBuffer(FRAME_HEADER_BYTES + length)
      fillFrame(message, 0, length, parts)
      this.#post(message)
    }
  }

  bufferedBytes(): number {
    if (this.#events.closed) return 0
    const underWay = (this.#sentBytes - Atomics.load(this.#sentHandled, 0)) >>> 0
    return underWay + this.#gathered
  }

  onFrame(handler: (frame: Uint8Array) => void): void {
    this.#events.setFrameHandler(handler)
    // Listening starts the port.
    if (this.#port.listenerCount('message') === 0) this.#port.on('message', this.#received)
  }

  onClose(handler: (error: Error | null) => void): void {
    this.#events.addCloseHandler(handler)
  }

  close(): void {
    if (this.#closing || this.#events.closed) return
    this.#append(GOODBYE, [])
    this.#closing = true
    this.#flush()
    this.#port.close()
  }

  #received = (message: unknown): void => {
    if (!(message instanceof Uint8Array)) {
      if ('handled' in (message as Hello)) this.#peerHandled = (message as Hello).handled
      else this.#reuse((message as Returned).buffers)
      return
    }
    const length = message.length
    try {
      this.#reader.push(message, length)
    } catch (error) {
      this.#error ??= error as Error
      this.#port.close()
    }
    if (this.#peerHandled !== null) Atomics.add(this.#peerHandled, 0, length)
    if (this.#reader.ended) this.#port.close()
    else if (length > GATHERED_FRAME_BYTES_MAX) this.#giveBack(message.buffer as ArrayBuffer)
  }

  /** The frame is handled, nobody looks at its buffer any more. */
  #giveBack(buffer: ArrayBuffer): void {
    this.#handledBuffers.push(buffer)
    if (this.#handledBuffers.length < RETURNED_BUFFERS) return
    const buffers = this.#handledBuffers
    this.#handledBuffers = []
    this.#port.postMessage({ buffers } satisfies Returned, buffers)
  }

  #reuse(buffers: readonly ArrayBuffer[]): void {
    for (const buffer of buffers) {
      if (this.#freeBuffers.length < FREE_BUFFERS_MAX) this.#freeBuffers.push(buffer)
    }
  }

  /** One of the right size that came back, else a new one. */
  #takeBuffer(length: number): Uint8Array {
    const size = Math.ceil(length / BUFFER_STEP_BYTES) * BUFFER_STEP_BYTES
    const free = this.#freeBuffers.pop()
    const buffer = free?.byteLength === size ? free : Buffer.allocUnsafeSlow(size).buffer
    return new Uint8Array(buffer, 0, length)
  }

  #append(length: number, parts: readonly Uint8Array[]): void {
    const bytes = FRAME_HEADER_BYTES + (length === GOODBYE ? 0 : length)
    if (GATHER_BYTES - this.#gathered < bytes) this.#flush()
    this.#gather ??= Buffer.allocUnsafeSlow(GATHER_BYTES)
    fillFrame(this.#gather, this.#gathered, length, parts)
    this.#gathered += bytes
    if (!this.#flushScheduled) {
      this.#flushScheduled = true
      process.nextTick(this.#scheduledFlush)
    }
  }

  #scheduledFlush = (): void => {
    this.#flushScheduled = false
    this.#flush()
  }

  #flush(): void {
    if (this.#gathered === 0) return
    const message = Buffer.allocUnsafeSlow(this.#gathered)
    message.set((this.#gather as Uint8Array).subarray(0, this.#gathered))
    this.#gathered = 0
    this.#post(message)
  }

  #post(message: Uint8Array): void {
    this.#sentBytes = (this.#sentBytes + message.length) >>> 0
    this.#port.postMessage(message, [message.buffer as ArrayBuffer])
  }

  #ended(): void {
    const orderly = this.#reader.ended || this.#closing
    const lost = orderly
      ? null
      : platformError('DATA_CONNECTION_LOST', 'The other slot’s thread ended.', {
          hint: 'The TaskManager’s log tells why the slot ended.',
        })
    this.#events.close(this.#error ?? lost)
  }
}

function fillFrame(
  into: Uint8Array,
  at: number,
  length: number,
  parts: readonly Uint8Array[],
): void {
  writeFrameHeader(into, at, length)
  let next = at + FRAME_HEADER_BYTES
  for (const part of parts) {
    into.set(part, next)
    next += part.length
  }
}
