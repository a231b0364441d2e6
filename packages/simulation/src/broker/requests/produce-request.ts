/**
 * Produce v8: checks each batch, asks the coordinator before a transaction's first one, appends.
 *
 * Fails in the middle: some partitions have their batch, the others not, and nobody is told.
 */
import { ProtocolError, WireWriter } from '@millrace/connector-kafka/protocol'
import { readBatchHeader } from '../log/batch-header.ts'
import type { AppendResult } from '../log/partition-log.ts'
import { type BrokerCall, type BrokerParts, readTopics, writeTopics } from './broker-call.ts'

interface ProducePart {
  readonly topic: string
  readonly partition: number
  readonly bytes: Uint8Array
}

export function handleProduce(parts: BrokerParts, call: BrokerCall): void {
  const { reader } = call
  const transactionalId = reader.nullableString()
  reader.skip(2 + 4) // acks, timeout
  const items = readTopics(reader, (topic): ProducePart => {
    const partition = reader.int32()
    const size = reader.int32()
    const at = reader.position
    reader.skip(size)
    return { topic, partition, bytes: reader.bytes.subarray(at, at + size) }
  })
  const done = call.partially ? items.slice(0, items.length >> 1) : items
  const answers = done.map((item) => ({
    ...item,
    result:
      call.refuse === 0
        ? appendPart(parts, call, transactionalId, item)
        : { error: call.refuse, baseOffset: -1 },
  }))
  if (call.partially) return
  const writer = new WireWriter()
  writeTopics(writer, answers, ({ partition, result }) => {
    writer
      .int32(partition)
      .int16(call.pretend || result.error)
      .int64(result.baseOffset)
    writer.int64(-1).int64(0).int32(0).string(null)
  })
  call.answer(writer.int32(0).view())
  for (const { topic, partition, result } of answers) {
    if (result.error === 0) continue
    parts.log(call.node, 'produce refused', `${topic}-${partition} error ${result.error}`)
  }
}

function appendPart(
  parts: BrokerParts,
  call: BrokerCall,
  transactionalId: string | null,
  item: ProducePart,
): AppendResult {
  const refused = (error: number): AppendResult => ({ error, baseOffset: -1 })
  const place = parts.state.place(item.topic, item.partition)
  if (place === undefined) return refused(ProtocolError.UNKNOWN_TOPIC_OR_PARTITION)
  if (place.leader !== call.node.id) return refused(ProtocolError.NOT_LEADER_OR_FOLLOWER)
  if (item.bytes.length > parts.messageMaxBytes) return refused(ProtocolError.MESSAGE_TOO_LARGE)
  const header = readBatchHeader(item.bytes)
  if (header === null || header.control) return refused(ProtocolError.CORRUPT_MESSAGE)
  if (header.transactional && !place.log.hasOpen(header.producerId)) {
    const error = verify(parts, transactionalId ?? '', header.producerId, header.epoch, place.key)
    if (error !== ProtocolError.NONE) return refused(error)
  }
  const result = place.log.append(item.bytes, header)
  if (result.error === ProtocolError.NONE) parts.state.changed(place)
  return result
}

/** The partition's leader asks the coordinator whether the transaction includes the partition. */
function verify(
  { state, coordinator }: BrokerParts,
  id: string,
  producerId: number,
  epoch: number,
  key: string,
): number {
  const slot = state.slotOf(id)
  if (slot.loading || !state.isActing(slot.node)) return ProtocolError.NOT_ENOUGH_REPLICAS
  const error = coordinator.verify(id, producerId, epoch, key)
  if (error === ProtocolError.PRODUCER_FENCED) return ProtocolError.INVALID_PRODUCER_EPOCH
  return error === ProtocolError.CONCURRENT_TRANSACTIONS ? ProtocolError.NOT_ENOUGH_REPLICAS : error
}
