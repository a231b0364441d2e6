/**
 * Fetch v11, and v13, in which topics go by their ids: as many bytes as there are and were asked
 * for, at once or when enough have come.
 *
 * A fetch that waits looks again whenever one of its partitions changes, and gives up waiting when
 * its time is over.
 */
import { ProtocolError, WireWriter } from '@millrace/connector-kafka/protocol'
import type { PartitionPlace } from '../cluster-state.ts'
import type { AbortedInLog } from '../log/partition-log.ts'
import { type BrokerCall, type BrokerParts, readTopics, writeTopics } from './broker-call.ts'

interface FetchItem {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly maxBytes: number
  /** Null: whatever topic has the name. */
  readonly topicId: string | null
}

interface Fetch {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly committedOnly: boolean
  readonly items: readonly FetchItem[]
}

interface FetchedItem extends FetchItem {
  readonly error: number
  readonly place: PartitionPlace | null
  readonly aborted: readonly AbortedInLog[]
  readonly batches: readonly Uint8Array[]
  readonly size: number
}

export function handleFetch(parts: BrokerParts, call: BrokerCall): void {
  serve(parts, call, readFetchRequest(call), encodeAnswer)
}

export function handleFetchById(parts: BrokerParts, call: BrokerCall): void {
  serve(parts, call, readFetchByIdRequest(parts, call), encodeAnswerById)
}

function serve(
  parts: BrokerParts,
  call: BrokerCall,
  fetch: Fetch,
  encode: (items: readonly FetchedItem[]) => Uint8Array[],
): void {
  const answer = () => call.answer(...encode(read(parts, call, fetch)))
  if (call.refuse !== 0 || isDue(parts, call, fetch)) {
    answer()
    return
  }
  const places = fetch.items.map((item) => parts.state.place(item.topic, item.partition))
  const finish = () => {
    cancel()
    for (const place of places) place?.waiting.delete(look)
    answer()
  }
  const look = () => {
    if (call.node.process?.alive !== true) {
      for (const place of places) place?.waiting.delete(look)
    } else if (isDue(parts, call, fetch)) finish()
  }
  const cancel = parts.after(call.node, fetch.maxWaitMs, finish)
  for (const place of places) place?.waiting.add(look)
}

function readFetchRequest({ reader }: BrokerCall): Fetch {
  reader.skip(4) // replica id
  const maxWaitMs = reader.int32()
  const minBytes = reader.int32()
  const maxBytes = reader.int32()
  const committedOnly = reader.int8() === 1
  reader.skip(8) // session
  const items = readTopics(reader, (topic): FetchItem => {
    const partition = reader.int32()
    reader.skip(4) // leader epoch
    const offset = reader.int64Number()
    reader.skip(8) // log start offset
    return { topic, topicId: null, partition, offset, maxBytes: reader.int32() }
  })
  return { maxWaitMs, minBytes, maxBytes, committedOnly, items }
}

function readFetchByIdRequest({ state }: BrokerParts, { reader }: BrokerCall): Fetch {
  reader.skip(4) // replica id
  const maxWaitMs = reader.int32()
  const minBytes = reader.int32()
  const maxBytes = reader.int32()
  const committedOnly = reader.int8() === 1
  reader.skip(8) // session
  const topics = reader.compactArray(() => {
    const topicId = reader.uuid()
    const topic = state.topicWithId(topicId) ?? ''
    const partitions = reader.compactArray((): FetchItem => {
      const partition = reader.int32()
      reader.skip(4) // leader epoch
      const offset = reader.int64Number()
      reader.skip(12) // last fetched epoch, log start offset
      const item = { topic, topicId, partition, offset, maxBytes: reader.int32() }
      reader.tags()
      return item
    })
    reader.tags()
    return partitions
  })
  return { maxWaitMs, minBytes, maxBytes, committedOnly, items: topics.flat() }
}

function errorOf(parts: BrokerParts, call: BrokerCall, item: FetchItem): number {
  if (call.refuse !== 0) return call.refuse
  // It may have been made anew while the fetch was waiting.
  if (item.topicId !== null && parts.state.topicIds.get(item.topic) !== item.topicId) {
    return ProtocolError.UNKNOWN_TOPIC_ID
  }
  const place = parts.state.place(item.topic, item.partition)
  if (place === undefined) return ProtocolError.UNKNOWN_TOPIC_OR_PARTITION
  if (place.leader !== call.node.id) return ProtocolError.NOT_LEADER_OR_FOLLOWER
  return place.log.inRange(item.offset) ? ProtocolError.NONE : ProtocolError.OFFSET_OUT_OF_RANGE
}

function isDue(parts: BrokerParts, call: BrokerCall, fetch: Fetch): boolean {
  if (fetch.maxWaitMs <= 0 || fetch.items.length === 0) return true
  let size = 0
  for (const item of fetch.items) {
    if (errorOf(parts, call, item) !== ProtocolError.NONE) return true
    const place = parts.state.place(item.topic, item.partition) as PartitionPlace
    const { log } = place
    const end = endOf(place, fetch)
    size += Math.min(item.maxBytes, log.bytesBetween(item.offset, end, fetch.minBytes - size))
    if (size >= fetch.minBytes) return true
  }
  return false
}

