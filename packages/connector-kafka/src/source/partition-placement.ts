/**
 * Keeps every partition of a reader with the fetcher of its leader.
 *
 * Partitions without a place (new ones, those whose leader moved or whose broker vanished) are
 * placed after asking for the leaders again, with growing pauses; one that cannot be fetched for
 * `default.api.timeout.ms` fails the reader with the last reason.
 */
import type { Platform } from '@millrace/platform'
import { EARLIEST_TIMESTAMP, type KafkaClient, LATEST_TIMESTAMP } from '../client/kafka-client.ts'
import type { KafkaSettings } from '../client/kafka-properties.ts'
import { unreachableError } from '../client/protocol-errors.ts'
import { kafkaError } from '../error-codes.ts'
import { BrokerFetcher, type FetcherEvents, outOfRangeError } from './broker-fetcher.ts'
import type { PartitionProgress } from './partition-progress.ts'

/** So long metadata must name another id. */
const MADE_ANEW_CERTAIN_MS = 1000

type ReaderEvents = Pick<FetcherEvents, 'onChunk' | 'onProgress' | 'onFatal'>

export class PartitionPlacement {
  readonly #client: KafkaClient
  readonly #settings: KafkaSettings
  readonly #platform: Platform
  readonly #events: ReaderEvents
  readonly #fetchers = new Map<number, BrokerFetcher>()
  #homeless: PartitionProgress[] = []
  #placing = false
  #attempt = 0
  #closed = false

  constructor(
    client: KafkaClient,
    settings: KafkaSettings,
    platform: Platform,
    events: ReaderEvents,
  ) {
    this.#client = client
    this.#settings = settings
    this.#platform = platform
    this.#events = events
  }

  place(partitions: readonly PartitionProgress[]): void {
    this.#homeless.push(...partitions)
    if (this.#placing) return
    this.#placing = true
    this.#run().then(
      () => {
        this.#placing = false
        // Once closed nobody is placed: to go on here would be without an end.
        if (this.#homeless.length > 0 && !this.#closed) this.place([])
      },
      (error) => {
        this.#placing = false
        if (!this.#closed) this.#events.onFatal(error)
      },
    )
  }

  close(): void {
    this.#closed = true
    for (const fetcher of this.#fetchers.values()) fetcher.close()
  }

  async #run(): Promise<void> {
    while (this.#homeless.length > 0 && !this.#closed) {
      const partitions = this.#homeless
      this.#homeless = []
      this.#requireHope(partitions)
      if (this.#attempt > 0) await this.#pause()
      const { topics } = await this.#client.metadata([...new Set(partitions.map((p) => p.topic))])
      const leaders = new Map<string, number>()
      const topicIds = new Map(topics.map(({ topic, topicId }) => [topic, topicId]))
      for (const { topic, partitions: found } of topics) {
        for (const { partition, leader } of found) leaders.set(`${topic}-${partition}`, leader)
      }
      this.#attempt++
      await this.#beginAnew(partitions.filter((progress) => progress.offsetGone))
      for (const progress of partitions) {
        const leader = leaders.get(`${progress.topic}-${progress.partition}`) ?? -1
        if (this.#isAnother(progress, topicIds.get(progress.topic) ?? null)) {
          this.#onLost([progress], new Error('the topic has another id'))
        } else if (leader >= 0) this.#fetcher(leader).add(progress)
        else this.#onLost([progress], new Error('the partition has no leader'))
      }
    }
  }

  /**
   * Whether the topic of the name is not the one that is read. That must last: a broker that has
   * not heard of a topic yet names the one before it.
   */
  #isAnother(progress: PartitionProgress, named: string | null): boolean {
    progress.topicId ??= named
    const { topic, topicId, partition, position } = progress
    if (named === null || named === topicId) {
      progress.anotherTopicSinceMs = Number.NaN
      return false
    }
    const nowMs = this.#platform.clock.monotonicMs()
    if (Number.isNaN(progress.anotherTopicSinceMs)) progress.anotherTopicSinceMs = nowMs
    if (nowMs - progress.anotherTopicSinceMs < MADE_ANEW_CERTAIN_MS) return true
    throw kafkaError(
      'KAFKA_TOPIC_MADE_ANEW',
      `Topic ${topic} was deleted and made anew: partition ${partition} was read up to offset ${position} of the topic with id ${topicId}, and is now that of ${named}.`,
      {
        location: { topic, partition, offset: String(position) },
        hint: "What the former topic held is gone. Start without this checkpoint and with 'scan.startup.mode' = 'earliest-offset' to read the new one from its beginning.",
      },
    )
  }

  /** Of partitions that were never read: retention was faster than their first fetch. */
  async #beginAnew(partitions: readonly PartitionProgress[]): Promise<void> {
    if (partitions.length === 0) return
    const requests = partitions.map(({ topic, partition, reset }) => ({
      ...{ topic, partition },
      timestampMs: reset === 'latest' ? LATEST_TIMESTAMP : EARLIEST_TIMESTAMP,
    }))
    const offsets = await this.#client.listOffsets(requests, this.#settings.isolation)
    partitions.forEach((progress, i) => {
      const { topic, partition, reset, fetchOffset } = progress
      const first = offsets[i] as number
      // It lies behind the end: nothing was taken, it was never there.
      if (reset === 'earliest' && first <= fetchOffset) {
        throw outOfRangeError(topic, partition, fetchOffset, first)
      }
      progress.beginAt(first)
    })
  }

  #requireHope(partitions: readonly PartitionProgress[]): void {
    const nowMs = this.#platform.clock.monotonicMs()
    const limitMs = this.#settings.retryTimeoutMs
    for (const { topic, partition, failingSinceMs, lastFailure } of partitions) {
      if (!(nowMs - failingSinceMs > limitMs)) continue
      throw unreachableError(
        this.#client.description,
        `fetch (topic ${topic}, partition ${partition})`,
        lastFailure,
        limitMs,
      )
    }
    if (partitions.every((progress) => Number.isNaN(progress.failingSinceMs))) this.#attempt = 0
  }

  #pause(): Promise<void> {
    const { retryBackoffMs, retryBackoffMaxMs } = this.#settings
    const delayMs = Math.min(retryBackoffMs * 2 ** Math.min(this.#attempt, 10), retryBackoffMaxMs)
    return new Promise((done) => void this.#platform.clock.setTimer(delayMs, done, { unref: true }))
  }

  #fetcher(nodeId: number): BrokerFetcher {
    let fetcher = this.#fetchers.get(nodeId)
    if (fetcher === undefined) {
      fetcher = new BrokerFetcher(nodeId, this.#client, this.#settings, {
        ...this.#events,
        onLost: (lost, reason) => this.#onLost(lost, reason),
      })
      this.#fetchers.set(nodeId, fetcher)
    }
    return fetcher
  }

  #onLost(lost: readonly PartitionProgress[], reason: Error): void {
    if (this.#closed) return
    const nowMs = this.#platform.clock.monotonicMs()
    for (const progress of lost) {
      progress.lastFailure = reason
      if (!Number.isNaN(progress.failingSinceMs)) continue
      progress.failingSinceMs = nowMs
      this.#platform.logger.warn('Fetching a Kafka partition is interrupted and tried again', {
        topic: progress.topic,
        partition: progress.partition,
        reason: reason.message,
      })
    }
    this.place(lost)
  }
}
