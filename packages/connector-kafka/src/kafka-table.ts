/**
 * Planning: WITH options of a Kafka table → the plain-JSON configuration of its source or
 * sink, checked.
 *
 * Runs in the client or gateway and speaks to no broker; what only a broker knows (does the topic
 * exist) is checked by the enumerator and the writer when the job starts.
 */
import type { Format, SinkPlan, SourcePlan, TableDescription } from '@millrace/connector'
import { Configuration, nearestName } from '@millrace/core'
import { parseBootstrapServers } from './client/kafka-properties.ts'
import { kafkaError } from './error-codes.ts'
import { KAFKA_OPTIONS as O } from './kafka-options.ts'

export type OffsetMode =
  | { readonly mode: 'earliest-offset' | 'latest-offset' | 'group-offsets' }
  | { readonly mode: 'timestamp'; readonly timestampMs: number }
  | { readonly mode: 'specific-offsets'; readonly offsets: Readonly<Record<string, number>> }

interface KafkaTableConfig {
  readonly properties: Readonly<Record<string, string>>
  readonly format: string
  /** The WITH options, for the format. */
  readonly options: Readonly<Record<string, string>>
}

export interface KafkaSourceConfig extends KafkaTableConfig {
  readonly topics: readonly string[] | null
  readonly topicPattern: string | null
  readonly startup: OffsetMode
  /** Neither a mode nor a group said where to begin. */
  readonly startupUnsaid: boolean
  /** Null: unbounded. */
  readonly bounded: OffsetMode | null
  /** 0: never. */
  readonly discoveryIntervalMs: number
}

export type DeliveryGuarantee = 'none' | 'at-least-once' | 'exactly-once'

export interface KafkaSinkConfig extends KafkaTableConfig {
  readonly topic: string
  readonly partitioner: 'default' | 'fixed' | 'round-robin'
  /** Null: exactly-once when checkpoints are on, else at-least-once. */
  readonly guarantee: DeliveryGuarantee | null
  /** Null: derived from job and table. */
  readonly transactionalIdPrefix: string | null
  readonly ignoreLostTransactions: boolean
}

function invalid(optionKey: string, message: string, hint?: string) {
  return kafkaError('KAFKA_OPTION_INVALID', message, {
    location: { optionKey },
    ...(hint === undefined ? {} : { hint }),
  })
}

export function planKafkaSource(table: TableDescription): SourcePlan {
  const options = new Configuration(table.options)
  const common = planCommon(table, options)
  const topic = options.get(O.topic)
  const pattern = options.get(O.topicPattern)
  if ((topic === undefined) === (pattern === undefined)) {
    throw invalid('topic', "Set one of 'topic' and 'topic-pattern' to name what is read.")
  }
  const topics = topic?.split(';').map((name) => name.trim()) ?? null
  if (topics?.some((name) => name === '')) throw invalid('topic', "'topic' holds an empty name.")
  requirePattern(pattern)
  const startupUnsaid =
    options.get(O.startupMode) === undefined && common.properties['group.id'] === undefined
  const startup = offsetMode(options, 'startup', common.properties)
  const bounded = offsetMode(options, 'bounded', common.properties)
  const single = topics?.length === 1
  if (!single && (startup?.mode === 'specific-offsets' || bounded?.mode === 'specific-offsets')) {
    throw invalid('scan.startup.specific-offsets', 'Specific offsets need exactly one topic.')
  }
  const parallelism = options.get(O.scanParallelism)
  const config: KafkaSourceConfig = {
    ...common,
    topics,
    topicPattern: pattern ?? null,
    startup: startup ?? { mode: 'earliest-offset' },
    startupUnsaid,
    bounded,
    discoveryIntervalMs: bounded === null ? options.get(O.discoveryIntervalMs) : 0,
  }
  return {
    reads: topics?.map((name) => `topic ${name}`).sort() ?? [`topics like ${pattern}`],
    bounded: bounded !== null,
    config,
    ...(parallelism === undefined ? {} : { parallelism }),
  }
}

