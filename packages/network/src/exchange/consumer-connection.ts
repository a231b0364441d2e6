/**
 * ConsumerConnection: the consumers' end of one connection — opens channels on another slot and
 * hands arriving segments to them.
 *
 * Between `DataConnection` and the input channels of a slot; all channels from one producer slot
 * share it. Invariant: a lost connection fails every channel that has not ended in order, with a
 * NETWORK_CONNECTION_LOST that names the peer.
 */
import { type ErrorData, fromErrorData } from '@millrace/core'
import type { DataConnection } from '@millrace/platform'
import { networkError } from '../error-codes.ts'
import type { InputChannel } from '../input/input-channel.ts'
import {
  BARRIER_HEADER_BYTES,
  closeFrame,
  creditFrame,
  DATA_HEADER_BYTES,
  FrameReader,
  FrameType,
  helloFrame,
  openFrame,
  type PartitionRequest,
} from '../wire/frame.ts'

export class ConsumerConnection {
  readonly #connection: DataConnection
  readonly #peer: string
  readonly #channels = new Map<number, InputChannel>()
  readonly #frame = new FrameReader()
  #nextNumber = 1
  #closed = false
  #onClosed: () => void = () => {}

  /** `peer`: e.g. `slot 1 of TaskManager tm-1 (127.0.0.1:4711)`. */
  constructor(connection: DataConnection, peer: string) {
    this.#connection = connection
    this.#peer = peer
    connection.onFrame((frame) => this.#receive(frame))
    connection.onClose((error) => this.#lost(error))
    connection.send([helloFrame()])
  }

  onClosed(handler: () => void): void {
    this.#onClosed = handler
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Channels in use. */
  get channelCount(): number {
    return this.#channels.size
  }

  open(channel: InputChannel, request: PartitionRequest): void {
    if (this.#closed) {
      channel.fail(this.#lostError(null))
      return
    }
    const number = this.#nextNumber++
    this.#channels.set(number, channel)
    this.#connection.send([openFrame(number, channel.exclusiveCredits, request)])
    channel.connect({
      sendCredits: (credits) => {
        if (!this.#closed) this.#connection.send([creditFrame(number, credits)])
      },
      close: () => {
        if (!this.#channels.delete(number) || this.#closed) return
        this.#connection.send([closeFrame(number)])
      },
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#connection.close()
    this.#onClosed()
  }

  #receive(bytes: Uint8Array): void {
    const frame = this.#frame
    if (this.#closed) return
    if (!frame.read(bytes)) {
      this.#breach(`a frame of ${bytes.length} bytes`)
      return
    }
    const channel = this.#channels.get(frame.channel)
    // A frame on its way when the channel was closed.
    if (channel === undefined) return
    switch (frame.type) {
      case FrameType.DATA:
        channel.receive(frame.u32(8), frame.u32(12), bytes.subarray(DATA_HEADER_BYTES))
        return
      case FrameType.END:
        channel.receiveEnd(frame.u32(8))
        return
      case FrameType.BARRIER:
        channel.receiveBarrier({
          sequence: frame.u32(8),
          isInBand: frame.u32(12) === 1,
          order: bytes.subarray(BARRIER_HEADER_BYTES),
        })
        return
      case FrameType.FAILED:
        this.#channels.delete(frame.channel)
        channel.fail(fromErrorData(frame.json() as ErrorData))
        return
      default:
        this.#breach(`a frame of type ${frame.type}`)
    }
  }

  #breach(what: string): void {
    this.#connection.close()
    this.#lost(networkError('NETWORK_PROTOCOL_VIOLATION', `Received ${what} from ${this.#peer}.`))
  }

  #lost(cause: unknown): void {
    if (this.#closed) return
    this.#closed = true
    const channels = [...this.#channels.values()]
    this.#channels.clear()
    for (const channel of channels) channel.fail(this.#lostError(cause))
    this.#onClosed()
  }

  #lostError(cause: unknown): unknown {
    return networkError(
      'NETWORK_CONNECTION_LOST',
      `Lost the data connection to ${this.#peer}.`,
      cause === null ? {} : { cause },
    )
  }
}
