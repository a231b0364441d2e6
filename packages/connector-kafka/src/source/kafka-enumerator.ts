/**
 * Finds the partitions of a Kafka source and deals them out; lives in the JobManager.
 *
 * A partition is handed out exactly once in the life of a job: its name is in `assigned`, which the
 * checkpoint keeps, and its position is in the reader's state from then on. Partitions found later
 * are new ones, read from their first record.
 */
import type { EnumeratorContext, SourceSplit, SplitEnumerator } from '@millrace/connector'
import type { KafkaClient, TopicMetadata, TopicPartition } from '../client/kafka-client.ts'
import type { KafkaSettings } from '../client/kafka-properties.ts'
import type { OpenClient } from '../client/open-kafka-client.ts'
import { requireTopic, topicsHint } from '../client/require-topic.ts'
import { kafkaError } from '../error-codes.ts'
import type { KafkaSourceConfig } from '../kafka-table.ts'
import { kafkaSplit, splitOwner, splitPosition } from './kafka-split.ts'
import { resetOf, resolveOffsets } from './resolve-offsets.ts'

/** How long the first start looks for the broker, unless the table says otherwise. */
const FIRST_CONTACT = { 'default.api.timeout.ms': '5000' } as const

interface EnumeratorSnapshot {
  readonly assigned: readonly string[]
  readonly unassigned: readonly SourceSplit[]
}

export class KafkaEnumerator implements SplitEnumerator {
  readonly #config: KafkaSourceConfig
  readonly #context: EnumeratorContext
  readonly #openClient: OpenClient
  readonly #assigned = new Set<string>()
  readonly #unassigned = new Map<string, SourceSplit>()
  readonly #readers = new Set<number>()
  #client: KafkaClient | null = null
  #settings: KafkaSettings | null = null
  #discovered = false
  #cancelDiscovery: () => void = () => {}
  #closed = false

  constructor(config: KafkaSourceConfig, context: EnumeratorContext, openClient: OpenClient) {
    this.#config = config
    this.#context = context
    this.#openClient = openClient
  }

  async start(restored: unknown): Promise<void> {
    // A job that has never run has no patience to lose: whoever mistyped the address
    // should read so soon.
    const patience = restored === null ? FIRST_CONTACT : {}
    const { client, settings } = await this.#openClient({ ...patience, ...this.#config.properties })
    this.#client = client
    this.#settings = settings
    const state = restored as EnumeratorSnapshot | null
    for (const id of state?.assigned ?? []) this.#assigned.add(id)
    for (const split of state?.unassigned ?? []) this.#unassigned.set(split.id, split)
    if (state === null && this.#config.startupUnsaid) this.#sayWhereItBegins()
    await this.#discover(state === null)
    this.#discovered = true
    for (const reader of this.#context.registeredReaders()) this.#readers.add(reader)
    for (const reader of this.#readers) this.#assignTo(reader)
    this.#scheduleDiscovery()
  }

  #sayWhereItBegins(): void {
    this.#context.platform.logger.info(
      "Reading from the earliest offset: neither 'scan.startup.mode' nor 'properties.group.id' says where to begin",
      { table: this.#context.tableName },
    )
  }

  addReader(subtaskIndex: number): void {
    this.#readers.add(subtaskIndex)
    if (this.#discovered) this.#assignTo(subtaskIndex)
  }

  handleReaderEvent(): void {}

  snapshot(): EnumeratorSnapshot {
    return { assigned: [...this.#assigned], unassigned: [...this.#unassigned.values()] }
  }

  waitsFor(): string | null {
    if (this.#discovered || this.#closed) return null
    return `Kafka at ${this.#config.properties['bootstrap.servers']}`
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancelDiscovery()
    await this.#client?.close()
  }

  #assignTo(reader: number): void {
    const splits = [...this.#unassigned.values()].filter((split) => {
      const { topic, partition } = splitPosition(split)
      return splitOwner(topic, partition, this.#context.parallelism) === reader
    })
    if (splits.length > 0) {
      for (const { id } of splits) {
        this.#unassigned.delete(id)
        this.#assigned.add(id)
      }
      this.#context.assignSplits(reader, splits)
    }
    if (this.#config.bounded !== null) this.#context.signalNoMoreSplits(reader)
  }

  #scheduleDiscovery(): void {
    const intervalMs = this.#config.discoveryIntervalMs
    if (intervalMs <= 0 || this.#closed) return
    this.#cancelDiscovery = this.#context.schedule(intervalMs, () => {
      this.#discover(false)
        .then(
          () => {
            for (const reader of this.#readers) this.#assignTo(reader)
          },
          (error) => {
            // Reading goes on; the readers report a broker that is really gone.
            this.#context.platform.logger.warn('Looking for new Kafka partitions failed', {
              reason: error instanceof Error ? error.message : String(error),
            })
          },
        )
        .finally(() => this.#scheduleDiscovery())
    })
  }

  /**
   * Makes splits of the partitions that are not known yet. `first`: at the job's start, by the
   * startup mode; later from the first record.
   */
  async #discover(first: boolean): Promise<void> {
    const client = this.#client as KafkaClient
    const settings = this.#settings as KafkaSettings
    const topics = await this.#findTopics(client)
    const fresh: (TopicPartition & { readonly topicId: string | null })[] = []
    for (const { topic, topicId, partitions } of topics) {
      for (const { partition } of partitions) {
        const id = `${topic}-${partition}`
        if (!this.#assigned.has(id) && !this.#unassigned.has(id)) {
          fresh.push({ topic, partition, topicId })
        }
      }
    }
    if (fresh.length === 0) return
    fresh.sort((a, b) =>
      a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition,
    )
    const startMode = first ? this.#config.startup : ({ mode: 'earliest-offset' } as const)
    const starts = await resolveOffsets(client, settings, startMode, fresh, 'start')
    const reset = resetOf(startMode, settings)
    const { bounded } = this.#config
    const stops =
      bounded === null ? null : await resolveOffsets(client, settings, bounded, fresh, 'end')
    fresh.forEach((item, i) => {
      const split = kafkaSplit({
        ...item,
        offset: starts[i] as number,
        stoppingOffset: stops === null ? null : (stops[i] as number),
        ...(reset === null ? {} : { reset }),
      })
      this.#unassigned.set(split.id, split)
    })
  }

  async #findTopics(client: KafkaClient): Promise<readonly TopicMetadata[]> {
    const { topics: names, topicPattern } = this.#config
    if (names === null) {
      const pattern = new RegExp(`^(?:${topicPattern})$`)
      const all = (await client.metadata(null)).topics.filter((entry) => !entry.isInternal)
      const matching = all.filter((entry) => pattern.test(entry.topic))
      if (matching.length > 0 || this.#discovered) return matching
      throw kafkaError(
        'KAFKA_TOPIC_MISSING',
        `No topic at ${client.description} matches '${topicPattern}'.`,
        { hint: topicsHint(all, ''), location: { optionKey: 'topic-pattern' } },
      )
    }
    const { topics } = await client.metadata(names)
    for (const { topic, error } of topics) await requireTopic(client, topic, error)
    return topics
  }
}