function endOf({ log, heldFrom }: PartitionPlace, fetch: Fetch): number {
  return Math.min(log.endFor(fetch.committedOnly), heldFrom)
}

function read(parts: BrokerParts, call: BrokerCall, fetch: Fetch): FetchedItem[] {
  let left = fetch.maxBytes
  let total = 0
  return fetch.items.map((item) => {
    const error = errorOf(parts, call, item)
    const place = parts.state.place(item.topic, item.partition)
    if (error !== ProtocolError.NONE || place === undefined) {
      return { ...item, error, place: null, aborted: [], batches: [], size: 0 }
    }
    const { log } = place
    const end = endOf(place, fetch)
    // The first bytes of an answer come whole, so that a large batch cannot stop a reader for ever.
    const maxBytes = Math.max(0, Math.min(item.maxBytes, left))
    const batches = log.read(item.offset, end, maxBytes, total === 0)
    const size = batches.reduce((sum, bytes) => sum + bytes.length, 0)
    total += size
    left -= size
    const aborted = fetch.committedOnly ? log.abortedIn(item.offset, end) : []
    return { ...item, error, place, aborted, batches, size }
  })
}

function encodeAnswer(items: readonly FetchedItem[]): Uint8Array[] {
  const out: Uint8Array[] = []
  let writer = new WireWriter().int32(0).int16(0).int32(0)
  const flush = () => {
    out.push(writer.view())
    writer = new WireWriter(128)
  }
  const groups = new Map<string, FetchedItem[]>()
  for (const item of items) groups.set(item.topic, [...(groups.get(item.topic) ?? []), item])
  writer.int32(groups.size)
  for (const [topic, group] of groups) {
    writer.string(topic).int32(group.length)
    for (const { partition, error, place, aborted, batches, size } of group) {
      const log = place?.log
      writer.int32(partition).int16(error)
      writer.int64(log?.highWatermark ?? -1).int64(log?.lastStableOffset ?? -1)
      writer.int64(log?.startOffset ?? -1)
      writer.array(aborted, (it) => void writer.int64(it.producerId).int64(it.firstOffset))
      writer.int32(-1).int32(size)
      if (size === 0) continue
      flush()
      out.push(...batches)
    }
  }
  flush()
  return out
}

function encodeAnswerById(items: readonly FetchedItem[]): Uint8Array[] {
  const out: Uint8Array[] = []
  // Header tags, throttle time, error, session.
  let writer = new WireWriter().noTags().int32(0).int16(0).int32(0)
  const groups = new Map<string, FetchedItem[]>()
  for (const item of items) {
    const id = item.topicId as string
    groups.set(id, [...(groups.get(id) ?? []), item])
  }
  writer.unsignedVarint(groups.size + 1)
  for (const [id, group] of groups) {
    writer.uuid(id).unsignedVarint(group.length + 1)
    for (const { partition, error, place, aborted, batches, size } of group) {
      const log = place?.log
      writer.int32(partition).int16(error)
      writer.int64(log?.highWatermark ?? -1).int64(log?.lastStableOffset ?? -1)
      writer.int64(log?.startOffset ?? -1)
      writer.compactArray(aborted, (it) => {
        writer.int64(it.producerId).int64(it.firstOffset).noTags()
      })
      writer.int32(-1).unsignedVarint(size + 1)
      out.push(writer.view(), ...batches)
      writer = new WireWriter(128).noTags()
    }
    writer.noTags()
  }
  out.push(writer.noTags().view())
  return out
}

// ListOffsets v4.
export function handleListOffsets(parts: BrokerParts, call: BrokerCall): void {
  const { reader } = call
  reader.skip(4)
  const committedOnly = reader.int8() === 1
  const answers = readTopics(reader, (topic) => {
    const partition = reader.int32()
    reader.skip(4)
    const timestampMs = reader.int64Number()
    return {
      topic,
      partition,
      ...lookUp(parts, call, topic, partition, timestampMs, committedOnly),
    }
  })
  const writer = new WireWriter().int32(0)
  writeTopics(writer, answers, ({ partition, error, offset }) => {
    writer.int32(partition).int16(error).int64(-1).int64(offset).int32(-1)
  })
  call.answer(writer.view())
}

const LATEST = -1
const EARLIEST = -2

function lookUp(
  parts: BrokerParts,
  call: BrokerCall,
  topic: string,
  partition: number,
  timestampMs: number,
  committedOnly: boolean,
): { error: number; offset: number } {
  const place = parts.state.place(topic, partition)
  if (call.refuse !== 0) return { error: call.refuse, offset: -1 }
  if (place === undefined) return { error: ProtocolError.UNKNOWN_TOPIC_OR_PARTITION, offset: -1 }
  if (place.leader !== call.node.id) {
    return { error: ProtocolError.NOT_LEADER_OR_FOLLOWER, offset: -1 }
  }
  const end = place.log.endFor(committedOnly)
  if (timestampMs === LATEST) return { error: 0, offset: end }
  if (timestampMs === EARLIEST) return { error: 0, offset: place.log.startOffset }
  return { error: 0, offset: place.log.offsetOf(timestampMs, end) }
}
