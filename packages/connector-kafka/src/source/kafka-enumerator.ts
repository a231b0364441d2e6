/**
 * Finds the partitions of a Kafka source and deals them out; lives in the JobManager.
 *
 * A partition is handed out exactly once in the life of a job: its name is in `assigned`, which the checkpoint
 * keeps, and its position is in the
 * reader's state from then on. Partitions found later are new ones, read from their first record.
 */
import type { EnumeratorContext, SourceSplit, SplitEnumerator } from '@millrace/connector'
import { nearestName } from '@millrace/core'
import type { KafkaClient, TopicMetadata, TopicPartition } from '../client/kafka-client.ts'
import type { KafkaSettings } from '../client/kafka-properties.ts'
import { ProtocolError } from '../client/protocol-errors.ts'
import { kafkaError } from '../error-codes.ts'
import type { KafkaSourceConfig } from '../kafka-table.ts'
import { kafkaSplit, splitOwner, splitPosition } from './kafka-split.ts'
import { resolveOffsets } from './resolve-offsets.ts'

export type OpenClient = (
  properties: Readonly<Record<string, string>>,
) => Promise<{ readonly client: KafkaClient; readonly settings: KafkaSettings }>

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
    // A job that has never run has no patience to lose: whoever mistyped the address should read so soon.
    const patience = restored === null ? FIRST_CONTACT : {}
    const { client, settings } = await this.#openClient({ ...patience, ...this.#config.properties })
    this.#client = client
    this.#settings = settings
    const state = restored as EnumeratorSnapshot | null
    for (const id of state?.assigned ?? []) this.#assigned.add(id)
    for (const split of state?.unassigned ?? []) this.#unassigned.set(split.id, split)
    await this.#discover(state === null)
    this.#discovered = true
    for (const reader of this.#context.registeredReaders()) this.#readers.add(reader)
    for (const reader of this.#readers) this.#assignTo(reader)
    this.#scheduleDiscovery()
  }

  addReader(subtaskIndex: number): void {
    this.#readers.add(subtaskIndex)
    if (this.#discovered) this.#assignTo(subtaskIndex)
  }

  handleReaderEvent(): void {}

  snapshot(): EnumeratorSnapshot {
    return { assigned: [...this.#assigned], unassigned: [...this.#unassigned.values()] }
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
   * Makes splits of the partitions that are not known yet. `first`: at the job's start, by the startup mode;
   * later from the first record.
   */
  async #discover(first: boolean): Promise<void> {
    const client = this.#client as KafkaClient
    const settings = this.#settings as KafkaSettings
    const topics = await this.#findTopics(client)
    const fresh: TopicPartition[] = []
    for (const { topic, partitions } of topics) {
      for (const { partition } of partitions) {
        const id = `${topic}-${partition}`
        if (!this.#assigned.has(id) && !this.#unassigned.has(id)) fresh.push({ topic, partition })
      }
    }
    if (fresh.length === 0) return
    fresh.sort((a, b) =>
      a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition,
    )
    const startMode = first ? this.#config.startup : ({ mode: 'earliest-offset' } as const)
    const starts = await resolveOffsets(client, settings, startMode, fresh, 'start')
    const { bounded } = this.#config
    const stops =
      bounded === null ? null : await resolveOffsets(client, settings, bounded, fresh, 'end')
    fresh.forEach((item, i) => {
      const split = kafkaSplit({
        ...item,
        offset: starts[i] as number,
        stoppingOffset: stops === null ? null : (stops[i] as number),
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

/** Throws KAFKA_TOPIC_MISSING, with the names of topics that there are, unless the topic's metadata is fine. */
export async function requireTopic(
  client: KafkaClient,
  topic: string,
  error: number,
): Promise<void> {
  if (error === ProtocolError.NONE || error === ProtocolError.LEADER_NOT_AVAILABLE) return
  if (error === ProtocolError.TOPIC_AUTHORIZATION_FAILED) {
    throw kafkaError('KAFKA_REQUEST_FAILED', `Reading topic '${topic}' is not allowed.`, {
      hint: 'Grant the principal of the connection DESCRIBE and READ or WRITE on the topic.',
      location: { topic, optionKey: 'topic' },
    })
  }
  const known = (await client.metadata(null)).topics.filter((entry) => !entry.isInternal)
  throw kafkaError(
    'KAFKA_TOPIC_MISSING',
    `Topic '${topic}' does not exist at ${client.description}.`,
    { hint: topicsHint(known, topic), location: { topic, optionKey: 'topic' } },
  )
}

const TOPICS_SHOWN_MAX = 10

function topicsHint(known: readonly TopicMetadata[], wanted: string): string {
  const names = known.map((entry) => entry.topic).sort()
  const near = nearestName(wanted, names)
  if (near !== undefined) return `Did you mean '${near}'? Otherwise create the topic first.`
  if (names.length === 0) return 'There is no topic at all; create it first.'
  const more = names.length > TOPICS_SHOWN_MAX ? ', …' : ''
  return `Create the topic first; there are: ${names.slice(0, TOPICS_SHOWN_MAX).join(', ')}${more}.`
}
