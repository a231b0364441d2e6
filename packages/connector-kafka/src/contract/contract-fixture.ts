/**
 * What the contract suite of KafkaClient needs of a cluster, and the small producer and reader that
 * its scenarios use.
 *
 * Scenarios speak to the port alone: a real cluster and a simulated one give the same answers,
 * error codes included.
 */
import type { FetchedPartition, IsolationLevel, KafkaClient } from '../client/kafka-client.ts'
import { isRetriable, ProtocolError } from '../client/protocol-errors.ts'
import { RecordBatchBuilder } from '../records/record-batch-builder.ts'
import { RecordBatchReader } from '../records/record-batch-reader.ts'

export interface KafkaClientFixture {
  /**
   * A client with connections of its own, closed with the fixture. `apiTimeoutMs`: how
   * long it retries.
   */
  connect(apiTimeoutMs?: number): Promise<KafkaClient>
  /** With leaders, empty. */
  createTopic(partitions: number): Promise<string>
  /** A name that nobody has used: for ids, groups and missing topics. */
  freshName(): string
  delay(ms: number): Promise<void>
  nowMs(): number
  /** Retention: the partition begins at `offset`. */
  deleteRecordsBefore(topic: string, partition: number, offset: number): Promise<void>
  /** Deletes the topic and makes another of its name, empty, with leaders. */
  makeTopicAnew(topic: string): Promise<void>
  /** Whether brokers make topics when they are asked for it (`auto.create.topics.enable`). */
  readonly createsTopics: boolean
  /** Whether the cluster tells topics of one name apart. */
  readonly hasTopicIds: boolean
  /** How long after its timeout a transaction may still be open. */
  readonly timeoutCheckMs: number
}

/**
 * Opens a fixture, gives it to a scenario, and closes what it opened; in simulated time it also
 * makes time pass.
 */
export type RunScenario = (
  scenario: (fixture: KafkaClientFixture) => Promise<void>,
) => Promise<void>

export const TRANSACTION_TIMEOUT_MS = 60_000
const PRODUCE_TIMEOUT_MS = 10_000
const TRIES_MAX = 100

export interface Sent {
  readonly error: number
  readonly baseOffset: number
}

/** Fields of a batch that a scenario sets otherwise than a good producer would. */
export interface BatchFields {
  readonly producerId?: bigint
  readonly epoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly timestampMs?: number
}

export async function leaderOf(
  client: KafkaClient,
  topic: string,
  partition: number,
): Promise<number> {
  return (await placeOf(client, topic, partition)).leader
}

export async function placeOf(client: KafkaClient, topic: string, partition: number) {
  const [found] = (await client.metadata([topic])).topics
  const leader = found?.partitions.find((entry) => entry.partition === partition)?.leader ?? -1
  return { leader, topicId: found?.topicId ?? null }
}

export function batchOfTexts(texts: readonly string[], fields: Required<BatchFields>): Uint8Array {
  const values = texts.map((text) => Buffer.from(text))
  const lengths = Int32Array.from(values, (value) => value.length)
  const starts = lengths.map((_, i) => lengths.subarray(0, i).reduce((sum, n) => sum + n, 0))
  const builder = new RecordBatchBuilder(1024, 'none')
  builder.append(Buffer.concat(values), starts, lengths, 0, values.length, 1 << 30)
  return builder.seal(fields)
}

/** A producer that keeps its sequence numbers; of a transactional id when it has one. */
export class ContractProducer {
  readonly id: string | null
  readonly client: KafkaClient
  readonly #nowMs: () => number
  producerId = -1n
  epoch = -1
  readonly #sequences = new Map<string, number>()

  constructor(fixture: KafkaClientFixture, client: KafkaClient, id: string | null) {
    this.client = client
    this.id = id
    this.#nowMs = () => fixture.nowMs()
  }

  get identity() {
    return { producerId: this.producerId, epoch: this.epoch }
  }

  async init(timeoutMs = TRANSACTION_TIMEOUT_MS): Promise<this> {
    const { producerId, epoch } = await this.client.initProducerId(this.id, timeoutMs)
    this.producerId = producerId
    this.epoch = epoch
    this.#sequences.clear()
    return this
  }

  add(topic: string, ...partitions: readonly number[]): Promise<void> {
    const places = partitions.map((partition) => ({ topic, partition }))
    return this.client.addPartitionsToTxn(this.id as string, this.identity, places)
  }

  end(commit: boolean): Promise<void> {
    return this.client.endTxn(this.id as string, this.identity, commit)
  }

