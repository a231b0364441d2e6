/**
 * The WITH options of a Kafka table, as the field knows them; `properties.*` passes through
 * to the client.
 */
import { option } from '@millrace/core'

const STARTUP_MODES = [
  'earliest-offset',
  'latest-offset',
  'group-offsets',
  'timestamp',
  'specific-offsets',
] as const

export const KAFKA_OPTIONS = {
  topic: option.string<string | undefined>({
    key: 'topic',
    defaultValue: undefined,
    description: 'Topic to read or write; a source takes several, separated by semicolons.',
  }),
  topicPattern: option.string<string | undefined>({
    key: 'topic-pattern',
    defaultValue: undefined,
    description: 'Regular expression; a source reads every topic whose whole name matches.',
  }),
  format: option.string<string | undefined>({
    key: 'format',
    aliases: ['value.format'],
    defaultValue: undefined,
    description: 'Format of the record values, such as json.',
  }),
  valueFieldsInclude: option.enum<readonly ['ALL'], 'ALL'>({
    key: 'value.fields-include',
    values: ['ALL'],
    defaultValue: 'ALL',
    description: 'Which columns the value holds; only ALL.',
  }),
  startupMode: option.enum<typeof STARTUP_MODES, (typeof STARTUP_MODES)[number] | undefined>({
    key: 'scan.startup.mode',
    values: STARTUP_MODES,
    defaultValue: undefined,
    description:
      'Where a source begins when there is no checkpoint. When not set: group-offsets with properties.group.id, else earliest-offset (Flink: refused).',
  }),
  startupSpecificOffsets: option.string<string | undefined>({
    key: 'scan.startup.specific-offsets',
    defaultValue: undefined,
    description: 'For specific-offsets: partition:0,offset:42;partition:1,offset:300.',
  }),
  startupTimestampMs: option.long<number | undefined>({
    key: 'scan.startup.timestamp-millis',
    defaultValue: undefined,
    description: 'For timestamp: epoch milliseconds.',
  }),
  boundedMode: option.enum({
    key: 'scan.bounded.mode',
    values: ['unbounded', 'latest-offset', 'group-offsets', 'timestamp', 'specific-offsets'],
    defaultValue: 'unbounded' as const,
    description: 'Where a source ends; unbounded reads for ever.',
  }),
  boundedSpecificOffsets: option.string<string | undefined>({
    key: 'scan.bounded.specific-offsets',
    defaultValue: undefined,
    description: 'For specific-offsets: the first offset of each partition that is not read.',
  }),
  boundedTimestampMs: option.long<number | undefined>({
    key: 'scan.bounded.timestamp-millis',
    defaultValue: undefined,
    description: 'For timestamp: epoch milliseconds.',
  }),
  discoveryIntervalMs: option.duration({
    key: 'scan.topic-partition-discovery.interval',
    defaultValue: 300_000,
    description: 'How often new topics and partitions are looked for; 0 is never.',
  }),
  scanParallelism: option.int<number | undefined>({
    key: 'scan.parallelism',
    defaultValue: undefined,
    description: 'Parallelism of the source.',
  }),
  sinkPartitioner: option.enum({
    key: 'sink.partitioner',
    values: ['default', 'fixed', 'round-robin'],
    defaultValue: 'default' as const,
    description:
      'default fills a batch for one partition after another, fixed writes a subtask to one partition, round-robin deals out records.',
  }),
  sinkDeliveryGuarantee: option.enum<
    readonly ['none', 'at-least-once', 'exactly-once'],
    'none' | 'at-least-once' | 'exactly-once' | undefined
  >({
    key: 'sink.delivery-guarantee',
    values: ['none', 'at-least-once', 'exactly-once'],
    defaultValue: undefined,
    description:
      'When not set: exactly-once if checkpoints are on, else at-least-once (Flink: at-least-once).',
  }),
  sinkTransactionalIdPrefix: option.string<string | undefined>({
    key: 'sink.transactional-id-prefix',
    defaultValue: undefined,
    description:
      'Begin of the transactional ids, unique to the job. When not set and the guarantee neither: job name, table name and a part of the job id, which its checkpoints keep.',
  }),
  sinkTransactionNamingStrategy: option.enum<readonly ['INCREMENTING'], 'INCREMENTING'>({
    key: 'sink.transaction-naming-strategy',
    values: ['INCREMENTING'],
    defaultValue: 'INCREMENTING',
    description: 'INCREMENTING: <prefix>-<subtask>-<checkpoint>.',
  }),
  sinkIgnoreLostTransactions: option.boolean({
    key: 'sink.ignore-lost-transactions',
    defaultValue: false,
    description:
      'Go on with a logged error, instead of failing, when a transaction of the restored checkpoint can no longer be committed.',
  }),
  sinkParallelism: option.int<number | undefined>({
    key: 'sink.parallelism',
    defaultValue: undefined,
    description: 'Parallelism of the sink.',
  }),
} as const
