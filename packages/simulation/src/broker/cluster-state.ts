/**
 * ClusterState: what the brokers of a simulated cluster know together: topics, leaders,
 * coordinators, group offsets.
 *
 * Replication is perfect: what was acknowledged is known to whichever node leads next. What moves
 * is who may answer, and when the others have heard of it.
 */
import { ProtocolError } from '@millrace/connector-kafka/protocol'
import type { SimulatedProcess } from '../world/simulated-process.ts'
import { PartitionLog } from './log/partition-log.ts'

export const NO_LEADER = -1
export const BROKER_PORT = 9092
const COORDINATOR_SLOTS = 5

export interface BrokerNode {
  readonly id: number
  readonly host: string
  /** Its present life; null while it is down. */
  process: SimulatedProcess | null
  /** Whether metadata names it. */
  registered: boolean
}

export interface PartitionPlace {
  readonly topic: string
  readonly partition: number
  /** `topic-partition`. */
  readonly key: string
  readonly log: PartitionLog
  leader: number
  /** Who metadata says it is. */
  advertisedLeader: number
  /** Fetches that wait for something to change here. */
  readonly waiting: Set<() => void>
  /** Fetches get nothing from this offset on, though it counts as there; Infinity: they get all. */
  heldFrom: number
}

/** A share of the transactional ids and groups, with the node that coordinates it. */
export interface CoordinatorSlot {
  readonly index: number
  node: number
  /** The new coordinator reads its log first. */
  loading: boolean
  /** Counts the moves: what an earlier coordinator had planned is void. */
  moves: number
}

export class ClusterState {
  readonly nodes: readonly BrokerNode[]
  readonly topics = new Map<string, PartitionPlace[]>()
  /** Topic → its id, which no other topic has or had. */
  readonly topicIds = new Map<string, string>()
  readonly slots: readonly CoordinatorSlot[]
  /** Group → `topic-partition` → offset. */
  readonly groups = new Map<string, Map<string, number>>()
  readonly #places = new Map<string, PartitionPlace>()
  #topicsMade = 0

  constructor(name: string, nodeCount: number) {
    this.nodes = Array.from({ length: nodeCount }, (_, i) => ({
      ...{ id: i + 1, host: `${name}-${i + 1}`, process: null, registered: true },
    }))
    this.slots = Array.from({ length: COORDINATOR_SLOTS }, (_, index) => ({
      ...{ index, node: (index % nodeCount) + 1, loading: false, moves: 0 },
    }))
  }

  node(id: number): BrokerNode | undefined {
    return this.nodes[id - 1]
  }

  isUp(id: number): boolean {
    return this.node(id)?.process?.alive === true
  }

  /** Runs and is not paused: it does what others ask of it now. */
  isActing(id: number): boolean {
    const process = this.node(id)?.process
    return process?.alive === true && !process.paused
  }

  /** A protocol error code. */
  createTopic(topic: string, partitions: number): number {
    if (!/^[\w.-]{1,249}$/.test(topic) || topic === '.' || topic === '..') {
      return ProtocolError.INVALID_TOPIC_EXCEPTION
    }
    if (partitions < 1) return INVALID_PARTITIONS
    if (this.topics.has(topic)) return ProtocolError.TOPIC_ALREADY_EXISTS
    const first = hashOf(topic)
    const places = Array.from({ length: partitions }, (_, partition): PartitionPlace => {
      const leader = ((first + partition) % this.nodes.length) + 1
      const key = `${topic}-${partition}`
      const log = new PartitionLog()
      return {
        ...{ topic, partition, key, log, leader, advertisedLeader: leader, waiting: new Set() },
        heldFrom: Number.POSITIVE_INFINITY,
      }
    })
    this.topics.set(topic, places)
    this.topicIds.set(topic, topicIdOf(++this.#topicsMade))
    for (const place of places) this.#places.set(place.key, place)
    return ProtocolError.NONE
  }

  /** With its records, and what groups have committed of it. */
  deleteTopic(topic: string): void {
    const places = this.topics.get(topic) ?? []
    this.topics.delete(topic)
    this.topicIds.delete(topic)
    for (const place of places) {
      this.#places.delete(place.key)
      for (const offsets of this.groups.values()) offsets.delete(place.key)
      this.changed(place)
    }
  }

  /** Null: no topic has the id now. */
  topicWithId(id: string): string | null {
    for (const [topic, known] of this.topicIds) if (known === id) return topic
    return null
  }

  place(topic: string, partition: number): PartitionPlace | undefined {
    return this.topics.get(topic)?.[partition]
  }

  placeOf(key: string): PartitionPlace | undefined {
    return this.#places.get(key)
  }

  places(): IterableIterator<PartitionPlace> {
    return this.#places.values()
  }

  slotOf(key: string): CoordinatorSlot {
    return this.slots[hashOf(key) % this.slots.length] as CoordinatorSlot
  }

  /** Why `nodeId` may not answer for `key`: a protocol error code, 0 when it may. */
  coordinatorError(nodeId: number, key: string): number {
    const slot = this.slotOf(key)
    if (slot.node !== nodeId) return ProtocolError.NOT_COORDINATOR
    return slot.loading ? ProtocolError.COORDINATOR_LOAD_IN_PROGRESS : ProtocolError.NONE
  }

  /** Something in the partition changed: waiting fetches look again. */
  changed(place: PartitionPlace): void {
    if (place.waiting.size === 0) return
    for (const look of [...place.waiting]) look()
  }
}

const INVALID_PARTITIONS = 37

/** 16 bytes in base64url, counted up. */
function topicIdOf(number: number): string {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32BE(number, 12)
  return bytes.toString('base64url')
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}
