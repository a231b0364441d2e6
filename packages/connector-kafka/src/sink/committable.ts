/**
 * A pre-committed transaction: all that another process needs to commit it.
 *
 * Binary: version byte, producer id int64, epoch int16, transactional id in UTF-8.
 */
import type { ProducerIdentity } from '../client/kafka-client.ts'
import { kafkaError } from '../error-codes.ts'

export interface KafkaCommittable extends ProducerIdentity {
  readonly transactionalId: string
}

const VERSION = 1
const HEADER_BYTES = 11

export function encodeCommittable(committable: KafkaCommittable): Uint8Array {
  const id = Buffer.from(committable.transactionalId)
  const bytes = Buffer.alloc(HEADER_BYTES + id.length)
  bytes.writeInt8(VERSION, 0)
  bytes.writeBigInt64BE(committable.producerId, 1)
  bytes.writeInt16BE(committable.epoch, 9)
  id.copy(bytes, HEADER_BYTES)
  return bytes
}

export function decodeCommittable(bytes: Uint8Array): KafkaCommittable {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.length <= HEADER_BYTES || buffer.readInt8(0) !== VERSION) {
    throw kafkaError(
      'KAFKA_TRANSACTION_LOST',
      `A pre-committed transaction in the checkpoint cannot be read: ${buffer.length} bytes, version ${buffer[0]}.`,
    )
  }
  return {
    producerId: buffer.readBigInt64BE(1),
    epoch: buffer.readInt16BE(9),
    transactionalId: buffer.toString('utf8', HEADER_BYTES),
  }
}
