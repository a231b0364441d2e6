/**
 * A data-plane connection over one TCP socket.
 *
 * Reading begins when `onFrame` is given, so that no frame is lost between connecting and
 * listening. `close` sends what was sent before it, then a goodbye; the peer closes in turn. An
 * end without goodbye is an error on the other side.
 */
import type { Socket } from 'node:net'
import { platformError } from '../../error-codes.ts'
import type { Address, DataConnection } from '../../transport.ts'
import { ConnectionEvents } from './connection-events.ts'
import { frameLength, GOODBYE } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import { SegmentWriter } from './segment-writer.ts'

/**
 * How long `close` waits for the peer to take the rest and close, before it cuts the connection.
 */
const CLOSE_TIMEOUT_MS = 5000

export class TcpConnection implements DataConnection {
  readonly #socket: Socket
  readonly #peer: Address
  readonly #frameMaxBytes: number
  readonly #events = new ConnectionEvents()
  readonly #reader: FrameReader
  readonly #writer: SegmentWriter
  #closing = false
  #error: Error | null = null

  /** The socket must be paused; its bytes are passed to `received`. */
  constructor(socket: Socket, peer: Address, frameMaxBytes: number) {
    this.#socket = socket
    this.#peer = peer
    this.#frameMaxBytes = frameMaxBytes
    this.#reader = new FrameReader((frame) => {
      if (!this.#closing) this.#events.frame(frame)
    }, frameMaxBytes)
    this.#writer = new SegmentWriter((bytes, written) => socket.write(bytes, written))
    socket.on('error', (error) => {
      this.#error ??= this.#lost(error.message, error)
    })
    socket.on('close', () => this.#ended())
    socket.on('end', () => {
      if (!this.#reader.ended && !this.#closing) {
        this.#error ??= this.#lost('it ended without a goodbye')
      }
      this.#close()
    })
  }

  /** Bytes from the socket; never throws. */
  received(bytes: Uint8Array, length: number): void {
    try {
      this.#reader.push(bytes, length)
    } catch (error) {
      this.#error ??= error as Error
      this.#socket.destroy()
    }
  }

  /**
   * Throws DATA_FRAME_TOO_LARGE, DATA_CONNECTION_CLOSED (after `close`); after a lost connection
   * it does nothing.
   */
  send(parts: readonly Uint8Array[]): void {
    const length = frameLength(parts, this.#frameMaxBytes)
    if (this.#socket.destroyed || this.#socket.readableEnded) return
    if (this.#closing) {
      throw platformError('DATA_CONNECTION_CLOSED', `The connection to ${this.#peer} is closed.`)
    }
    this.#writer.append(length, parts)
  }

  bufferedBytes(): number {
    return this.#events.closed ? 0 : this.#writer.unwrittenBytes
  }

  onFrame(handler: (frame: Uint8Array) => void): void {
    this.#events.setFrameHandler(handler)
    this.#socket.resume()
  }

  onClose(handler: (error: Error | null) => void): void {
    this.#events.addCloseHandler(handler)
  }

  close(): void {
    this.#close()
    // Without a frame handler nothing was read so far; the peer's end must still be seen.
    this.#socket.resume()
  }

  /** Cuts the connection, without a goodbye. */
  destroy(): void {
    this.#socket.destroy()
  }

  #close(): void {
    if (this.#closing || this.#socket.destroyed) return
    this.#closing = true
    this.#writer.append(GOODBYE, [])
    this.#writer.flush()
    this.#socket.end()
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_TIMEOUT_MS)
    timer.unref()
    this.#socket.on('close', () => clearTimeout(timer))
  }

  #ended(): void {
    if (this.#reader.ended && this.#error?.cause !== undefined) this.#error = null
    const orderly = this.#reader.ended || this.#closing
    this.#events.close(this.#error ?? (orderly ? null : this.#lost('it was cut off')))
  }

  #lost(reason: string, cause?: unknown): Error {
    return platformError(
      'DATA_CONNECTION_LOST',
      `The data connection to ${this.#peer} was lost: ${reason}.`,
      { hint: 'The process at the other end has probably ended; its log tells why.', cause },
    )
  }
}
