/**
 * KafkaClient over real connections: each call put together from connections, retries and the
 * requests of the protocol.
 *
 * Calls that go to a coordinator are `coordinator-calls.ts`'s; those to a leader find it here.
 */
import { isMillraceError } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import { BrokerConnections } from './broker-connections.ts'
import { CoordinatorCalls } from './coordinator-calls.ts'
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
import { BrokerRefusal, ProtocolError, requireNoError } from './protocol-errors.ts'
import * as wire from './protocol-requests.ts'
import { RequestRetries } from './request-retries.ts'
import { readFetchById, writeFetchById } from './topic-id-requests.ts'

const CREATE_TOPICS_TIMEOUT_MS = 10_000

export class NetworkKafkaClient implements KafkaClient {
  readonly description: string
  readonly #settings: KafkaSettings
  readonly #connections: BrokerConnections
  readonly #retries: RequestRetries
  readonly #coordinators: CoordinatorCalls
  readonly #leaders = new Map<string, number>()

  /** `openSocket`: the network that it speaks through; the real one when absent. */
  constructor(
    settings: KafkaSettings,
    { clock }: Pick<Platform, 'clock'>,
    openSocket: OpenKafkaSocket = openKafkaSocket,
  ) {
    this.#settings = settings
    this.description = settings.bootstrapServers.map((a) => `${a.host}:${a.port}`).join(', ')
    const connections = new BrokerConnections(settings, clock, openSocket)
    this.#connections = connections
    const isClosed = () => connections.isClosed
    this.#retries = new RequestRetries(settings, clock, this.description, isClosed)
    this.#coordinators = new CoordinatorCalls(connections, this.#retries)
  }

  metadata(
    topics: readonly string[] | null,
    { creates }: { readonly creates: boolean } = { creates: false },
  ): Promise<ClusterMetadata> {
    return this.#retries.run('Metadata', () => this.#metadataOnce(topics, creates))
  }

  async #metadataOnce(topics: readonly string[] | null, creates = false): Promise<ClusterMetadata> {
    const metadata = await this.#connections.metadata(topics, creates)
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
    return this.#retries.run('ListOffsets', async () => {
      const offsets = new Map<string, number>()
      for (const [nodeId, items] of await this.#byLeader(requests)) {
        const connection = await this.#connections.to(nodeId, 'control')
        const answers = await this.#connections.call(
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
    const connection = await this.#connections.to(nodeId, 'fetch')
    const byId =
      this.#connections.speaks(wire.Api.FETCH_BY_ID) &&
      request.partitions.every(({ topicId }) => topicId !== null)
    const { key, version } = byId ? wire.Api.FETCH_BY_ID : wire.Api.FETCH
    const body = byId ? writeFetchById(request) : wire.writeFetch(request)
    const bytes = await connection.request(
      {
        ...{ apiKey: key, version, flexible: byId, parts: [body.view()] },
        timeoutMs: this.#settings.requestTimeoutMs + request.maxWaitMs,
      },
      allocate,
    )
    return byId ? readFetchById(bytes, request) : wire.readFetch(bytes)
  }

  async produce(
    nodeId: number,
    transactionalId: string | null,
    batches: readonly ProduceBatch[],
    timeoutMs: number,
  ): Promise<ProducedPartition[]> {
    const connection = await this.#connections.to(nodeId, 'produce')
    const bytes = await connection.request({
      apiKey: wire.Api.PRODUCE.key,
      version: wire.Api.PRODUCE.version,
      parts: wire.produceParts(transactionalId, batches, timeoutMs),
      timeoutMs: timeoutMs + this.#settings.connectTimeoutMs,
    })
    return wire.readProduce(bytes)
  }

  initProducerId(transactionalId: string | null, timeoutMs: number): Promise<ProducerIdentity> {
    if (transactionalId !== null)
      return this.#coordinators.initProducerId(transactionalId, timeoutMs)
    const { api, body, decode } = initRequest(null, timeoutMs)
    return this.#retries.run('InitProducerId', async () =>
      this.#connections.call(await this.#connections.any(), api, body(), decode),
    )
  }

  beginTransaction(
    idOf: (attempt: number) => string,
    timeoutMs: number,
  ): Promise<TransactionIdentity> {
    return this.#coordinators.beginTransaction(idOf, timeoutMs)
  }

  addPartitionsToTxn(
    transactionalId: string,
    identity: ProducerIdentity,
    partitions: readonly TopicPartition[],
  ): Promise<void> {
    return this.#coordinators.addPartitionsToTxn(transactionalId, identity, partitions)
  }

  endTxn(transactionalId: string, identity: ProducerIdentity, commit: boolean): Promise<void> {
    return this.#coordinators.endTxn(transactionalId, identity, commit)
  }

  commitOffsets(groupId: string, offsets: readonly OffsetAndPartition[]): Promise<void> {
    return this.#coordinators.commitOffsets(groupId, offsets)
  }

  fetchCommittedOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<number[]> {
    return this.#coordinators.fetchCommittedOffsets(groupId, partitions)
  }

  async listTransactions(states: readonly TransactionState[]): Promise<string[] | null> {
    try {
      return await this.#retries.run('ListTransactions', async () => {
        const { brokers } = await this.#metadataOnce([])
        const ids: string[] = []
        for (const { nodeId } of brokers) {
          const answer = await this.#connections.call(
            await this.#connections.to(nodeId, 'control'),
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

  async describeBrokerConfigs(names: readonly string[]): Promise<Map<string, string> | null> {
    try {
      return await this.#retries.run('DescribeConfigs', async () => {
        const nodeId = (await this.#metadataOnce([])).brokers[0]?.nodeId ?? -1
        const [answer] = await this.#connections.call(
          await this.#connections.to(nodeId, 'control'),
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
    return this.#retries.run('CreateTopics', async () => {
      const answers = await this.#connections.call(
        await this.#connections.any(),
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
    this.#connections.close()
  }
}