  /** One batch; sent again while the cluster says that waiting helps. */
  async send(
    topic: string,
    partition: number,
    texts: readonly string[],
    fields: BatchFields = {},
  ): Promise<Sent> {
    const key = `${topic}-${partition}`
    const next = this.#sequences.get(key) ?? 0
    const complete: Required<BatchFields> = {
      ...this.identity,
      baseSequence: this.producerId < 0n ? -1 : next,
      transactional: this.id !== null,
      timestampMs: this.#nowMs(),
      ...fields,
    }
    const sent = await sendBatch(this.client, this.id, topic, partition, () =>
      batchOfTexts(texts, complete),
    )
    if (sent.error === 0 && fields.baseSequence === undefined) {
      this.#sequences.set(key, next + texts.length)
    }
    return sent
  }
}

/** Sends one batch until the answer is not that waiting helps. */
export async function sendBatch(
  client: KafkaClient,
  id: string | null,
  topic: string,
  partition: number,
  bytes: () => Uint8Array,
): Promise<Sent> {
  for (let tries = 0; ; tries++) {
    const leader = await leaderOf(client, topic, partition)
    const answers = await client.produce(
      leader,
      id,
      [{ topic, partition, bytes: bytes() }],
      PRODUCE_TIMEOUT_MS,
    )
    const { error, baseOffset } = answers[0] ?? { error: -1, baseOffset: -1 }
    const passing = isRetriable(error) && error !== ProtocolError.UNKNOWN_TOPIC_OR_PARTITION
    if (!passing || tries >= TRIES_MAX) return { error, baseOffset }
  }
}

export interface FetchSettings {
  readonly offset?: number
  /** What metadata says when absent; null: by name. */
  readonly topicId?: string | null
  readonly isolation?: IsolationLevel
  readonly maxWaitMs?: number
  readonly minBytes?: number
  readonly maxBytes?: number
}

export interface Fetched extends FetchedPartition {
  readonly values: readonly string[]
  readonly offsets: readonly number[]
  readonly nextOffset: number
}

/** One fetch of one partition, decoded as the source decodes it. */
export async function fetchOnce(
  client: KafkaClient,
  topic: string,
  partition: number,
  settings: FetchSettings = {},
): Promise<Fetched> {
  const { offset = 0, isolation = 'read_uncommitted' } = settings
  const maxBytes = settings.maxBytes ?? 1 << 20
  const place = await placeOf(client, topic, partition)
  const topicId = settings.topicId === undefined ? place.topicId : settings.topicId
  const response = await client.fetch(
    place.leader,
    {
      maxWaitMs: settings.maxWaitMs ?? 0,
      minBytes: settings.minBytes ?? 1,
      ...{ maxBytes, partitionMaxBytes: maxBytes, isolation },
      partitions: [{ topic, partition, topicId, offset }],
    },
    (size) => Buffer.alloc(size),
  )
  const fetched = response.partitions[0] as FetchedPartition
  const reader = new RecordBatchReader({ checkCrcs: true })
  const { start, end, aborted } = fetched
  reader.open({
    ...{ topic, partition, bytes: response.bytes, start, end, aborted },
    fetchOffset: offset,
    stoppingOffset: Number.POSITIVE_INFINITY,
    readCommitted: isolation === 'read_committed',
  })
  const values: string[] = []
  const offsets: number[] = []
  while (reader.fill(1000)) {
    for (let i = 0; i < reader.count; i++) {
      const at = reader.starts[i] as number
      const length = reader.lengths[i] as number
      values.push(Buffer.from(reader.bytes.subarray(at, at + length)).toString())
      offsets.push(reader.offsets[i] as number)
    }
  }
  return { ...fetched, values, offsets, nextOffset: reader.nextOffset }
}

/** Everything that is there now for the isolation. */
export async function readValues(
  client: KafkaClient,
  topic: string,
  partition: number,
  isolation: IsolationLevel,
): Promise<string[]> {
  const values: string[] = []
  for (let offset = 0; ; ) {
    const fetched = await fetchOnce(client, topic, partition, { offset, isolation })
    if (fetched.error !== 0) throw new Error(`fetch at ${offset}: error ${fetched.error}`)
    values.push(...fetched.values)
    if (fetched.nextOffset === offset) return values
    offset = fetched.nextOffset
  }
}

/** Waits until what was ended has its markers. */
export async function settled(fixture: KafkaClientFixture, client: KafkaClient): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const ending = await client.listTransactions(['PrepareCommit', 'PrepareAbort'])
    if (ending?.length === 0) return
    await fixture.delay(50)
  }
  throw new Error('a transaction stays between its decision and its end')
}
