/**
 * Keeps every partition of a reader with the fetcher of its leader.
 *
 * Partitions without a place (new ones, those whose leader moved or whose broker vanished) are placed after asking
 * for the leaders again, with
 * growing pauses; one that cannot be fetched for `default.api.timeout.ms` fails the reader with the last reason.
 */
import type { Platform } from '@millrace/platform'
import type { KafkaClient } from '../client/kafka-client.ts'
import type { KafkaSettings } from '../client/kafka-properties.ts'
import { unreachableError } from '../client/network-kafka-client.ts'
import { BrokerFetcher, type FetcherEvents } from './broker-fetcher.ts'
import type { PartitionProgress } from './partition-progress.ts'

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
      for (const { topic, partitions: found } of topics) {
        for (const { partition, leader } of found) leaders.set(`${topic}-${partition}`, leader)
      }
      this.#attempt++
      for (const progress of partitions) {
        const leader = leaders.get(`${progress.topic}-${progress.partition}`) ?? -1
        if (leader >= 0) this.#fetcher(leader).add(progress)
        else this.#onLost([progress], new Error('the partition has no leader'))
      }
    }
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
