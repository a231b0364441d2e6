/**
 * SlotExchange: the data plane of one slot — its partitions, its server side, and its connections
 * to the slots it reads from.
 *
 * Created once per slot thread; tasks register partitions and open channels through it. Invariant:
 * at most one consuming connection per producer slot, shared by all channels; a lost one is
 * replaced when the next channel asks.
 */
import type { Clock, DataConnection } from '@millrace/platform'
import { SegmentPool } from '../buffer/segment-pool.ts'
import { networkError } from '../error-codes.ts'
import type { InputChannel } from '../input/input-channel.ts'
import type { NetworkSettings } from '../network-options.ts'
import type { ResultPartition } from '../partition/result-partition.ts'
import type { PartitionRequest } from '../wire/frame.ts'
import { ConsumerConnection } from './consumer-connection.ts'
import { memoryConnectionPair } from './memory-connection.ts'
import { PartitionRegistry } from './partition-registry.ts'
import { ProducerConnection } from './producer-connection.ts'

/** The slot that a channel's producer runs in. */
export interface PeerSlot {
  /**
   * Unique, e.g. `<taskManagerId>_<slot>@<address>`; a slot that came back fresh has another one.
   */
  readonly key: string
  /** For errors. */
  readonly description: string
  /** This very slot. */
  readonly isSelf: boolean
}

export class SlotExchange {
  readonly pool: SegmentPool
  readonly settings: NetworkSettings
  readonly #clock: Clock
  readonly #registry: PartitionRegistry
  readonly #producers = new Set<ProducerConnection>()
  readonly #consumers = new Map<string, Promise<ConsumerConnection>>()
  readonly #connect: (peer: PeerSlot) => Promise<DataConnection>
  #closed = false

  /** `connect` reaches other slots: over a port inside the TaskManager, over TCP outside. */
  constructor(
    settings: NetworkSettings,
    clock: Clock,
    connect: (peer: PeerSlot) => Promise<DataConnection>,
  ) {
    this.settings = settings
    this.#clock = clock
    this.#connect = connect
    this.pool = new SegmentPool(settings.segmentBytes, settings.segmentCountMax)
    this.#registry = new PartitionRegistry(clock, settings.partitionRequestTimeoutMs)
  }

  /** Serves the channels of a connection that another slot has opened. */
  accept(connection: DataConnection): void {
    const producer = new ProducerConnection(connection, this.#registry)
    this.#producers.add(producer)
    producer.onClosed(() => this.#producers.delete(producer))
    if (this.#closed) producer.close()
  }

  registerPartition(partition: ResultPartition): void {
    this.#registry.register(partition)
  }

  /** Partitions that consumers may still read. */
  get partitionCount(): number {
    return this.#registry.size
  }

  /** Connects a channel to its producer; it fails the channel when it cannot. */
  openChannel(channel: InputChannel, peer: PeerSlot, request: PartitionRequest): void {
    this.#consumer(peer).then(
      (connection) => connection.open(channel, request),
      (cause) =>
        channel.fail(
          networkError('NETWORK_CONNECTION_LOST', `Could not connect to ${peer.description}.`, {
            cause,
          }),
        ),
    )
  }

  close(): void {
    this.#closed = true
    for (const producer of this.#producers) producer.close()
    for (const consumer of this.#consumers.values()) {
      consumer.then(
        (connection) => connection.close(),
        () => {},
      )
    }
    this.#consumers.clear()
  }

  #consumer(peer: PeerSlot): Promise<ConsumerConnection> {
    const known = this.#consumers.get(peer.key)
    if (known !== undefined) return known
    const opened = this.#open(peer).then((connection) => {
      const consumer = new ConsumerConnection(connection, peer.description)
      consumer.onClosed(() => {
        if (this.#consumers.get(peer.key) === opened) this.#consumers.delete(peer.key)
      })
      return consumer
    })
    this.#consumers.set(peer.key, opened)
    opened.catch(() => {
      if (this.#consumers.get(peer.key) === opened) this.#consumers.delete(peer.key)
    })
    return opened
  }

  #open(peer: PeerSlot): Promise<DataConnection> {
    if (!peer.isSelf) return this.#connect(peer)
    const [consumer, producer] = memoryConnectionPair(this.#clock)
    this.accept(producer)
    return Promise.resolve(consumer)
  }
}
