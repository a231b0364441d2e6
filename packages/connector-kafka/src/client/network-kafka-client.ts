/**
 * KafkaClient over real connections.
 *
 * One connection a broker and purpose (`control`, `fetch`, `produce`): a broker answers a connection's requests in
 * order, so a long-polling
 * fetch must not stand in front of a commit. Requests to a coordinator look it up again when it has moved.
 */
import { isMillraceError } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { kafkaError } from '../error-codes.ts'
import { BrokerConnection, callApi } from './broker-connection.ts'
import { initRequest } from './init-request.ts'
import type {
  ClusterMetadata,
  FetchRequest,
  FetchResponse,
  FrameAllocator,
  IsolationLevel,
  KafkaClient,
  OffsetAndPartition,
  ProduceBatch,
  ProducedPartition,
  ProducerIdentity,
  TopicPartition,
  TransactionIdentity,
  TransactionState,
} from './kafka-client.ts'
import type { KafkaSettings } from './kafka-properties.ts'
import { type OpenKafkaSocket, openKafkaSocket } from './kafka-socket.ts'
import {
  BrokerRefusal,
  isRetriable,
  ProtocolError,
  refusalError,
  requireNoError,
} from './protocol-errors.ts'
import * as wire from './protocol-requests.ts'
import type { WireReader } from './wire-reader.ts'
import type { WireWriter } from './wire-writer.ts'

type Purpose = 'control' | 'fetch' | 'produce'
type ApiOf = (typeof wire.Api)[keyof typeof wire.Api]

const CREATE_TOPICS_TIMEOUT_MS = 10_000

export class NetworkKafkaClient implements KafkaClient {
  readonly description: string
  readonly #settings: KafkaSettings
  readonly #platform: Pick<Platform, 'clock'>
  readonly #openSocket: OpenKafkaSocket
  readonly #connections = new Map<string, Promise<BrokerConnection>>()
  readonly #addresses = new Map<number, { readonly host: string; readonly port: number }>()
  readonly #coordinators = new Map<string, number>()
  #leaders = new Map<string, number>()
  #closed = false

  /** `openSocket`: the network that it speaks through; the real one when absent. */
  constructor(
    settings: KafkaSettings,
    platform: Pick<Platform, 'clock'>,
    openSocket: OpenKafkaSocket = openKafkaSocket,
  ) {
    this.#settings = settings
    this.#platform = platform
    this.#openSocket = openSocket
    this.description = settings.bootstrapServers.map((a) => `${a.host}:${a.port}`).join(', ')
  }

  metadata(topics: readonly string[] | null): Promise<ClusterMetadata> {
    return this.#retry('Metadata', () => this.#metadataOnce(topics))
  }

