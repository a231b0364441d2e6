/**
 * SaslHandshake v1, ApiVersions v0, Metadata v8 and v10, CreateTopics v3, DescribeConfigs v1: what
 * the cluster is.
 */
import { Api, ProtocolError, WireWriter } from '@millrace/connector-kafka/protocol'
import { BROKER_PORT, type PartitionPlace } from '../cluster-state.ts'
import type { BrokerCall, BrokerParts } from './broker-call.ts'

const NO_OPERATIONS = -0x80000000
const INVALID_REQUEST = 42
const CREATION_MS = 20
const NO_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

export function handleMetadata(parts: BrokerParts, call: BrokerCall): void {
  const { state } = parts
  const { reader } = call
  const all = reader.int32() < 0
  reader.position -= 4
  const asked = reader.array(() => reader.string())
  if (reader.boolean()) makeLater(parts, call, asked)
  const topics = all ? [...state.topics.keys()] : asked
  const writer = new WireWriter().int32(0)
  writer.array(
    state.nodes.filter((node) => node.registered),
    ({ id, host }) => void writer.int32(id).string(host).int32(BROKER_PORT).string(null),
  )
  writer.string('simulated').int32(1)
  writer.array(topics, (topic) => {
    const places = state.topics.get(topic)
    const missing = places === undefined ? ProtocolError.UNKNOWN_TOPIC_OR_PARTITION : 0
    writer
      .int16(call.refuse || missing)
      .string(topic)
      .boolean(false)
    writer.array(places ?? [], (place: PartitionPlace) => {
      const leader = place.advertisedLeader
      writer.int16(leader < 0 ? ProtocolError.LEADER_NOT_AVAILABLE : 0)
      writer.int32(place.partition).int32(leader).int32(place.log.leaderEpoch)
      writer.int32(0).int32(0).int32(0)
    })
    writer.int32(NO_OPERATIONS)
  })
  call.answer(writer.int32(NO_OPERATIONS).view())
}

/** The asker is told that they are missing, and finds them when it asks again. */
function makeLater(parts: BrokerParts, call: BrokerCall, topics: readonly string[]): void {
  if (!parts.createsTopics || call.refuse !== 0) return
  for (const topic of topics) {
    if (parts.state.topics.has(topic)) continue
    parts.after(call.node, CREATION_MS, () => void parts.state.createTopic(topic, 1))
  }
}

/** As `handleMetadata`, each topic with its id, in the flexible form. */
export function handleMetadataWithIds(parts: BrokerParts, call: BrokerCall): void {
  const { state } = parts
  const { reader } = call
  const all = reader.unsignedVarint() === 0
  reader.position -= 1
  const asked = reader.compactArray(() => {
    reader.uuid()
    const topic = reader.compactString()
    reader.tags()
    return topic
  })
  if (reader.boolean()) makeLater(parts, call, asked)
  const topics = all ? [...state.topics.keys()] : asked
  // Header tags, throttle time.
  const writer = new WireWriter().noTags().int32(0)
  writer.compactArray(
    state.nodes.filter((node) => node.registered),
    ({ id, host }) => {
      writer.int32(id).compactString(host).int32(BROKER_PORT).unsignedVarint(0).noTags()
    },
  )
  writer.compactString('simulated').int32(1)
  writer.compactArray(topics, (topic) => {
    const places = state.topics.get(topic)
    const missing = places === undefined ? ProtocolError.UNKNOWN_TOPIC_OR_PARTITION : 0
    writer.int16(call.refuse || missing).compactString(topic)
    writer.uuid(state.topicIds.get(topic) ?? NO_TOPIC_ID).boolean(false)
    writer.compactArray(places ?? [], (place: PartitionPlace) => {
      const leader = place.advertisedLeader
      writer.int16(leader < 0 ? ProtocolError.LEADER_NOT_AVAILABLE : 0)
      writer.int32(place.partition).int32(leader).int32(place.log.leaderEpoch)
      writer.unsignedVarint(1).unsignedVarint(1).unsignedVarint(1).noTags()
    })
    writer.int32(NO_OPERATIONS).noTags()
  })
  call.answer(writer.int32(NO_OPERATIONS).noTags().view())
}

/** As a PLAINTEXT listener: nobody logs in here. */
export function handleSaslHandshake(_parts: BrokerParts, call: BrokerCall): void {
  const writer = new WireWriter().int16(ProtocolError.ILLEGAL_SASL_STATE)
  call.answer(writer.array([], () => {}).view())
}

const BY_ID: readonly { readonly key: number; readonly version: number }[] = [
  Api.METADATA_WITH_IDS,
  Api.FETCH_BY_ID,
]

export function handleApiVersions({ hasTopicIds }: BrokerParts, call: BrokerCall): void {
  const newest = new Map<number, number>()
  for (const api of Object.values(Api)) {
    if (!hasTopicIds && BY_ID.includes(api)) continue
    newest.set(api.key, Math.max(api.version, newest.get(api.key) ?? 0))
  }
  const writer = new WireWriter().int16(call.refuse)
  writer.array([...newest], ([key, version]) => void writer.int16(key).int16(0).int16(version))
  call.answer(writer.view())
}

export function handleCreateTopics({ state }: BrokerParts, call: BrokerCall): void {
  const { reader } = call
  const answers = reader.array(() => {
    const topic = reader.string()
    const partitions = reader.int32()
    reader.skip(2)
    reader.array(() => {
      reader.int32()
      reader.array(() => reader.int32())
    })
    reader.array(() => {
      reader.string()
      reader.nullableString()
    })
    return { topic, error: call.refuse || state.createTopic(topic, partitions) }
  })
  const writer = new WireWriter().int32(0)
  writer.array(answers, ({ topic, error }) => void writer.string(topic).int16(error).string(null))
  call.answer(writer.view())
}

export function handleDescribeConfigs({ configs }: BrokerParts, call: BrokerCall): void {
  const { reader } = call
  const results = reader.array(() => {
    const type = reader.int8()
    const name = reader.string()
    return { type, name, names: reader.array(() => reader.string()) }
  })
  const writer = new WireWriter().int32(0)
  writer.array(results, ({ type, name, names }) => {
    const mine = type === 4 && name === String(call.node.id)
    writer
      .int16(call.refuse || (mine ? 0 : INVALID_REQUEST))
      .string(null)
      .int8(type)
      .string(name)
    const known = mine ? names.filter((key) => configs.has(key)) : []
    writer.array(known, (key) => {
      writer
        .string(key)
        .string(configs.get(key) ?? null)
        .boolean(true)
        .int8(5)
        .boolean(false)
      writer.int32(0)
    })
  })
  call.answer(writer.view())
}
