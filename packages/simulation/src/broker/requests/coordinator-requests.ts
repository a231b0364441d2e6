/**
 * What a coordinator answers: FindCoordinator v2, InitProducerId v1, AddPartitionsToTxn v2, EndTxn
 * v2, ListTransactions v0, OffsetCommit v7, OffsetFetch v5.
 *
 * Fails in the middle: what was decided stands, another coordinator takes over before it was
 * carried out, and nobody is told.
 */
import { ProtocolError, WireWriter } from '@millrace/connector-kafka/protocol'
import { BROKER_PORT } from '../cluster-state.ts'
import { type BrokerCall, type BrokerParts, readTopics, writeTopics } from './broker-call.ts'

const OPERATION_NOT_ATTEMPTED = 55

/** Transactional ids and groups of the same name have nothing to do with each other. */
const groupKey = (groupId: string) => `group ${groupId}`

/** Ends the call as a coordinator that is gone: in the middle, or with the answer. */
function conclude(parts: BrokerParts, call: BrokerCall, id: string | null, writer: WireWriter) {
  if (!call.partially) call.answer(writer.view())
  else if (id !== null) parts.leadership.moveCoordinator(parts.state.slotOf(id))
}

export function handleFindCoordinator({ state }: BrokerParts, call: BrokerCall): void {
  const key = call.reader.string()
  const transaction = call.reader.int8() === 1
  const node = state.node(state.slotOf(transaction ? key : groupKey(key)).node)
  const found = node !== undefined && state.isUp(node.id) ? node : null
  const error = call.refuse || (found === null ? ProtocolError.COORDINATOR_NOT_AVAILABLE : 0)
  const writer = new WireWriter().int32(0).int16(error).string(null)
  if (found === null || error !== 0) writer.int32(-1).string('').int32(-1)
  else writer.int32(found.id).string(found.host).int32(BROKER_PORT)
  call.answer(writer.view())
}

export function handleInitProducerId(parts: BrokerParts, call: BrokerCall): void {
  const id = call.reader.nullableString()
  const timeoutMs = call.reader.int32()
  const refuse = call.refuse || (id === null ? 0 : parts.state.coordinatorError(call.node.id, id))
  const answer =
    refuse === 0
      ? parts.coordinator.initProducerId(id, timeoutMs)
      : { error: refuse, producerId: -1, epoch: -1 }
  const { error, producerId, epoch } = answer
  if (id !== null) parts.log(call.node, 'InitProducerId', `${id} epoch ${epoch}${told(error)}`)
  const writer = new WireWriter()
    .int32(0)
    .int16(call.pretend || error)
    .int64(producerId)
    .int16(epoch)
  conclude(parts, call, id, writer)
}

const told = (error: number) => (error === 0 ? '' : ` error ${error}`)

function readIdentity({ reader }: BrokerCall) {
  return { id: reader.string(), producerId: Number(reader.int64()), epoch: reader.int16() }
}

export function handleAddPartitions(parts: BrokerParts, call: BrokerCall): void {
  const { reader, node } = call
  const { id, producerId, epoch } = readIdentity(call)
  const items = readTopics(reader, (topic) => ({ topic, partition: reader.int32() }))
  const unknown = items.filter((item) => !parts.state.place(item.topic, item.partition))
  let error = call.refuse || parts.state.coordinatorError(node.id, id)
  if (error === 0 && unknown.length === 0) {
    const keys = items.map(({ topic, partition }) => `${topic}-${partition}`)
    error = parts.coordinator.addPartitions(id, producerId, epoch, keys)
    parts.log(node, 'AddPartitionsToTxn', `${id} epoch ${epoch} ${keys.join(' ')}${told(error)}`)
  }
  const writer = new WireWriter().int32(0)
  writeTopics(writer, items, (item) => {
    const missing = unknown.includes(item)
      ? ProtocolError.UNKNOWN_TOPIC_OR_PARTITION
      : OPERATION_NOT_ATTEMPTED
    writer.int32(item.partition).int16(call.pretend || error || (unknown.length > 0 ? missing : 0))
  })
  conclude(parts, call, id, writer)
}

export function handleEndTxn(parts: BrokerParts, call: BrokerCall): void {
  const { id, producerId, epoch } = readIdentity(call)
  const commit = call.reader.boolean()
  let error = call.refuse || parts.state.coordinatorError(call.node.id, id)
  if (error === 0) error = parts.coordinator.endTxn(id, producerId, epoch, commit)
  const about = `${id} epoch ${epoch} ${commit ? 'commit' : 'abort'}${told(error)}`
  parts.log(call.node, 'EndTxn', about)
  conclude(parts, call, id, new WireWriter().int32(0).int16(call.pretend || error))
}

export function handleListTransactions(parts: BrokerParts, call: BrokerCall): void {
  const { reader, node } = call
  const states = new Set(reader.compactArray(() => reader.compactString()))
  const mine = parts.state.slots.filter((slot) => slot.node === node.id)
  const loading = mine.some((slot) => slot.loading)
  const error = call.refuse || (loading ? ProtocolError.COORDINATOR_LOAD_IN_PROGRESS : 0)
  const found = [...parts.coordinator.all()].filter(
    ({ id, status }) =>
      error === 0 &&
      (states.size === 0 || states.has(status)) &&
      parts.state.slotOf(id).node === node.id,
  )
  // Header tags, throttle time, error, unknown filters, transactions, tags.
  const writer = new WireWriter().int8(0).int32(0).int16(error).unsignedVarint(1)
  writer.unsignedVarint(found.length + 1)
  for (const { id, producerId, status } of found) {
    writer.compactString(id).int64(producerId).compactString(status).int8(0)
  }
  call.answer(writer.int8(0).view())
}

export function handleOffsetCommit(parts: BrokerParts, call: BrokerCall): void {
  const { reader, node } = call
  const { state } = parts
  const groupId = reader.string()
  reader.skip(4)
  reader.string()
  reader.nullableString()
  const items = readTopics(reader, (topic) => {
    const item = { topic, partition: reader.int32(), offset: reader.int64Number() }
    reader.skip(4)
    reader.nullableString()
    return item
  })
  const refuse = call.refuse || state.coordinatorError(node.id, groupKey(groupId))
  const writer = new WireWriter().int32(0)
  writeTopics(writer, items, ({ topic, partition, offset }) => {
    const place = state.place(topic, partition)
    const error = refuse || (place === undefined ? ProtocolError.UNKNOWN_TOPIC_OR_PARTITION : 0)
    if (error === 0) {
      const offsets = state.groups.get(groupId) ?? new Map<string, number>()
      state.groups.set(groupId, offsets.set(`${topic}-${partition}`, offset))
    }
    writer.int32(partition).int16(error)
  })
  call.answer(writer.view())
}

export function handleOffsetFetch({ state }: BrokerParts, call: BrokerCall): void {
  const { reader, node } = call
  const groupId = reader.string()
  const items = readTopics(reader, (topic) => ({ topic, partition: reader.int32() }))
  const error = call.refuse || state.coordinatorError(node.id, groupKey(groupId))
  const offsets = state.groups.get(groupId)
  const writer = new WireWriter().int32(0)
  writeTopics(writer, error === 0 ? items : [], ({ topic, partition }) => {
    const offset = offsets?.get(`${topic}-${partition}`) ?? -1
    writer.int32(partition).int64(offset).int32(-1).string('').int16(0)
  })
  call.answer(writer.int16(error).view())
}
