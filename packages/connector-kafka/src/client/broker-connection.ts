/**
 * One connection to one broker: frames out, frames in, matched by correlation id.
 *
 * A request's answer is received into the buffer that its `allocate` gives, so a fetch response
 * lands where it will be decoded. Every request has a deadline; one that passes it closes the
 * connection, as answers come in order and none behind it would arrive either.
 */
import type { Clock } from '@millrace/platform'
import { kafkaError } from '../error-codes.ts'
import type { FrameAllocator } from './kafka-client.ts'
import type { KafkaSettings } from './kafka-properties.ts'
import { type KafkaSocket, type OpenKafkaSocket, openKafkaSocket } from './kafka-socket.ts'
import { WireReader } from './wire-reader.ts'
import type { WireWriter } from './wire-writer.ts'

/** No answer may be larger. */
const FRAME_BYTES_MAX = 512 << 20
/** Size and correlation id in front of every answer. */
const FRAME_HEADER_BYTES = 8
/**
 * Bytes of which it is not known yet whose they are land there and are copied; the rest of a long
 * answer is not.
 */
const STAGING_BYTES = 16 << 10

interface Pending {
  readonly allocate: FrameAllocator
  readonly resolve: (frame: Uint8Array) => void
  readonly reject: (error: Error) => void
  readonly cancelDeadline: () => void
}

export interface ApiRequest {
  readonly apiKey: number
  readonly version: number
  /** The request header is the flexible one (v2). */
  readonly flexible?: boolean
  /** The body, in parts that are written one after another. */
  readonly parts: readonly Uint8Array[]
  readonly timeoutMs: number
}

const allocateFresh: FrameAllocator = (size) => Buffer.allocUnsafe(size)

