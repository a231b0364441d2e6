/**
 * What flows through a channel: batches and the control elements between them, in order.
 *
 * On the wire each element is one or more buffers (`network`); inside a chain each is a method
 * call (`Output`).
 */
import type { ColumnBatch } from '../batch/column-batch.ts'
import type { CheckpointOrder } from './checkpoint-order.ts'

/** No event time has been seen; smaller than every timestamp. */
export const WATERMARK_MIN = -Infinity
/** End of event time: every window fires. */
export const WATERMARK_MAX = Infinity

/** All later rows of the channel have event time > `timestampMs`, unless they are late. */
export interface Watermark {
  readonly kind: 'watermark'
  readonly timestampMs: number
}

/** An idle channel does not hold back the minimum watermark of its gate. */
export interface WatermarkStatus {
  readonly kind: 'watermark-status'
  readonly idle: boolean
}

/** Separates the rows that belong to the checkpoint from those after it. */
export interface CheckpointBarrier {
  readonly kind: 'barrier'
  readonly order: CheckpointOrder
}

/** The producer will send no more rows; barriers may still follow. */
export interface EndOfData {
  readonly kind: 'end-of-data'
}

export type StreamElement =
  | { readonly kind: 'batch'; readonly batch: ColumnBatch }
  | Watermark
  | WatermarkStatus
  | CheckpointBarrier
  | EndOfData
