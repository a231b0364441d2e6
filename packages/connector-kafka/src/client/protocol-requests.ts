/**
 * The small requests of Kafka's protocol: bodies out, answers in.
 *
 * Versions are the last non-flexible ones that brokers from 2.3 to 4.x accept (ListTransactions
 * exists only flexible, from 3.0; what needs topic ids is in topic-id-requests.ts). EndTxn stays
 * below 5 and Produce below 12, so transactions keep the older protocol (TV1), in which repeating a
 * completed EndTxn is harmless.
 */
import type {
  ClusterMetadata,
  FetchedPartition,
  FetchRequest,
  FetchResponse,
  OffsetAndPartition,
  ProduceBatch,
  ProducedPartition,
  ProducerIdentity,
  TopicPartition,
} from './kafka-client.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

export const Api = {
  PRODUCE: { key: 0, version: 8 },
  FETCH: { key: 1, version: 11 },
  FETCH_BY_ID: { key: 1, version: 13, flexible: true },
  LIST_OFFSETS: { key: 2, version: 4 },
  METADATA: { key: 3, version: 8 },
  METADATA_WITH_IDS: { key: 3, version: 10, flexible: true },
  OFFSET_COMMIT: { key: 8, version: 7 },
  OFFSET_FETCH: { key: 9, version: 5 },
  FIND_COORDINATOR: { key: 10, version: 2 },
  SASL_HANDSHAKE: { key: 17, version: 1 },
  API_VERSIONS: { key: 18, version: 0 },
  CREATE_TOPICS: { key: 19, version: 3 },
  INIT_PRODUCER_ID: { key: 22, version: 1 },
  ADD_PARTITIONS_TO_TXN: { key: 24, version: 2 },
  END_TXN: { key: 26, version: 2 },
  DESCRIBE_CONFIGS: { key: 32, version: 1 },
  LIST_TRANSACTIONS: { key: 66, version: 0, flexible: true },
} as const

/** Groups items by topic, in the order of first appearance. */
export function byTopic<T extends TopicPartition>(items: readonly T[]): [string, T[]][] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(item.topic)
    if (group === undefined) groups.set(item.topic, [item])
    else group.push(item)
  }
  return [...groups]
}

function writeByTopic<T extends TopicPartition>(
  writer: WireWriter,
  items: readonly T[],
  write: (item: T) => void,
): WireWriter {
  return writer.array(byTopic(items), ([topic, partitions]) => {
    writer.string(topic).array(partitions, write)
  })
}

function readByTopic<T>(reader: WireReader, read: (topic: string) => T): T[] {
  return reader
    .array(() => {
      const topic = reader.string()
      return reader.array(() => read(topic))
    })
    .flat()
}

// Metadata v8: topics [name] | null, allow_auto_topic_creation, include_cluster_…,
// include_topic_authorized_operations
export function writeMetadata(
  topics: readonly string[] | null,
  createsTopics: boolean,
): WireWriter {
  const writer = new WireWriter()
  return writer
    .array(topics, (topic) => writer.string(topic))
    .boolean(createsTopics)
    .boolean(false)
    .boolean(false)
}

export function readMetadata(reader: WireReader): ClusterMetadata {
  reader.skip(4)
  const brokers = reader.array(() => {
    const broker = { nodeId: reader.int32(), host: reader.string(), port: reader.int32() }
    reader.nullableString() // rack
    return broker
  })
  reader.nullableString() // cluster id
  reader.int32() // controller
  const topics = reader.array(() => {
    const error = reader.int16()
    const topic = reader.string()
    const isInternal = reader.boolean()
    const partitions = reader.array(() => {
      reader.int16()
      const partition = { partition: reader.int32(), leader: reader.int32() }
      reader.int32() // leader epoch
      for (let i = 0; i < 3; i++) reader.array(() => reader.int32()) // replicas, in sync, offline
      return partition
    })
    reader.int32()
    return { topic, topicId: null, error, isInternal, partitions }
  })
  return { brokers, topics }
}

// ListOffsets v4: replica_id, isolation_level, topics [name, [partition,
// current_leader_epoch, timestamp]]
export function writeListOffsets(
  requests: readonly (TopicPartition & { readonly timestampMs: number })[],
  committedOnly: boolean,
): WireWriter {
  const writer = new WireWriter().int32(-1).int8(committedOnly ? 1 : 0)
  return writeByTopic(writer, requests, (item) => {
    writer.int32(item.partition).int32(-1).int64(item.timestampMs)
  })
}

