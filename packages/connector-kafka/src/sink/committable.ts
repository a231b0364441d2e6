/**
 * A pre-committed transaction: all that another process needs to commit it, and to see whether
 * that was done.
 *
 * Binary: version byte, producer id int64, epoch int16, then
 *
 *     version 1   transactional id in UTF-8
 *     version 2   partition int32 (−1: no place is known), offset int64,
 *                 length of the topic int16, topic, transactional id
 */
import type { ProducerIdentity, TopicPartition } from '../client/kafka-client.ts'
import { kafkaError } from '../error-codes.ts'

/** Where the broker put a batch of the transaction. */
export interface TransactionPlace extends TopicPartition {
  readonly offset: number
}

export interface KafkaCommittable extends ProducerIdentity {
  readonly transactionalId: string
  /** Null when none is known, as in checkpoints of earlier versions. */
  readonly place: TransactionPlace | null
}

const VERSION = 2
const VERSION_WITHOUT_PLACE = 1
const HEADER_BYTES = 11
const PLACE_BYTES = 14

export function encodeCommittable(committable: KafkaCommittable): Uint8Array {
  const { place } = committable
  const topic = Buffer.from(place?.topic ?? '')
  const id = Buffer.from(committable.transactionalId)
  const bytes = Buffer.alloc(HEADER_BYTES + PLACE_BYTES + topic.length + id.length)
  bytes.writeInt8(VERSION, 0)
  bytes.writeBigInt64BE(committable.producerId, 1)
  bytes.writeInt16BE(committable.epoch, 9)
  bytes.writeInt32BE(place?.partition ?? -1, HEADER_BYTES)
  bytes.writeBigInt64BE(BigInt(place?.offset ?? -1), HEADER_BYTES + 4)
  bytes.writeInt16BE(topic.length, HEADER_BYTES + 12)
  topic.copy(bytes, HEADER_BYTES + PLACE_BYTES)
  id.copy(bytes, HEADER_BYTES + PLACE_BYTES + topic.length)
  return bytes
}

export function decodeCommittable(bytes: Uint8Array): KafkaCommittable {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = buffer[0]
  const idAt = version === VERSION ? HEADER_BYTES + PLACE_BYTES : HEADER_BYTES
  const isKnown = version === VERSION || version === VERSION_WITHOUT_PLACE
  const topicBytes = version === VERSION && buffer.length > idAt ? buffer.readInt16BE(idAt - 2) : 0
  if (!isKnown || topicBytes < 0 || buffer.length <= idAt + topicBytes) {
    throw kafkaError(
      'KAFKA_TRANSACTION_LOST',
      `A pre-committed transaction in the checkpoint cannot be read: ${buffer.length} bytes, version ${version}.`,
    )
  }
  return {
    producerId: buffer.readBigInt64BE(1),
    epoch: buffer.readInt16BE(9),
    transactionalId: buffer.toString('utf8', idAt + topicBytes),
    place: version === VERSION ? placeOf(buffer, topicBytes) : null,
  }
}

function placeOf(buffer: Buffer, topicBytes: number): TransactionPlace | null {
  const partition = buffer.readInt32BE(HEADER_BYTES)
  if (partition < 0) return null
  const topicAt = HEADER_BYTES + PLACE_BYTES
  return {
    topic: buffer.toString('utf8', topicAt, topicAt + topicBytes),
    partition,
    offset: Number(buffer.readBigInt64BE(HEADER_BYTES + 4)),
  }
}