  async #metadataOnce(topics: readonly string[] | null): Promise<ClusterMetadata> {
    const connection = await this.#anyConnection()
    const metadata = await this.#call(
      connection,
      wire.Api.METADATA,
      wire.writeMetadata(topics),
      wire.readMetadata,
    )
    for (const broker of metadata.brokers) this.#addresses.set(broker.nodeId, broker)
    for (const { topic, partitions } of metadata.topics) {
      for (const { partition, leader } of partitions)
        this.#leaders.set(`${topic}-${partition}`, leader)
    }
    return metadata
  }

  listOffsets(
    requests: readonly (TopicPartition & { readonly timestampMs: number })[],
    isolation: IsolationLevel,
  ): Promise<number[]> {
    return this.#retry('ListOffsets', async () => {
      const offsets = new Map<string, number>()
      for (const [nodeId, items] of await this.#byLeader(requests)) {
        const connection = await this.#connection(nodeId, 'control')
        const answers = await this.#call(
          connection,
          wire.Api.LIST_OFFSETS,
          wire.writeListOffsets(items, isolation === 'read_committed'),
          wire.readListOffsets,
        )
        for (const { topic, partition, error, offset } of answers) {
          requireNoError('ListOffsets', error, `topic ${topic}, partition ${partition}`)
          offsets.set(`${topic}-${partition}`, offset)
        }
      }
      return requests.map((item) => offsets.get(`${item.topic}-${item.partition}`) ?? -1)
    })
  }

  async #byLeader<T extends TopicPartition>(items: readonly T[]): Promise<Map<number, T[]>> {
    await this.#metadataOnce([...new Set(items.map((item) => item.topic))])
    const groups = new Map<number, T[]>()
    for (const item of items) {
      const leader = this.#leaders.get(`${item.topic}-${item.partition}`) ?? -1
      if (leader < 0) {
        const subject = `topic ${item.topic}, partition ${item.partition}`
        throw new BrokerRefusal('Metadata', ProtocolError.LEADER_NOT_AVAILABLE, subject)
      }
      groups.set(leader, [...(groups.get(leader) ?? []), item])
    }
    return groups
  }

  async fetch(
    nodeId: number,
    request: FetchRequest,
    allocate: FrameAllocator,
  ): Promise<FetchResponse> {
    const connection = await this.#connection(nodeId, 'fetch')
    const bytes = await connection.request(
      {
        apiKey: wire.Api.FETCH.key,
        version: wire.Api.FETCH.version,
        parts: [wire.writeFetch(request).view()],
        timeoutMs: this.#settings.requestTimeoutMs + request.maxWaitMs,
      },
      allocate,
    )
    return wire.readFetch(bytes)
  }

  async produce(
    nodeId: number,
    transactionalId: string | null,
    batches: readonly ProduceBatch[],
    timeoutMs: number,
  ): Promise<ProducedPartition[]> {
    const connection = await this.#connection(nodeId, 'produce')
    const bytes = await connection.request({
      apiKey: wire.Api.PRODUCE.key,
      version: wire.Api.PRODUCE.version,
      parts: wire.produceParts(transactionalId, batches, timeoutMs),
      timeoutMs: timeoutMs + this.#settings.connectTimeoutMs,
    })
    return wire.readProduce(bytes)
  }

  initProducerId(transactionalId: string | null, timeoutMs: number): Promise<ProducerIdentity> {
    const { api, body, decode } = initRequest(transactionalId, timeoutMs)
    if (transactionalId !== null) {
      return this.#coordinated('InitProducerId', transactionalId, true, api, body, decode)
    }
    return this.#retry('InitProducerId', async () =>
      this.#call(await this.#anyConnection(), api, body(), decode),
    )
  }

  async beginTransaction(
    idOf: (attempt: number) => string,
    timeoutMs: number,
  ): Promise<TransactionIdentity> {
    let attempt = 0
    return this.#retry('InitProducerId', async () => {
      const transactionalId = idOf(attempt)
      const { api, body, decode } = initRequest(transactionalId, timeoutMs)
      try {
        const identity = await this.#callCoordinator(transactionalId, true, api, body, decode)
        return { transactionalId, ...identity }
      } catch (error) {
        if (!(error instanceof BrokerRefusal)) attempt++
        throw error
      }
    })
  }

  addPartitionsToTxn(
    transactionalId: string,
    identity: ProducerIdentity,
    partitions: readonly TopicPartition[],
  ): Promise<void> {
    return this.#coordinated(
      'AddPartitionsToTxn',
      transactionalId,
      true,
      wire.Api.ADD_PARTITIONS_TO_TXN,
      () => wire.writeAddPartitions(transactionalId, identity, partitions),
      (reader) => {
        for (const { error, topic, partition } of wire.readPartitionErrors(reader)) {
          const subject = `topic ${topic}, partition ${partition} to ${transactionalId}`
          requireNoError('AddPartitionsToTxn', error, subject)
        }
      },
      false,
    )
  }

  endTxn(transactionalId: string, identity: ProducerIdentity, commit: boolean): Promise<void> {
    return this.#coordinated(
      'EndTxn',
      transactionalId,
      true,
      wire.Api.END_TXN,
      () => wire.writeEndTxn(transactionalId, identity, commit),
      (reader) => requireNoError('EndTxn', wire.readErrorOnly(reader), transactionalId),
      false,
    )
  }

  async listTransactions(states: readonly TransactionState[]): Promise<string[] | null> {
    try {
      return await this.#retry('ListTransactions', async () => {
        const { brokers } = await this.#metadataOnce([])
        const ids: string[] = []
        for (const { nodeId } of brokers) {
          const answer = await this.#call(
            await this.#connection(nodeId, 'control'),
            wire.Api.LIST_TRANSACTIONS,
            wire.writeListTransactions(states),
            wire.readListTransactions,
          )
          requireNoError('ListTransactions', answer.error, 'the cluster')
          ids.push(...answer.ids)
        }
        return ids
      })
    } catch (error) {
      if (isMillraceError(error, 'KAFKA_REQUEST_FAILED')) return null
      throw error
    }
  }

  commitOffsets(groupId: string, offsets: readonly OffsetAndPartition[]): Promise<void> {
    return this.#coordinated(
      'OffsetCommit',
      groupId,
      false,
      wire.Api.OFFSET_COMMIT,
      () => wire.writeOffsetCommit(groupId, offsets),
      (reader) => {
        for (const { error, topic, partition } of wire.readPartitionErrors(reader)) {
          requireNoError('OffsetCommit', error, `topic ${topic}, partition ${partition}`)
        }
      },
    )
  }

  fetchCommittedOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<number[]> {
    return this.#coordinated(
      'OffsetFetch',
      groupId,
      false,
      wire.Api.OFFSET_FETCH,
      () => wire.writeOffsetFetch(groupId, partitions),
      (reader) => {
        const { offsets, error } = wire.readOffsetFetch(reader)
        requireNoError('OffsetFetch', error, `group ${groupId}`)
        const found = new Map<string, number>()
        for (const { topic, partition, offset, error: code } of offsets) {
          requireNoError('OffsetFetch', code, `topic ${topic}, partition ${partition}`)
          found.set(`${topic}-${partition}`, offset)
        }
        return partitions.map((item) => found.get(`${item.topic}-${item.partition}`) ?? -1)
      },
    )
  }

  async describeBrokerConfigs(names: readonly string[]): Promise<Map<string, string> | null> {
    try {
      return await this.#retry('DescribeConfigs', async () => {
        const nodeId = (await this.#metadataOnce([])).brokers[0]?.nodeId ?? -1
        const [answer] = await this.#call(
          await this.#connection(nodeId, 'control'),
          wire.Api.DESCRIBE_CONFIGS,
          wire.writeDescribeBrokerConfigs(nodeId, names),
          wire.readDescribeConfigs,
        )
        requireNoError('DescribeConfigs', answer?.error ?? 0, `broker ${nodeId}`)
        const values = new Map<string, string>()
        for (const { name, value } of answer?.configs ?? []) {
          if (value !== null) values.set(name, value)
        }
        return values
      })
    } catch (error) {
      if (isMillraceError(error, 'KAFKA_REQUEST_FAILED')) return null
      throw error
    }
  }

  createTopics(
    topics: readonly { readonly topic: string; readonly partitions: number }[],
  ): Promise<void> {
    return this.#retry('CreateTopics', async () => {
      const answers = await this.#call(
        await this.#anyConnection(),
        wire.Api.CREATE_TOPICS,
        wire.writeCreateTopics(topics, CREATE_TOPICS_TIMEOUT_MS),
        wire.readCreateTopics,
      )
      for (const { topic, error } of answers) {
        if (error !== ProtocolError.TOPIC_ALREADY_EXISTS) {
          requireNoError('CreateTopics', error, `topic ${topic}`)
        }
      }
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const pending of this.#connections.values()) {
      pending.then(
        (connection) => connection.close(),
        () => {},
      )
    }
    this.#connections.clear()
  }

  #call<T>(
    connection: BrokerConnection,
    api: ApiOf,
    body: WireWriter,
    decode: (reader: WireReader) => T,
  ): Promise<T> {
    return callApi(connection, api, body, this.#settings.requestTimeoutMs, decode)
  }

  /** Calls the coordinator of a group or a transactional id; `wrap` false lets a final refusal through as it is. */
  #coordinated<T>(
    name: string,
    key: string,
    transaction: boolean,
    api: ApiOf,
    body: () => WireWriter,
    decode: (reader: WireReader) => T,
    wrap = true,
  ): Promise<T> {
    const call = () => this.#callCoordinator(key, transaction, api, body, decode)
    return this.#retry(name, call, wrap)
  }

  /** One request, which is not repeated. */
  async #callCoordinator<T>(
    key: string,
    transaction: boolean,
    api: ApiOf,
    body: () => WireWriter,
    decode: (reader: WireReader) => T,
  ): Promise<T> {
    const cacheKey = `${transaction ? 't' : 'g'}:${key}`
    let nodeId = this.#coordinators.get(cacheKey)
    if (nodeId === undefined) {
      const found = await this.#call(
        await this.#anyConnection(),
        wire.Api.FIND_COORDINATOR,
        wire.writeFindCoordinator(key, transaction),
        wire.readFindCoordinator,
      )
      requireNoError('FindCoordinator', found.error, key)
      nodeId = found.nodeId
      this.#addresses.set(nodeId, found)
      if (this.#coordinators.size > 1000) this.#coordinators.clear()
      this.#coordinators.set(cacheKey, nodeId)
    }
    try {
      return await this.#call(await this.#connection(nodeId, 'control'), api, body(), decode)
    } catch (error) {
      const moved =
        !(error instanceof BrokerRefusal) ||
        error.code === ProtocolError.NOT_COORDINATOR ||
        error.code === ProtocolError.COORDINATOR_NOT_AVAILABLE
      if (moved) this.#coordinators.delete(cacheKey)
      throw error
    }
  }

  /** Repeats `action` while it fails in a way that may pass, with growing pauses, until the deadline. */
  async #retry<T>(name: string, action: () => Promise<T>, wrap = true): Promise<T> {
    const settings = this.#settings
    const clock = this.#platform.clock
    const deadlineMs = clock.monotonicMs() + settings.retryTimeoutMs
    for (let attempt = 0; ; attempt++) {
      try {
        return await action()
      } catch (error) {
        if (isMillraceError(error) && error.code !== 'KAFKA_RESPONSE_MALFORMED') throw error
        const refusal = error instanceof BrokerRefusal ? error : null
        if (refusal !== null && !isRetriable(refusal.code))
          throw wrap ? refusalError(refusal) : refusal
        if (this.#closed) throw error
        const backoffMs = Math.min(
          settings.retryBackoffMs * 2 ** Math.min(attempt, 10),
          settings.retryBackoffMaxMs,
        )
        if (clock.monotonicMs() + backoffMs > deadlineMs) {
          throw unreachableError(this.description, name, error, settings.retryTimeoutMs)
        }
        await new Promise<void>((done) => void clock.setTimer(backoffMs, done))
      }
    }
  }

  /** A control connection to a known broker or a bootstrap server, whichever answers. */
  async #anyConnection(): Promise<BrokerConnection> {
    let failure: unknown = null
    for (const [key, pending] of [...this.#connections]) {
      if (!key.startsWith('control ')) continue
      try {
        const connection = await pending
        if (connection.isOpen) return connection
      } catch {
        // Its own caller sees why.
      }
    }
    for (const address of [...this.#settings.bootstrapServers, ...this.#addresses.values()]) {
      try {
        return await this.#connectTo(address, 'control')
      } catch (error) {
        if (isMillraceError(error)) throw error
        failure = error
      }
    }
    throw failure
  }

  async #connection(nodeId: number, purpose: Purpose): Promise<BrokerConnection> {
    let address = this.#addresses.get(nodeId)
    if (address === undefined) {
      await this.#metadataOnce([])
      address = this.#addresses.get(nodeId)
    }
    if (address === undefined) throw new Error(`Broker ${nodeId} is not part of the cluster now`)
    return this.#connectTo(address, purpose)
  }

  async #connectTo(
    address: { readonly host: string; readonly port: number },
    purpose: Purpose,
  ): Promise<BrokerConnection> {
    if (this.#closed) throw new Error('The Kafka client is closed')
    const key = `${purpose} ${address.host}:${address.port}`
    const known = this.#connections.get(key)
    if (known !== undefined) {
      const connection = await known.catch(() => null)
      if (connection?.isOpen) return connection
      if (this.#connections.get(key) === known) this.#connections.delete(key)
      else return this.#connectTo(address, purpose)
    }
    const opening = BrokerConnection.open(
      this.#settings,
      this.#platform.clock,
      address,
      this.#openSocket,
    )
    this.#connections.set(key, opening)
    const connection = await opening
    if (this.#closed) connection.close()
    return connection
  }
}

/** KAFKA_UNREACHABLE naming the addresses and the last reason. */
export function unreachableError(
  description: string,
  what: string,
  cause: unknown,
  waitedMs: number,
) {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return kafkaError(
    'KAFKA_UNREACHABLE',
    `Kafka at ${description} did not serve a ${what} request within ${waitedMs} ms: ${reason}.`,
    {
      hint: "Check 'properties.bootstrap.servers', that the broker runs, and that its advertised.listeners can be reached from here.",
      location: { optionKey: 'properties.bootstrap.servers' },
      cause: new Error(reason),
    },
  )
}
