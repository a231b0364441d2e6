/**
 * What a broker reads in a record batch, writes into it, and makes itself: control batches.
 *
 * Base offset and leader epoch stand in front of what the CRC covers, so a batch is stored as it
 * came with those two filled in. Layout: `BatchField` of the connector.
 */
import {
  BATCH_LENGTH_OVERHEAD,
  BatchAttribute,
  BatchField,
  crc32c,
  MAGIC_V2,
} from '@millrace/connector-kafka/protocol'

export interface BatchHeader {
  readonly transactional: boolean
  readonly control: boolean
  readonly compressed: boolean
  readonly baseTimestampMs: number
  readonly maxTimestampMs: number
  /** -1: not idempotent. */
  readonly producerId: number
  readonly epoch: number
  readonly baseSequence: number
  readonly count: number
}

/** Null when the bytes are not exactly one sound batch of version 2. */
export function readBatchHeader(bytes: Uint8Array): BatchHeader | null {
  if (bytes.length < BatchField.RECORDS) return null
  const view = viewOf(bytes)
  const size = view.getInt32(BatchField.LENGTH) + BATCH_LENGTH_OVERHEAD
  if (size !== bytes.length || view.getInt8(BatchField.MAGIC) !== MAGIC_V2) return null
  if (view.getUint32(BatchField.CRC) !== crc32c(bytes.subarray(BatchField.ATTRIBUTES))) return null
  const count = view.getInt32(BatchField.COUNT)
  if (count <= 0 || view.getInt32(BatchField.LAST_OFFSET_DELTA) !== count - 1) return null
  const attributes = view.getInt16(BatchField.ATTRIBUTES)
  return {
    transactional: (attributes & BatchAttribute.TRANSACTIONAL) !== 0,
    control: (attributes & BatchAttribute.CONTROL) !== 0,
    compressed: (attributes & BatchAttribute.COMPRESSION_MASK) !== 0,
    baseTimestampMs: Number(view.getBigInt64(BatchField.BASE_TIMESTAMP)),
    maxTimestampMs: Number(view.getBigInt64(BatchField.MAX_TIMESTAMP)),
    producerId: Number(view.getBigInt64(BatchField.PRODUCER_ID)),
    epoch: view.getInt16(BatchField.PRODUCER_EPOCH),
    baseSequence: view.getInt32(BatchField.BASE_SEQUENCE),
    count,
  }
}

export function stampBatch(bytes: Uint8Array, baseOffset: number, leaderEpoch: number): void {
  const view = viewOf(bytes)
  view.setBigInt64(BatchField.BASE_OFFSET, BigInt(baseOffset))
  view.setInt32(BatchField.LEADER_EPOCH, leaderEpoch)
}

export interface Marker {
  readonly producerId: number
  readonly epoch: number
  readonly commit: boolean
}

/**
 * Length, attributes, two deltas, key length: a byte each; key (version, type), value (version,
 * coordinator epoch).
 */
const MARKER_RECORD_BYTES = 17
const MARKER_KEY_AT = BatchField.RECORDS + 5

/** The batch of one control record that ends a transaction in a partition. */
export function controlBatch(marker: Marker, timestampMs: number): Uint8Array {
  const size = BatchField.RECORDS + MARKER_RECORD_BYTES
  const bytes = new Uint8Array(size)
  const view = viewOf(bytes)
  view.setInt32(BatchField.LENGTH, size - BATCH_LENGTH_OVERHEAD)
  view.setInt8(BatchField.MAGIC, MAGIC_V2)
  view.setInt16(BatchField.ATTRIBUTES, BatchAttribute.TRANSACTIONAL | BatchAttribute.CONTROL)
  view.setBigInt64(BatchField.BASE_TIMESTAMP, BigInt(Math.floor(timestampMs)))
  view.setBigInt64(BatchField.MAX_TIMESTAMP, BigInt(Math.floor(timestampMs)))
  view.setBigInt64(BatchField.PRODUCER_ID, BigInt(marker.producerId))
  view.setInt16(BatchField.PRODUCER_EPOCH, marker.epoch)
  view.setInt32(BatchField.BASE_SEQUENCE, -1)
  view.setInt32(BatchField.COUNT, 1)
  // Varints are zigzag: 2n.
  bytes[BatchField.RECORDS] = (MARKER_RECORD_BYTES - 1) * 2
  bytes[MARKER_KEY_AT - 1] = 4 * 2
  view.setInt16(MARKER_KEY_AT + 2, marker.commit ? 1 : 0)
  bytes[MARKER_KEY_AT + 4] = 6 * 2
  view.setUint32(BatchField.CRC, crc32c(bytes.subarray(BatchField.ATTRIBUTES)))
  return bytes
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