export function readListOffsets(reader: WireReader) {
  reader.skip(4)
  return readByTopic(reader, (topic) => {
    const partition = reader.int32()
    const error = reader.int16()
    reader.skip(8) // timestamp
    const offset = reader.int64Number()
    reader.skip(4) // leader epoch
    return { topic, partition, error, offset }
  })
}

// Fetch v11: replica_id, max_wait_ms, min_bytes, max_bytes, isolation_level, session_id,
//   session_epoch, topics [name, [partition, current_leader_epoch, fetch_offset, log_start_offset,
//   partition_max_bytes]], forgotten [], rack_id
export function writeFetch(request: FetchRequest): WireWriter {
  const writer = new WireWriter()
    .int32(-1)
    .int32(request.maxWaitMs)
    .int32(request.minBytes)
    .int32(request.maxBytes)
    .int8(request.isolation === 'read_committed' ? 1 : 0)
    .int32(0)
    .int32(-1)
  writeByTopic(writer, request.partitions, (item) => {
    writer.int32(item.partition).int32(-1).int64(item.offset).int64(-1)
    writer.int32(item.bytesMax ?? request.partitionMaxBytes)
  })
  return writer.int32(0).string('')
}

export function readFetch(bytes: Uint8Array): FetchResponse {
  const reader = new WireReader(bytes)
  reader.skip(4)
  const error = reader.int16()
  reader.skip(4) // session
  const partitions = readByTopic(reader, (topic): FetchedPartition => {
    const partition = reader.int32()
    const partitionError = reader.int16()
    const highWatermark = reader.int64Number()
    const lastStableOffset = reader.int64Number()
    const logStartOffset = reader.int64Number()
    const aborted = reader.array(
      () => ({ producerId: reader.int64(), firstOffset: reader.int64Number() }),
      16,
    )
    reader.skip(4) // preferred read replica
    const length = Math.max(0, reader.int32())
    const start = reader.position
    reader.skip(length)
    const end = reader.position
    return {
      ...{ topic, partition, error: partitionError, highWatermark, lastStableOffset },
      ...{ logStartOffset, aborted, start, end },
    }
  })
  return { bytes, error, partitions }
}

// Produce v8: transactional_id, acks, timeout_ms, topics [name, [partition, records]]; the batches
// are parts of their own
export function produceParts(
  transactionalId: string | null,
  batches: readonly ProduceBatch[],
  timeoutMs: number,
): Uint8Array[] {
  const parts: Uint8Array[] = []
  let writer = new WireWriter().string(transactionalId).int16(-1).int32(timeoutMs)
  const topics = byTopic(batches)
  writer.int32(topics.length)
  for (const [topic, partitions] of topics) {
    writer.string(topic).int32(partitions.length)
    for (const batch of partitions) {
      writer.int32(batch.partition).int32(batch.bytes.length)
      parts.push(writer.view(), batch.bytes)
      writer = new WireWriter(64)
    }
  }
  return parts
}

export function readProduce(bytes: Uint8Array): ProducedPartition[] {
  const reader = new WireReader(bytes)
  return readByTopic(reader, (topic) => {
    const partition = reader.int32()
    const error = reader.int16()
    const baseOffset = reader.int64Number()
    reader.skip(16) // log append time, log start offset
    reader.array(() => {
      reader.int32()
      reader.nullableString()
    })
    reader.nullableString()
    return { topic, partition, error, baseOffset }
  })
}

export function readErrorOnly(reader: WireReader): number {
  reader.skip(4)
  return reader.int16()
}

export const writeFindCoordinator = (key: string, transaction: boolean) =>
  new WireWriter().string(key).int8(transaction ? 1 : 0)

export function readFindCoordinator(reader: WireReader) {
  const error = readErrorOnly(reader)
  reader.nullableString()
  return { error, nodeId: reader.int32(), host: reader.string(), port: reader.int32() }
}

export const writeInitProducerId = (transactionalId: string | null, timeoutMs: number) =>
  new WireWriter().string(transactionalId).int32(timeoutMs)