export class BrokerConnection {
  readonly address: string
  readonly host: string
  readonly port: number
  readonly #clock: Clock
  readonly #clientId: Buffer
  readonly #pending = new Map<number, Pending>()
  #socket: KafkaSocket | null = null
  #closed: Error | null = null
  #correlationId = 0
  /** The header of the frame that is arriving. */
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES)
  #headerLength = 0
  #frame: Uint8Array | null = null
  #frameLength = 0
  #frameSize = 0
  #receiver: Pending | null = null
  readonly #staging = Buffer.allocUnsafeSlow(STAGING_BYTES)
  /** Whether the next bytes go right into the frame. */
  #direct = false

  private constructor(
    { host, port }: { readonly host: string; readonly port: number },
    clock: Clock,
    clientId: string,
  ) {
    this.address = `${host}:${port}`
    this.host = host
    this.port = port
    this.#clock = clock
    this.#clientId = Buffer.from(clientId)
  }

  static async open(
    settings: KafkaSettings,
    clock: Clock,
    address: { readonly host: string; readonly port: number },
    openSocket: OpenKafkaSocket = openKafkaSocket,
  ): Promise<BrokerConnection> {
    const connection = new BrokerConnection(address, clock, settings.clientId)
    connection.#socket = await openSocket(settings, address, {
      onData: (chunk) => connection.#parse(chunk),
      receiveInto: () => connection.#receiveInto(),
      onReceived: (count) => connection.#received(count),
      onClose: (error) =>
        connection.#fail(error ?? new Error(`${connection.address} closed the connection`)),
    })
    return connection
  }

  get isOpen(): boolean {
    return this.#closed === null
  }

  /** Resolves with the answer's body, after the correlation id. */
  request(request: ApiRequest, allocate: FrameAllocator = allocateFresh): Promise<Uint8Array> {
    if (this.#closed !== null) return Promise.reject(this.#closed)
    const correlationId = (this.#correlationId = (this.#correlationId + 1) & 0x7fffffff)
    return new Promise((resolve, reject) => {
      const cancelDeadline = this.#clock.setTimer(
        request.timeoutMs,
        () =>
          this.#fail(
            new Error(`${this.address} did not answer a request within ${request.timeoutMs} ms`),
          ),
        { unref: true },
      )
      this.#pending.set(correlationId, { allocate, resolve, reject, cancelDeadline })
      this.#send(request, correlationId)
    })
  }

  #send(request: ApiRequest, correlationId: number): void {
    const socket = this.#socket as KafkaSocket
    const headerLength = 14 + this.#clientId.length + (request.flexible ? 1 : 0)
    const header = Buffer.allocUnsafe(headerLength)
    let size = headerLength - 4
    for (const part of request.parts) size += part.length
    header.writeInt32BE(size, 0)
    header.writeInt16BE(request.apiKey, 4)
    header.writeInt16BE(request.version, 6)
    header.writeInt32BE(correlationId, 8)
    header.writeInt16BE(this.#clientId.length, 12)
    this.#clientId.copy(header, 14)
    if (request.flexible) header[headerLength - 1] = 0
    socket.cork()
    socket.write(header)
    for (const part of request.parts) socket.write(part)
    socket.uncork()
  }

  #receiveInto(): Uint8Array {
    const frame = this.#frame
    this.#direct = frame !== null && this.#frameSize - this.#frameLength >= STAGING_BYTES
    if (frame === null || !this.#direct) return this.#staging
    return frame.subarray(this.#frameLength, this.#frameSize)
  }

  #received(count: number): void {
    if (this.#closed !== null) return
    if (!this.#direct) {
      this.#parse(this.#staging.subarray(0, count))
      return
    }
    this.#frameLength += count
    if (this.#frameLength === this.#frameSize) this.#deliver()
  }

  #parse(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#receiver === null) {
        const count = Math.min(FRAME_HEADER_BYTES - this.#headerLength, chunk.length - at)
        chunk.copy(this.#header, this.#headerLength, at, at + count)
        this.#headerLength += count
        at += count
        if (this.#headerLength < FRAME_HEADER_BYTES) return
        if (!this.#openFrame()) return
      }
      const frame = this.#frame
      if (frame === null) continue // an answer without a body
      const count = Math.min(this.#frameSize - this.#frameLength, chunk.length - at)
      frame.set(chunk.subarray(at, at + count), this.#frameLength)
      this.#frameLength += count
      at += count
      if (this.#frameLength === this.#frameSize) this.#deliver()
    }
  }

  /** Starts the frame whose header has arrived; false when the connection had to be closed. */
  #openFrame(): boolean {
    const size = this.#header.readInt32BE(0) - 4
    const correlationId = this.#header.readInt32BE(4)
    const pending = this.#pending.get(correlationId)
    if (pending === undefined || size < 0 || size > FRAME_BYTES_MAX) {
      this.#fail(
        kafkaError(
          'KAFKA_RESPONSE_MALFORMED',
          `${this.address} sent a frame of ${size} bytes for the unknown request ${correlationId}.`,
          {
            hint: 'Check that the address is that of a Kafka broker and the security protocol fits.',
          },
        ),
      )
      return false
    }
    this.#pending.delete(correlationId)
    this.#receiver = pending
    this.#frame = pending.allocate(size)
    this.#frameSize = size
    this.#frameLength = 0
    this.#headerLength = 0
    if (size === 0) this.#deliver()
    return true
  }

  #deliver(): void {
    const receiver = this.#receiver as Pending
    const frame = this.#frame as Uint8Array
    this.#receiver = null
    this.#frame = null
    receiver.cancelDeadline()
    receiver.resolve(frame.length === this.#frameSize ? frame : frame.subarray(0, this.#frameSize))
  }

  #fail(error: Error): void {
    if (this.#closed !== null) return
    this.#closed = error
    this.#frame = null
    this.#socket?.close()
    if (this.#receiver !== null) this.#pending.set(-1, this.#receiver)
    this.#receiver = null
    for (const pending of this.#pending.values()) {
      pending.cancelDeadline()
      pending.reject(error)
    }
    this.#pending.clear()
  }

  close(): void {
    this.#fail(new Error(`The connection to ${this.address} was closed`))
  }
}

/** Sends a body and reads the answer. */
export async function callApi<T>(
  connection: BrokerConnection,
  api: { readonly key: number; readonly version: number; readonly flexible?: boolean },
  body: WireWriter,
  timeoutMs: number,
  decode: (reader: WireReader) => T,
): Promise<T> {
  const frame = await connection.request({
    apiKey: api.key,
    version: api.version,
    ...(api.flexible ? { flexible: true } : {}),
    parts: [body.view()],
    timeoutMs,
  })
  const reader = new WireReader(frame)
  if (api.flexible) reader.tags()
  return decode(reader)
}
