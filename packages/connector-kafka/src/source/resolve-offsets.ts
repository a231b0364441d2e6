/** Startup and bounded modes → offsets, asked from the brokers once when a split is made. */
import {
  EARLIEST_TIMESTAMP,
  type IsolationLevel,
  type KafkaClient,
  LATEST_TIMESTAMP,
  type TopicPartition,
} from '../client/kafka-client.ts'
import type { KafkaSettings } from '../client/kafka-properties.ts'
import { kafkaError } from '../error-codes.ts'
import type { OffsetMode } from '../kafka-table.ts'

/** Offsets in the order of `partitions`. */
export async function resolveOffsets(
  client: KafkaClient,
  settings: KafkaSettings,
  mode: OffsetMode,
  partitions: readonly TopicPartition[],
  side: 'start' | 'end',
): Promise<number[]> {
  const at = (timestampMs: number, some: readonly TopicPartition[] = partitions) =>
    listAt(client, settings.isolation, some, timestampMs)
  switch (mode.mode) {
    case 'earliest-offset':
      return at(EARLIEST_TIMESTAMP)
    case 'latest-offset':
      return at(LATEST_TIMESTAMP)
    case 'timestamp': {
      const found = await at(mode.timestampMs)
      if (!found.includes(-1)) return found
      const latest = await at(LATEST_TIMESTAMP)
      return found.map((offset, i) => (offset < 0 ? (latest[i] as number) : offset))
    }
    case 'group-offsets':
      return resolveCommitted(client, settings, partitions, side)
    case 'specific-offsets': {
      const fallback = await at(side === 'start' ? EARLIEST_TIMESTAMP : LATEST_TIMESTAMP)
      return partitions.map(
        ({ partition }, i) => mode.offsets[String(partition)] ?? (fallback[i] as number),
      )
    }
  }
}

function listAt(
  client: KafkaClient,
  isolation: IsolationLevel,
  partitions: readonly TopicPartition[],
  timestampMs: number,
): Promise<number[]> {
  return client.listOffsets(
    partitions.map((item) => ({ ...item, timestampMs })),
    isolation,
  )
}

async function resolveCommitted(
  client: KafkaClient,
  settings: KafkaSettings,
  partitions: readonly TopicPartition[],
  side: 'start' | 'end',
): Promise<number[]> {
  const group = settings.groupId ?? ''
  const committed = await client.fetchCommittedOffsets(group, partitions)
  const missing = committed.indexOf(-1)
  if (missing < 0) return committed
  const reset = side === 'end' ? 'latest' : settings.autoOffsetReset
  if (reset === null) {
    const place = partitions[missing] as TopicPartition
    throw kafkaError(
      'KAFKA_NO_COMMITTED_OFFSET',
      `Group ${group} has no committed offset for topic ${place.topic}, partition ${place.partition}.`,
      {
        location: { ...place, optionKey: 'scan.startup.mode' },
        hint: "Set 'scan.startup.mode' = 'earliest-offset', or 'properties.auto.offset.reset' = 'earliest' for partitions without a committed offset.",
      },
    )
  }
  const fallback = await listAt(
    client,
    settings.isolation,
    partitions,
    reset === 'earliest' ? EARLIEST_TIMESTAMP : LATEST_TIMESTAMP,
  )
  return committed.map((offset, i) => (offset < 0 ? (fallback[i] as number) : offset))
}
