/**
 * The requests that tell topics of one name apart by their ids: Metadata v10 and Fetch v13, and
 * ApiVersions, which says whether a broker speaks them (Kafka from 3.1 on; of those that do not,
 * topics are known by name alone).
 *
 * A fetch by id is refused once the topic is gone, even when another of its name is there: by name
 * it would be read on.
 */
import type {
  ClusterMetadata,
  FetchedPartition,
  FetchRequest,
  FetchResponse,
} from './kafka-client.ts'
import { byTopic } from './protocol-requests.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** A topic that has none. */
const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

// ApiVersions v0: error, [api_key, min_version, max_version]
export function readApiVersions(reader: WireReader): {
  readonly error: number
  readonly maxVersions: ReadonlyMap<number, number>
} {
  const error = reader.int16()
  const versions = reader.array(() => {
    const key = reader.int16()
    reader.skip(2)
    return [key, reader.int16()] as const
  }, 6)
  return { error, maxVersions: new Map(versions) }
}

// Metadata v10: topics [topic_id, name] | null, allow_auto_topic_creation, include_cluster_…,
// include_topic_…
export function writeMetadataWithIds(
  topics: readonly string[] | null,
  createsTopics: boolean,
): WireWriter {
  const writer = new WireWriter()
  writer.compactArray(topics, (topic) => writer.uuid(NO_ID).compactString(topic).noTags())
  return writer.boolean(createsTopics).boolean(false).boolean(false).noTags()
}

export function readMetadataWithIds(reader: WireReader): ClusterMetadata {
  reader.skip(4)
  const brokers = reader.compactArray(() => {
    const broker = { nodeId: reader.int32(), host: reader.compactString(), port: reader.int32() }
    reader.compactString() // rack
    reader.tags()
    return broker
  })
  reader.compactString() // cluster id
  reader.int32() // controller
  const topics = reader.compactArray(() => {
    const error = reader.int16()
    const topic = reader.compactString()
    const id = reader.uuid()
    const isInternal = reader.boolean()
    const partitions = reader.compactArray(() => {
      reader.int16()
      const partition = { partition: reader.int32(), leader: reader.int32() }
      reader.int32() // leader epoch
      // Replicas, in sync, offline.
      for (let i = 0; i < 3; i++) reader.compactArray(() => reader.int32())
      reader.tags()
      return partition
    })
    reader.int32()
    reader.tags()
    return { topic, topicId: id === NO_ID ? null : id, error, isInternal, partitions }
  })
  return { brokers, topics }
}

// Fetch v13: replica_id, max_wait_ms, min_bytes, max_bytes, isolation_level, session_id,
//   session_epoch, topics [topic_id, [partition, current_leader_epoch, fetch_offset,
//   last_fetched_epoch, log_start_offset, partition_max_bytes]], forgotten [], rack_id
export function writeFetchById(request: FetchRequest): WireWriter {
  const writer = new WireWriter()
    .int32(-1)
    .int32(request.maxWaitMs)
    .int32(request.minBytes)
    .int32(request.maxBytes)
    .int8(request.isolation === 'read_committed' ? 1 : 0)
    .int32(0)
    .int32(-1)
  const byId = request.partitions.map((item) => ({ ...item, topic: item.topicId as string }))
  writer.compactArray(byTopic(byId), ([topicId, partitions]) => {
    writer.uuid(topicId)
    writer.compactArray(partitions, (item) => {
      writer.int32(item.partition).int32(-1).int64(item.offset).int32(-1).int64(-1)
      writer.int32(item.bytesMax ?? request.partitionMaxBytes).noTags()
    })
    writer.noTags()
  })
  return writer
    .compactArray([], () => {})
    .compactString('')
    .noTags()
}

export function readFetchById(bytes: Uint8Array, request: FetchRequest): FetchResponse {
  const names = new Map(request.partitions.map(({ topic, topicId }) => [topicId, topic]))
  const reader = new WireReader(bytes)
  reader.tags()
  reader.skip(4)
  const error = reader.int16()
  reader.skip(4) // session
  const topics = reader.compactArray(() => {
    const topic = names.get(reader.uuid()) ?? ''
    const partitions = reader.compactArray(() => readPartition(reader, topic))
    reader.tags()
    return partitions
  })
  return { bytes, error, partitions: topics.flat() }
}

function readPartition(reader: WireReader, topic: string): FetchedPartition {
  const partition = reader.int32()
  const error = reader.int16()
  const highWatermark = reader.int64Number()
  const lastStableOffset = reader.int64Number()
  const logStartOffset = reader.int64Number()
  const aborted = reader.compactArray(() => {
    const transaction = { producerId: reader.int64(), firstOffset: reader.int64Number() }
    reader.tags()
    return transaction
  })
  reader.skip(4) // preferred read replica
  const length = Math.max(0, reader.unsignedVarint() - 1)
  const start = reader.position
  reader.skip(length)
  const end = reader.position
  reader.tags()
  return {
    ...{ topic, partition, error, highWatermark, lastStableOffset },
    ...{ logStartOffset, aborted, start, end },
  }
}
