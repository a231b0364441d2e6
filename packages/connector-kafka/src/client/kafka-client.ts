/**
 * KafkaClient: what source and sink need of a Kafka cluster, as a port.
 *
 * `NetworkKafkaClient` speaks to real brokers; a simulated broker can stand behind the same
 * interface. Every method retries what Kafka calls retriable until the client's deadline, then
 * fails with KAFKA_UNREACHABLE or KAFKA_REQUEST_FAILED; only `fetch` and `produce` answer with an
 * error code a partition, as their callers must refresh leaders and keep order.
 */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface PartitionMetadata {
  readonly partition: number
  /** Node id of the leader, -1 when there is none. */
  readonly leader: number
}

export interface TopicMetadata {
  readonly topic: string
  /** Tells topics of one name apart; null where the brokers know none. */
  readonly topicId: string | null
  /** A protocol error code; 0 = fine, 3 = unknown topic. */
  readonly error: number
  readonly isInternal: boolean
  readonly partitions: readonly PartitionMetadata[]
}

export interface ClusterMetadata {
  readonly brokers: readonly {
    readonly nodeId: number
    readonly host: string
    readonly port: number
  }[]
  readonly topics: readonly TopicMetadata[]
}

/** `-1` latest, `-2` earliest, otherwise the first offset whose record time is at least this. */
export const LATEST_TIMESTAMP = -1
export const EARLIEST_TIMESTAMP = -2

export type IsolationLevel = 'read_uncommitted' | 'read_committed'

export interface FetchPartition extends TopicPartition {
  /**
   * As metadata named it: a topic that was made anew since is refused. Null: whatever
   * topic has the name.
   */
  readonly topicId: string | null
  readonly offset: number
  /** In place of the request's `partitionMaxBytes`. */
  readonly bytesMax?: number
}

export interface FetchRequest {
  readonly maxWaitMs: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly partitionMaxBytes: number
  readonly isolation: IsolationLevel
  readonly partitions: readonly FetchPartition[]
}

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

export interface FetchedPartition extends TopicPartition {
  readonly error: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly aborted: readonly AbortedTransaction[]
  /** The record batches: `bytes[start … end)` of the response. */
  readonly start: number
  readonly end: number
}

export interface FetchResponse {
  /** The whole response; batches are referred to, not copied. */
  readonly bytes: Uint8Array
  readonly error: number
  readonly partitions: readonly FetchedPartition[]
}

/** Gives a buffer of at least `size` bytes for one response; the caller of `fetch` owns it. */
export type FrameAllocator = (size: number) => Uint8Array

export interface ProduceBatch extends TopicPartition {
  /** One complete record batch (v2). */
  readonly bytes: Uint8Array
}

export interface ProducedPartition extends TopicPartition {
  readonly error: number
  readonly baseOffset: number
}

export interface ProducerIdentity {
  readonly producerId: bigint
  readonly epoch: number
}

/** The states of a transaction that is not at its end yet. */
export type TransactionState = 'Ongoing' | 'PrepareCommit' | 'PrepareAbort'

export interface OffsetAndPartition extends TopicPartition {
  readonly offset: number
}

export interface TransactionIdentity extends ProducerIdentity {
  readonly transactionalId: string
}

export interface KafkaClient {
  /** The bootstrap addresses, for messages. */
  readonly description: string
  /**
   * `null`: every topic. `creates`: brokers that make topics when they are asked for do so, in
   * their own time.
   */
  metadata(
    topics: readonly string[] | null,
    settings?: { readonly creates: boolean },
  ): Promise<ClusterMetadata>
  /** Offsets in the order of the requests; -1 where no record is as late as the timestamp. */
  listOffsets(
    requests: readonly (TopicPartition & { readonly timestampMs: number })[],
    isolation: IsolationLevel,
  ): Promise<number[]>
  /** One request to one broker, not retried. Rejects when the connection fails. */
  fetch(nodeId: number, request: FetchRequest, allocate: FrameAllocator): Promise<FetchResponse>
  /**
   * One request to one broker, not retried; at most one batch a partition. Acknowledged by all
   * in-sync replicas.
   */
  produce(
    nodeId: number,
    transactionalId: string | null,
    batches: readonly ProduceBatch[],
    timeoutMs: number,
  ): Promise<ProducedPartition[]>
  /** Of a transactional id: fences older producers and aborts their open transaction. */
  initProducerId(transactionalId: string | null, timeoutMs: number): Promise<ProducerIdentity>
  /**
   * A producer of a new transactional id. An attempt whose outcome is unknown may still be carried
   * out, long after the answer to a later one, and would abort what that one's transaction has by
   * then: so the next takes another id.
   */
  beginTransaction(
    idOf: (attempt: number) => string,
    timeoutMs: number,
  ): Promise<TransactionIdentity>
  addPartitionsToTxn(
    transactionalId: string,
    identity: ProducerIdentity,
    partitions: readonly TopicPartition[],
  ): Promise<void>
  /**
   * Repeating a completed one is harmless (protocol versions below 5). Throws `BrokerRefusal` for a
   * final refusal.
   */
  endTxn(transactionalId: string, identity: ProducerIdentity, commit: boolean): Promise<void>
  /**
   * Ids of the transactions in these states, or null when the cluster cannot or may not list them.
   */
  listTransactions(states: readonly TransactionState[]): Promise<string[] | null>
  commitOffsets(groupId: string, offsets: readonly OffsetAndPartition[]): Promise<void>
  /** Committed offsets in the order of `partitions`, -1 where there is none. */
  fetchCommittedOffsets(groupId: string, partitions: readonly TopicPartition[]): Promise<number[]>
  /**
   * Values of the named configs of a broker; absent ones are left out. Null when it
   * may not be asked.
   */
  describeBrokerConfigs(names: readonly string[]): Promise<Map<string, string> | null>
  /** For tests and tools. An existing topic is fine. */
  createTopics(
    topics: readonly { readonly topic: string; readonly partitions: number }[],
  ): Promise<void>
  close(): Promise<void>
}