export function planKafkaSink(table: TableDescription): SinkPlan {
  const options = new Configuration(table.options)
  const common = planCommon(table, options)
  const topic = options.get(O.topic)
  if (topic === undefined || topic.includes(';') || topic.trim() === '') {
    throw invalid('topic', `Set 'topic' to the one topic to write; it is '${topic ?? ''}'.`)
  }
  options.get(O.sinkTransactionNamingStrategy)
  options.get(O.valueFieldsInclude)
  const guarantee = options.get(O.sinkDeliveryGuarantee) ?? null
  const prefix = options.get(O.sinkTransactionalIdPrefix) ?? null
  if (guarantee === 'exactly-once' && prefix === null) {
    throw invalid(
      O.sinkTransactionalIdPrefix.key,
      `Set '${O.sinkTransactionalIdPrefix.key}': 'sink.delivery-guarantee' = 'exactly-once' needs it.`,
      'Choose a text that no other job uses on these brokers, or leave out both options: then checkpoints alone make it exactly-once.',
    )
  }
  const parallelism = options.get(O.sinkParallelism)
  const config: KafkaSinkConfig = {
    ...common,
    topic,
    partitioner: options.get(O.sinkPartitioner),
    guarantee,
    transactionalIdPrefix: prefix,
    ignoreLostTransactions: options.get(O.sinkIgnoreLostTransactions),
  }
  return {
    config,
    accepts: 'insert',
    ...(parallelism === undefined ? {} : { parallelism }),
  }
}

function planCommon(table: TableDescription, options: Configuration): KafkaTableConfig {
  const properties: Record<string, string> = {}
  for (const [key, value] of Object.entries(table.options)) {
    if (key.startsWith('properties.')) properties[key.slice('properties.'.length)] = value
  }
  parseBootstrapServers(properties['bootstrap.servers'])
  const name = options.get(O.format)
  if (name === undefined) {
    throw invalid(
      'format',
      "Set 'format' to how the values are written; it is missing.",
      "For example: 'format' = 'json'",
    )
  }
  findFormat(table.formats, name).validate(table.options, table.schema)
  return { properties, format: name, options: table.options }
}

/** The format of a table, at planning and in a slot. */
export function findFormat(formats: ReadonlyMap<string, Format>, name: string): Format {
  const format = formats.get(name)
  if (format !== undefined) return format
  const near = nearestName(name, formats.keys())
  throw invalid(
    'format',
    `Set 'format' to one of ${[...formats.keys()].join(', ')}; it is '${name}'.`,
    near === undefined ? undefined : `Did you mean '${near}'?`,
  )
}

function requirePattern(pattern: string | undefined): void {
  if (pattern === undefined) return
  try {
    new RegExp(pattern)
  } catch (cause) {
    throw kafkaError(
      'KAFKA_OPTION_INVALID',
      `Write 'topic-pattern' as a regular expression; it is '${pattern}'.`,
      { location: { optionKey: 'topic-pattern' }, cause },
    )
  }
}

/** Null for an unbounded end, and for a start of which nothing says where it is. */
function offsetMode(
  options: Configuration,
  side: 'startup' | 'bounded',
  properties: Readonly<Record<string, string>>,
): OffsetMode | null {
  const startup = side === 'startup'
  const hasGroup = properties['group.id'] !== undefined
  const mode = startup
    ? (options.get(O.startupMode) ?? (hasGroup ? 'group-offsets' : 'unbounded'))
    : options.get(O.boundedMode)
  if (mode === 'unbounded') return null
  if (mode === 'timestamp') {
    const timestampOption = startup ? O.startupTimestampMs : O.boundedTimestampMs
    const timestampMs = options.get(timestampOption)
    if (timestampMs === undefined) {
      throw invalid(
        timestampOption.key,
        `Set '${timestampOption.key}' to epoch milliseconds: the mode is timestamp.`,
      )
    }
    return { mode, timestampMs }
  }
  if (mode === 'specific-offsets') {
    const offsetsOption = startup ? O.startupSpecificOffsets : O.boundedSpecificOffsets
    return { mode, offsets: parseSpecificOffsets(offsetsOption.key, options.get(offsetsOption)) }
  }
  if (mode === 'group-offsets' && !hasGroup) {
    throw invalid(
      'properties.group.id',
      `Set 'properties.group.id': the ${side} mode is group-offsets.`,
      startup ? "Or set 'scan.startup.mode' = 'earliest-offset'." : undefined,
    )
  }
  return { mode }
}

/** `partition:0,offset:42;partition:1,offset:300` → offsets by partition. */
export function parseSpecificOffsets(
  key: string,
  text: string | undefined,
): Record<string, number> {
  const offsets: Record<string, number> = {}
  for (const entry of (text ?? '').split(';')) {
    if (entry.trim() === '') continue
    const match = /^partition:(\d+),offset:(\d+)$/.exec(entry.replace(/\s/g, ''))
    if (match === null) {
      throw invalid(
        key,
        `Write '${key}' as partition:0,offset:42;partition:1,offset:300; it holds '${entry.trim()}'.`,
      )
    }
    offsets[match[1] as string] = Number(match[2])
  }
  if (Object.keys(offsets).length > 0) return offsets
  throw invalid(key, `Set '${key}' as partition:0,offset:42;partition:1,offset:300; it is missing.`)
}
