/**
 * The layout of a record batch, version 2.
 *
 *     base offset int64 | length int32 | leader epoch int32 | magic int8 | crc uint32
 *     | attributes int16 | last offset delta int32 | base timestamp int64 | max timestamp int64
 *     | producer id int64 | producer epoch int16 | base sequence int32 | count int32
 *     | records: length varint | attributes int8 | timestamp delta varlong | offset delta varint
 *                | key length varint | key | value length varint | value
 *                | header count varint | headers
 *
 * `length` counts from the leader epoch on; the CRC-32C covers everything from the attributes on;
 * varints are zigzag.
 * Source: https://kafka.apache.org/documentation/#recordbatch
 */
export const BatchField = {
  BASE_OFFSET: 0,
  LENGTH: 8,
  LEADER_EPOCH: 12,
  MAGIC: 16,
  CRC: 17,
  ATTRIBUTES: 21,
  LAST_OFFSET_DELTA: 23,
  BASE_TIMESTAMP: 27,
  MAX_TIMESTAMP: 35,
  PRODUCER_ID: 43,
  PRODUCER_EPOCH: 51,
  BASE_SEQUENCE: 53,
  COUNT: 57,
  RECORDS: 61,
} as const

/** Bytes in front of those that `length` counts. */
export const BATCH_LENGTH_OVERHEAD = 12
export const MAGIC_V2 = 2

export const BatchAttribute = {
  COMPRESSION_MASK: 7,
  TRANSACTIONAL: 16,
  CONTROL: 32,
} as const

/** Index = the compression bits of the attributes. */
export const COMPRESSION_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/**
 * The type stands in a control record's key: length, attributes, deltas (a byte each), key length,
 * version int16, type int16; 0 aborts, 1 commits.
 */
const MARKER_TYPE_AT = BatchField.RECORDS + 7
export const MARKER_BYTES_MIN = MARKER_TYPE_AT + 2

/** Of the control batch at `at`, which is so many bytes long. */
export function markerTypeOf(view: DataView, at: number): number {
  return view.getInt16(at + MARKER_TYPE_AT)
}
