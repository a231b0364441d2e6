/**
 * Sends record batches of one topic, in order within a partition, each acknowledged by all
 * in-sync replicas.
 *
 * Works in rounds: the first batch of every partition, one request a broker; what was refused for a
 * passing reason stays first in its queue and goes again, with the same sequence number, so that
 * the broker drops a repeat. One round at a time keeps the order simple.
 */
import type { MillraceError } from '@millrace/core'
import type { Platform } from '@millrace/platform'
import type { KafkaClient, ProduceBatch } from '../client/kafka-client.ts'
import type { KafkaSettings } from '../client/kafka-properties.ts'
import {
  BrokerRefusal,
  isRetriable,
  ProtocolError,
  protocolErrorName,
  refusalError,
  unreachableError,
} from '../client/protocol-errors.ts'
import { kafkaError } from '../error-codes.ts'
import type { RecordBatchBuilder } from '../records/record-batch-builder.ts'
import type { ProducerSession } from './producer-session.ts'

interface QueuedBatch {
  readonly partition: number
  readonly builder: RecordBatchBuilder
  readonly queuedBytes: number
  /** Set when it is sent for the first time; kept for repeats. */
  sealed: Uint8Array | null
}

export interface ProduceQueueEvents {
  /** Begins, or gives, the session that the queued batches belong to. */
  session(): Promise<ProducerSession>
  /** Batches were acknowledged. */
  onAcknowledged(records: number, bytes: number): void
  onFailure(error: unknown): void
}

export class ProduceQueue {
  readonly #client: KafkaClient
  readonly #settings: KafkaSettings
  readonly #platform: Platform
  readonly #topic: string
  readonly #events: ProduceQueueEvents
  readonly #queues = new Map<number, QueuedBatch[]>()
  readonly #leaders = new Map<number, number>()
  #queuedBytes = 0
  #running: Promise<void> | null = null
  #failure: unknown = null
  #failingSinceMs = Number.NaN
  #attempt = 0
  #closed = false

