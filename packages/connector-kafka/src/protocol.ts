/**
 * Kafka's protocol as this package speaks it, for those who stand on the other side of the
 * socket: a simulated broker and its contract suite.
 *
 * Nothing of it is needed to read from or write to Kafka; that is the package's front door.
 */
export { crc32c } from '@node-rs/crc32'
export {
  type KafkaSettings,
  parseKafkaProperties,
} from './client/kafka-properties.ts'
export type { KafkaSocket, KafkaSocketHandlers, OpenKafkaSocket } from './client/kafka-socket.ts'
export { NetworkKafkaClient } from './client/network-kafka-client.ts'
export { BrokerRefusal, ProtocolError, protocolErrorName } from './client/protocol-errors.ts'
export { Api } from './client/protocol-requests.ts'
export { WireReader } from './client/wire-reader.ts'
export { WireWriter } from './client/wire-writer.ts'
export { RecordBatchBuilder, type SealSettings } from './records/record-batch-builder.ts'
export {
  BATCH_LENGTH_OVERHEAD,
  BatchAttribute,
  BatchField,
  MAGIC_V2,
} from './records/record-batch-format.ts'
export { RecordBatchReader } from './records/record-batch-reader.ts'
export { decodeCommittable } from './sink/committable.ts'
