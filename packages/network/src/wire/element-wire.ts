/**
 * How stream elements lie in a channel's bytes.
 *
 * A channel is a stream of elements cut into segments. Every element starts on a multiple of 8:
 *
 *     u32 payload bytes │ u8 kind │ 3 × 0 │ payload, padded with zeros to a multiple of 8
 *
 *     kind 1  batch             core's batch form
 *     kind 2  watermark         f64 timestamp (epoch ms)
 *     kind 3  watermark status  u8 idle
 *     kind 4  barrier           the checkpoint's order, JSON in UTF-8
 *     kind 5  end of data       nothing
 *
 * All integers and doubles are little endian. A payload may go on in the next segments; a header
 * never does, because segments hold a multiple of 8 bytes. Invariant: a segment that ends inside an
 * element is full.
 */
import {
  type CheckpointBarrier,
  encodeUtf8,
  readCheckpointOrder,
  type WatermarkMerge,
} from '@millrace/core'
import { networkError } from '../error-codes.ts'

export const ELEMENT_HEADER_BYTES = 8
/**
 * No element is larger: a row beyond it is refused by its producer, a length beyond it is damage.
 */
export const ELEMENT_BYTES_MAX = 1 << 30

export const ElementKind = {
  BATCH: 1,
  WATERMARK: 2,
  WATERMARK_STATUS: 3,
  BARRIER: 4,
  END_OF_DATA: 5,
} as const

export function paddedLength(length: number): number {
  return (length + 7) & ~7
}

/** Encodes control elements into one small reused array. */
export class ControlElementEncoder {
  readonly bytes = new Uint8Array(8)
  readonly #view = new DataView(this.bytes.buffer)

  watermark(timestampMs: number): number {
    this.#view.setFloat64(0, timestampMs, true)
    return 8
  }

  watermarkStatus(idle: boolean): number {
    this.bytes[0] = idle ? 1 : 0
    return 1
  }
}

/** Elements that say how far event time has come in a channel, for who reads on from there. */
export function channelElements(merge: WatermarkMerge, channel: number): Uint8Array {
  const isIdle = merge.isInputIdle(channel)
  const bytes = new Uint8Array(isIdle ? 4 * ELEMENT_HEADER_BYTES : 2 * ELEMENT_HEADER_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 8, true)
  view.setUint32(4, ElementKind.WATERMARK, true)
  view.setFloat64(8, merge.watermarkOf(channel), true)
  if (isIdle) {
    view.setUint32(16, 1, true)
    view.setUint32(20, ElementKind.WATERMARK_STATUS, true)
    bytes[24] = 1
  }
  return bytes
}

function viewOf(payload: Uint8Array): DataView {
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
}

export function decodeWatermark(payload: Uint8Array): number {
  return viewOf(payload).getFloat64(0, true)
}

export function encodeBarrier({ order }: CheckpointBarrier): Uint8Array {
  return encodeUtf8(JSON.stringify(order))
}

/** Throws NETWORK_PROTOCOL_VIOLATION. */
export function decodeBarrier(payload: Uint8Array): CheckpointBarrier {
  const text = new TextDecoder().decode(payload)
  const order = readCheckpointOrder(parsed(text))
  if (order !== null) return { kind: 'barrier', order }
  throw networkError(
    'NETWORK_PROTOCOL_VIOLATION',
    `Received a barrier without a checkpoint's order: ${text.slice(0, 200)}`,
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
