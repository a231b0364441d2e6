/** Metadata v8, CreateTopics v3, DescribeConfigs v1: what the cluster is. */
import { ProtocolError, WireWriter } from '@millrace/connector-kafka/protocol'
import { BROKER_PORT, type PartitionPlace } from '../cluster-state.ts'
import type { BrokerCall, BrokerParts } from './broker-call.ts'

const NO_OPERATIONS = -0x80000000
const INVALID_REQUEST = 42

export function handleMetadata({ state }: BrokerParts, call: BrokerCall): void {
  const { reader } = call
  const all = reader.int32() < 0
  reader.position -= 4
  const asked = reader.array(() => reader.string())
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
