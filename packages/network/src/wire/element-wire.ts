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
 *     kind 4  barrier           f64 checkpoint id │ f64 timestamp (epoch ms) │ u8 aligned
 *     kind 5  end of data       nothing
 *
 * All integers and doubles are little endian. A payload may go on in the next segments; a header
 * never does, because segments hold a multiple of 8 bytes. Invariant: a segment that ends inside an
 * element is full.
 */
import type { CheckpointBarrier } from '@millrace/core'

export const ELEMENT_HEADER_BYTES = 8

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
  readonly bytes = new Uint8Array(24)
  readonly #view = new DataView(this.bytes.buffer)

  watermark(timestampMs: number): number {
    this.#view.setFloat64(0, timestampMs, true)
    return 8
  }

  watermarkStatus(idle: boolean): number {
    this.bytes[0] = idle ? 1 : 0
    return 1
  }

  barrier(barrier: CheckpointBarrier): number {
    this.#view.setFloat64(0, barrier.checkpointId, true)
    this.#view.setFloat64(8, barrier.timestampMs, true)
    this.bytes[16] = barrier.aligned ? 1 : 0
    return 17
  }
}

function viewOf(payload: Uint8Array): DataView {
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
}

export function decodeWatermark(payload: Uint8Array): number {
  return viewOf(payload).getFloat64(0, true)
}

export function decodeBarrier(payload: Uint8Array): CheckpointBarrier {
  const view = viewOf(payload)
  return {
    kind: 'barrier',
    checkpointId: view.getFloat64(0, true),
    timestampMs: view.getFloat64(8, true),
    aligned: payload[16] === 1,
  }
}