  constructor(
    client: KafkaClient,
    settings: KafkaSettings,
    platform: Platform,
    topic: string,
    events: ProduceQueueEvents,
  ) {
    this.#client = client
    this.#settings = settings
    this.#platform = platform
    this.#topic = topic
    this.#events = events
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  enqueue(partition: number, builder: RecordBatchBuilder): void {
    builder.finish()
    const batch = { partition, builder, queuedBytes: builder.byteLength, sealed: null }
    const queue = this.#queues.get(partition)
    if (queue === undefined) this.#queues.set(partition, [batch])
    else queue.push(batch)
    this.#queuedBytes += batch.queuedBytes
    this.#running ??= this.#run()
  }

  /** Resolves when everything queued so far is acknowledged. */
  async flush(): Promise<void> {
    await this.#running
    if (this.#failure !== null) throw this.#failure
  }

  close(): void {
    this.#closed = true
  }

  async #run(): Promise<void> {
    try {
      while (!this.#closed) {
        const heads = [...this.#queues.values()].flatMap((queue) => queue.slice(0, 1))
        if (heads.length === 0) break
        await this.#sendRound(heads)
      }
    } catch (error) {
      this.#failure = error
      if (!this.#closed) this.#events.onFailure(error)
    } finally {
      if (this.#failure === null) this.#running = null
    }
  }

  async #sendRound(heads: readonly QueuedBatch[]): Promise<void> {
    const session = await this.#events.session()
    const places = heads.map(({ partition }) => ({ topic: this.#topic, partition }))
    try {
      await session.register(this.#client, places)
    } catch (error) {
      if (error instanceof BrokerRefusal) throw this.#finalError(error.code, -1)
      throw error
    }
    if (heads.some(({ partition }) => !this.#leaders.has(partition))) await this.#findLeaders()
    const byLeader = new Map<number, QueuedBatch[]>()
    for (const batch of heads) {
      const leader = this.#leaders.get(batch.partition) ?? -1
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), batch])
      this.#seal(batch, session)
    }
    const troubles = await Promise.all(
      [...byLeader].map(([leader, batches]) => this.#sendTo(leader, batches, session)),
    )
    const trouble = troubles.find((reason) => reason !== null) ?? null
    if (trouble === null) {
      this.#failingSinceMs = Number.NaN
      this.#attempt = 0
    } else await this.#waitAfter(trouble)
  }

  #seal(batch: QueuedBatch, session: ProducerSession): void {
    if (batch.sealed !== null) return
    batch.sealed = batch.builder.seal({
      ...session.identity,
      baseSequence: session.nextSequence(batch.partition, batch.builder.count),
      transactional: session.transactionalId !== null,
      timestampMs: this.#platform.clock.nowMs(),
    })
  }

  /** Null when all were acknowledged, else why some must be sent again. */
  async #sendTo(
    leader: number,
    batches: readonly QueuedBatch[],
    session: ProducerSession,
  ): Promise<Error | null> {
    if (leader < 0) return new Error('a partition has no leader')
    const request: ProduceBatch[] = batches.map(({ partition, sealed }) => ({
      topic: this.#topic,
      partition,
      bytes: sealed as Uint8Array,
    }))
    let answers: Awaited<ReturnType<KafkaClient['produce']>>
    try {
      const { requestTimeoutMs } = this.#settings
      const id = session.transactionalId
      answers = await this.#client.produce(leader, id, request, requestTimeoutMs)
    } catch (error) {
      return error as Error
    }
    let trouble: Error | null = null
    for (const { partition, error, baseOffset } of answers) {
      if (error === ProtocolError.NONE || error === ProtocolError.DUPLICATE_SEQUENCE_NUMBER) {
        if (baseOffset >= 0) session.place = { topic: this.#topic, partition, offset: baseOffset }
        this.#acknowledge(partition)
      } else if (isRetriable(error)) {
        trouble = new Error(`partition ${partition}: ${protocolErrorName(error)}`)
      } else throw this.#finalError(error, partition)
    }
    return trouble
  }

  #acknowledge(partition: number): void {
    const queue = this.#queues.get(partition) as QueuedBatch[]
    const batch = queue.shift() as QueuedBatch
    if (queue.length === 0) this.#queues.delete(partition)
    this.#queuedBytes -= batch.queuedBytes
    this.#events.onAcknowledged(batch.builder.count, (batch.sealed as Uint8Array).length)
  }

  async #findLeaders(): Promise<void> {
    const { topics } = await this.#client.metadata([this.#topic])
    for (const { partition, leader } of topics[0]?.partitions ?? []) {
      this.#leaders.set(partition, leader)
    }
  }

  async #waitAfter(trouble: Error): Promise<void> {
    const { clock, logger } = this.#platform
    const { retryTimeoutMs, retryBackoffMs, retryBackoffMaxMs } = this.#settings
    const nowMs = clock.monotonicMs()
    if (Number.isNaN(this.#failingSinceMs)) {
      this.#failingSinceMs = nowMs
      const fields = { topic: this.#topic, reason: trouble.message }
      logger.warn('Writing to Kafka is interrupted and tried again', fields)
    } else if (nowMs - this.#failingSinceMs > retryTimeoutMs) {
      const what = `produce (topic ${this.#topic})`
      throw unreachableError(this.#client.description, what, trouble, retryTimeoutMs)
    }
    const delayMs = Math.min(retryBackoffMs * 2 ** Math.min(this.#attempt++, 10), retryBackoffMaxMs)
    await new Promise<void>((done) => void clock.setTimer(delayMs, done, { unref: true }))
    await this.#findLeaders()
  }

  #finalError(code: number, partition: number): MillraceError {
    const location = { topic: this.#topic, ...(partition < 0 ? {} : { partition }) }
    switch (code) {
      case ProtocolError.MESSAGE_TOO_LARGE:
      case ProtocolError.RECORD_LIST_TOO_LARGE:
        return kafkaError(
          'KAFKA_RECORD_TOO_LARGE',
          `A record batch for topic ${this.#topic} is larger than the broker takes.`,
          {
            location,
            hint: "Lower 'properties.batch.size', or raise the topic's max.message.bytes when one record is that large.",
          },
        )
      case ProtocolError.INVALID_PRODUCER_EPOCH:
      case ProtocolError.PRODUCER_FENCED:
      case ProtocolError.INVALID_TXN_STATE:
      case ProtocolError.INVALID_PRODUCER_ID_MAPPING:
        return kafkaError(
          'KAFKA_PRODUCER_FENCED',
          `The transaction on topic ${this.#topic} was ended by someone else: ${protocolErrorName(code)}.`,
          {
            location,
            hint: "Either it was open for longer than 'properties.transaction.timeout.ms', or another job uses the same 'sink.transactional-id-prefix'.",
          },
        )
      default: {
        const subject = `topic ${this.#topic}, partition ${partition}`
        return refusalError(new BrokerRefusal('Produce', code, subject))
      }
    }
  }
}
