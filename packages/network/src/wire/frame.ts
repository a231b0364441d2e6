/**
 * Frames between two slots. One connection, opened by the consumers' slot, carries all channels
 * from the other slot to it.
 *
 *     every frame   u8 type │ 3 × 0 │ u32 channel
 *
 *     1 HELLO   consumer → producer   channel 0 │ u32 'MRLX' │ u32 version
 *     2 OPEN    consumer → producer   u32 credits │ u32 edge index │ u32 subpartition
 *                                     │ attempt id (UTF-8)
 *     3 CREDIT  consumer → producer   u32 credits given in addition
 *     4 CLOSE   consumer → producer   (nothing) the consumer wants no more
 *     5 DATA    producer → consumer   u32 sequence │ u32 backlog │ one segment's bytes
 *     6 FAILED  producer → consumer   error data (JSON, UTF-8)
 *     7 END     producer → consumer   u32 sequence; the partition is finished, nothing follows
 *     8 BARRIER producer → consumer   u32 sequence │ u32 whether it is in band as well
 *                                     │ the checkpoint's order (JSON, UTF-8)
 *
 * The channel number is chosen by the consumer and unique in the connection. Little endian. A DATA
 * frame costs one credit; its sequence number counts the channel's DATA frames from 0 and is
 * checked on arrival, as is the credit. A BARRIER costs none: it stands behind the DATA frames
 * before its sequence, at whose end it is in band as well, or has overtaken what the producer has
 * not sent.
 */
export const FrameType = {
  HELLO: 1,
  OPEN: 2,
  CREDIT: 3,
  CLOSE: 4,
  DATA: 5,
  FAILED: 6,
  END: 7,
  BARRIER: 8,
} as const

export const EXCHANGE_MAGIC = 0x584c524d
export const EXCHANGE_VERSION = 2
export const FRAME_HEADER_BYTES = 8
/** DATA: header, sequence, backlog; a multiple of 8. */
export const DATA_HEADER_BYTES = 16
/** BARRIER: header, sequence, flag. */
export const BARRIER_HEADER_BYTES = 16

const text = new TextEncoder()
const untext = new TextDecoder()

function frame(type: number, channel: number, bodyBytes: number): [Uint8Array, DataView] {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + bodyBytes)
  const view = new DataView(bytes.buffer)
  bytes[0] = type
  view.setUint32(4, channel, true)
  return [bytes, view]
}

export function helloFrame(): Uint8Array {
  const [bytes, view] = frame(FrameType.HELLO, 0, 8)
  view.setUint32(8, EXCHANGE_MAGIC, true)
  view.setUint32(12, EXCHANGE_VERSION, true)
  return bytes
}

/**
 * What a channel reads: subpartition `subpartition` of the partition of `attemptId` on edge
 * `edgeIndex`.
 */
export interface PartitionRequest {
  readonly attemptId: string
  readonly edgeIndex: number
  readonly subpartition: number
}

export function openFrame(channel: number, credits: number, request: PartitionRequest): Uint8Array {
  const name = text.encode(request.attemptId)
  const [bytes, view] = frame(FrameType.OPEN, channel, 12 + name.length)
  view.setUint32(8, credits, true)
  view.setUint32(12, request.edgeIndex, true)
  view.setUint32(16, request.subpartition, true)
  bytes.set(name, 20)
  return bytes
}

export function creditFrame(channel: number, credits: number): Uint8Array {
  const [bytes, view] = frame(FrameType.CREDIT, channel, 4)
  view.setUint32(8, credits, true)
  return bytes
}

export function closeFrame(channel: number): Uint8Array {
  return frame(FrameType.CLOSE, channel, 0)[0]
}

export function endFrame(channel: number, sequence: number): Uint8Array {
  const [bytes, view] = frame(FrameType.END, channel, 4)
  view.setUint32(8, sequence, true)
  return bytes
}

export interface SentBarrier {
  /** Of the first DATA frame behind it. */
  readonly sequence: number
  /** It ends the DATA frame before; else it has overtaken what is not sent. */
  readonly isInBand: boolean
  /** As in a barrier in band (`encodeBarrier`). */
  readonly order: Uint8Array
}

export function barrierFrame(
  channel: number,
  { sequence, isInBand, order }: SentBarrier,
): Uint8Array {
  const [bytes, view] = frame(FrameType.BARRIER, channel, 8 + order.length)
  view.setUint32(8, sequence, true)
  view.setUint32(12, isInBand ? 1 : 0, true)
  bytes.set(order, BARRIER_HEADER_BYTES)
  return bytes
}

export function failedFrame(channel: number, error: unknown): Uint8Array {
  const json = text.encode(JSON.stringify(error))
  const [bytes] = frame(FrameType.FAILED, channel, json.length)
  bytes.set(json, FRAME_HEADER_BYTES)
  return bytes
}

/** A received frame's fixed part; `view` spans the frame. */
export class FrameReader {
  type = 0
  channel = 0
  bytes: Uint8Array = new Uint8Array(0)
  view: DataView = new DataView(this.bytes.buffer)

  /** False when the frame is too short to be one. */
  read(bytes: Uint8Array): boolean {
    if (bytes.length < FRAME_HEADER_BYTES) return false
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.type = bytes[0] as number
    this.channel = this.view.getUint32(4, true)
    return bytes.length >= FRAME_HEADER_BYTES + minimumBodyBytes(this.type)
  }

  u32(offset: number): number {
    return this.view.getUint32(offset, true)
  }

  request(): PartitionRequest {
    return {
      edgeIndex: this.u32(12),
      subpartition: this.u32(16),
      attemptId: untext.decode(this.bytes.subarray(20)),
    }
  }

  json(): unknown {
    return JSON.parse(untext.decode(this.bytes.subarray(FRAME_HEADER_BYTES)))
  }
}

function minimumBodyBytes(type: number): number {
  switch (type) {
    case FrameType.HELLO:
    case FrameType.DATA:
    case FrameType.BARRIER:
      return 8
    case FrameType.OPEN:
      return 12
    case FrameType.CREDIT:
    case FrameType.END:
      return 4
    default:
      return 0
  }
}
