/**
 * Formats: bytes of records ↔ columns.
 *
 * A decoder is generated for one schema and projection in the slot and works on spans of records
 * inside a larger buffer (a fetch response, a block of a file), so that nothing is copied and no
 * record becomes an object.
 */
import type { ColumnBatch, ConfigOption, OperatorMetrics, Schema } from '@millrace/core'

/**
 * Records `0 … count` of one split: record i is `bytes[starts[i] … starts[i] + lengths[i])`;
 * length -1 is a null value (tombstone).
 */
export class RecordSpans {
  bytes: Uint8Array
  starts: Int32Array
  lengths: Int32Array
  count: number
  constructor(bytes: Uint8Array, starts: Int32Array, lengths: Int32Array, count: number) {
    this.bytes = bytes
    this.starts = starts
    this.lengths = lengths
    this.count = count
  }
}

export interface DecodeOrigin {
  /**
   * Describes record `index` of the spans for an error: topic/partition/offset or file/byte offset.
   */
  locate(index: number): {
    readonly topic?: string
    readonly partition?: number
    readonly offset?: string
    readonly file?: string
  }
}

export interface FormatDecoder {
  /**
   * Decodes records `from … to` of `spans` into one batch of the projected columns, owned by the
   * decoder and valid until the next call.
   * A malformed record throws FORMAT_RECORD_MALFORMED with its place, or is left out and counted in
   * `metrics.numRecordsInErrors`, as the format's options say.
   */
  decode(spans: RecordSpans, from: number, to: number, origin: DecodeOrigin): ColumnBatch
}

/**
 * Grows as needed; record i of the last `encode` is `bytes[starts[i] … starts[i] + lengths[i])`.
 */
export interface FormatEncoder {
  /** Encodes every row into spans owned by the encoder, valid until the next call. */
  encode(batch: ColumnBatch): RecordSpans
}

export interface Format {
  /** The `format` option's value. */
  readonly name: string
  /** Options as written in WITH, with the prefix (`json.ignore-parse-errors`). */
  readonly options: readonly ConfigOption<unknown>[]
  /** `options`: the table's WITH options. Throws on values that do not fit, at planning. */
  validate(options: Readonly<Record<string, string>>, schema: Schema): void
  createDecoder(settings: {
    readonly schema: Schema
    readonly projection: readonly number[]
    readonly options: Readonly<Record<string, string>>
    readonly metrics: OperatorMetrics
  }): FormatDecoder
  createEncoder(settings: {
    readonly schema: Schema
    readonly options: Readonly<Record<string, string>>
  }): FormatEncoder
}
