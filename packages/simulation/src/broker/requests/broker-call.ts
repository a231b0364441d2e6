/** One request at one node, as its handler sees it, and what all handlers work on. */
import type { WireReader, WireWriter } from '@millrace/connector-kafka/protocol'
import type { BrokerFaults } from '../broker-faults.ts'
import type { BrokerNode, ClusterState } from '../cluster-state.ts'
import type { Leadership } from '../leadership.ts'
import type { TransactionCoordinator } from '../transactions/transaction-coordinator.ts'

export interface BrokerCall {
  readonly node: BrokerNode
  readonly reader: WireReader
  /** Not 0: the answer, for whatever was asked, with nothing done. */
  readonly refuse: number
  /** Not 0: the answer to Produce and to a coordinator, although it was done. */
  readonly pretend: number
  /** The node fails in the middle of it. */
  readonly partially: boolean
  /** At most once; the body in parts. */
  answer(...parts: Uint8Array[]): void
}

export interface BrokerParts {
  readonly state: ClusterState
  readonly leadership: Leadership
  readonly coordinator: TransactionCoordinator
  readonly faults: BrokerFaults
  readonly configs: ReadonlyMap<string, string>
  readonly messageMaxBytes: number
  /** Whether a topic is made when metadata is asked for with leave to make it. */
  readonly createsTopics: boolean
  /** Whether topics are named by their ids; an older cluster knows them by name alone. */
  readonly hasTopicIds: boolean
  /** Runs in the node's life; returns a cancel function. */
  after(node: BrokerNode, delayMs: number, action: () => void): () => void
  log(node: BrokerNode, what: string, about: string): void
}

export type RequestHandler = (parts: BrokerParts, call: BrokerCall) => void

/** `topics [name, [item]]` of a request, flat. */
export function readTopics<T>(reader: WireReader, read: (topic: string) => T): T[] {
  const items: T[] = []
  reader.array(() => {
    const topic = reader.string()
    reader.array(() => items.push(read(topic)))
  })
  return items
}

/** `topics [name, [item]]` of an answer, in the order of the request. */
export function writeTopics<T extends { readonly topic: string }>(
  writer: WireWriter,
  items: readonly T[],
  write: (item: T) => void,
): WireWriter {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(item.topic)
    if (group === undefined) groups.set(item.topic, [item])
    else group.push(item)
  }
  return writer.array(
    [...groups],
    ([topic, group]) => void writer.string(topic).array(group, write),
  )
}