export function readInitProducerId(reader: WireReader): ProducerIdentity & { error: number } {
  const error = readErrorOnly(reader)
  return { error, producerId: reader.int64(), epoch: reader.int16() }
}

const writeIdentity = (transactionalId: string, identity: ProducerIdentity) =>
  new WireWriter().string(transactionalId).int64(identity.producerId).int16(identity.epoch)

export function writeAddPartitions(
  transactionalId: string,
  identity: ProducerIdentity,
  partitions: readonly TopicPartition[],
): WireWriter {
  const writer = writeIdentity(transactionalId, identity)
  return writeByTopic(writer, partitions, (item) => writer.int32(item.partition))
}

/** Partitions with their error codes; also the answer of OffsetCommit v7. */
export function readPartitionErrors(reader: WireReader) {
  reader.skip(4)
  return readByTopic(reader, (topic) => ({
    topic,
    partition: reader.int32(),
    error: reader.int16(),
  }))
}

export const writeEndTxn = (id: string, identity: ProducerIdentity, commit: boolean) =>
  writeIdentity(id, identity).boolean(commit)

// OffsetCommit v7: group, generation, member, group_instance, topics [name, [partition, offset,
// leader_epoch, metadata]]
export function writeOffsetCommit(
  groupId: string,
  offsets: readonly OffsetAndPartition[],
): WireWriter {
  const writer = new WireWriter().string(groupId).int32(-1).string('').string(null)
  return writeByTopic(writer, offsets, (item) => {
    writer.int32(item.partition).int64(item.offset).int32(-1).string('')
  })
}

export function writeOffsetFetch(
  groupId: string,
  partitions: readonly TopicPartition[],
): WireWriter {
  const writer = new WireWriter().string(groupId)
  return writeByTopic(writer, partitions, (item) => writer.int32(item.partition))
}

export function readOffsetFetch(reader: WireReader) {
  reader.skip(4)
  const offsets = readByTopic(reader, (topic) => {
    const partition = reader.int32()
    const offset = reader.int64Number()
    reader.skip(4) // leader epoch
    reader.nullableString()
    return { topic, partition, offset, error: reader.int16() }
  })
  return { offsets, error: reader.int16() }
}

const BROKER_RESOURCE = 4

export function writeDescribeBrokerConfigs(nodeId: number, names: readonly string[]): WireWriter {
  const writer = new WireWriter()
  return writer
    .array([nodeId], (id) => {
      writer.int8(BROKER_RESOURCE).string(String(id))
      writer.array(names, (name) => writer.string(name))
    })
    .boolean(false)
}

export function readDescribeConfigs(reader: WireReader) {
  reader.skip(4)
  return reader.array(() => {
    const error = reader.int16()
    reader.nullableString()
    reader.int8()
    reader.string()
    const configs = reader.array(() => {
      const config = { name: reader.string(), value: reader.nullableString() }
      reader.skip(3) // read only, source, sensitive
      reader.array(() => {
        reader.string()
        reader.nullableString()
        reader.int8()
      })
      return config
    })
    return { error, configs }
  })
}

export function writeCreateTopics(
  topics: readonly { readonly topic: string; readonly partitions: number }[],
  timeoutMs: number,
): WireWriter {
  const writer = new WireWriter()
  return writer
    .array(topics, (item) => {
      writer.string(item.topic).int32(item.partitions).int16(1).int32(0).int32(0)
    })
    .int32(timeoutMs)
    .boolean(false)
}

export function readCreateTopics(reader: WireReader) {
  reader.skip(4)
  return reader.array(() => {
    const answer = { topic: reader.string(), error: reader.int16() }
    reader.nullableString()
    return answer
  })
}

// ListTransactions v0: state_filters, producer_id_filters, tags
export function writeListTransactions(states: readonly string[]): WireWriter {
  const writer = new WireWriter().unsignedVarint(states.length + 1)
  for (const state of states) writer.compactString(state)
  return writer.unsignedVarint(1).int8(0)
}

export function readListTransactions(reader: WireReader) {
  const error = readErrorOnly(reader)
  reader.compactArray(() => reader.compactString())
  const ids = reader.compactArray(() => {
    const id = reader.compactString()
    reader.skip(8)
    reader.compactString()
    reader.tags()
    return id
  })
  return { error, ids }
}
