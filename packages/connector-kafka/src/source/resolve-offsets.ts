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
import type { OffsetReset } from './kafka-split.ts'

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
      return partitions.map(({ partition }, i) => {
        const found = fallback[i] as number
        const wanted = mode.offsets[String(partition)] ?? found
        // Of a start before the first record that is left, the reference goes on from there.
        return side === 'start' ? Math.max(wanted, found) : wanted
      })
    }
  }
}

/**
 * Where a split that was never read begins when its offset is gone by its first fetch;
 * null: that fails.
 */
export function resetOf(mode: OffsetMode, settings: KafkaSettings): OffsetReset | null {
  if (mode.mode === 'group-offsets') return settings.autoOffsetReset
  return mode.mode === 'latest-offset' ? 'latest' : 'earliest'
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

/**
 * What the group has committed; where that is nothing, or is not there any more,
 * `auto.offset.reset` decides.
 */
async function resolveCommitted(
  client: KafkaClient,
  settings: KafkaSettings,
  partitions: readonly TopicPartition[],
  side: 'start' | 'end',
): Promise<number[]> {
  const group = settings.groupId ?? ''
  const committed = await client.fetchCommittedOffsets(group, partitions)
  const { isolation } = settings
  const earliest = await listAt(client, isolation, partitions, EARLIEST_TIMESTAMP)
  // Uncommitted records count as there: an offset behind the last stable one is no reason
  // to begin anew.
  const latest = await listAt(client, 'read_uncommitted', partitions, LATEST_TIMESTAMP)
  if (side === 'end')
    return committed.map((offset, i) => (offset < 0 ? latest[i] : offset) as number)
  const reset = settings.autoOffsetReset
  return committed.map((offset, i) => {
    const first = earliest[i] as number
    const end = latest[i] as number
    if (offset >= first && offset <= end) return offset
    if (reset !== null) return reset === 'earliest' ? first : end
    const place = partitions[i] as TopicPartition
    throw offset < 0 ? noneCommitted(group, place) : committedGone(group, place, offset, first, end)
  })
}

function noneCommitted(group: string, place: TopicPartition) {
  return kafkaError(
    'KAFKA_NO_COMMITTED_OFFSET',
    `Group ${group} has no committed offset for topic ${place.topic}, partition ${place.partition}.`,
    {
      location: { ...place, optionKey: 'scan.startup.mode' },
      hint: "Set 'scan.startup.mode' = 'earliest-offset', or 'properties.auto.offset.reset' = 'earliest' for partitions without a committed offset.",
    },
  )
}

function committedGone(
  group: string,
  place: TopicPartition,
  offset: number,
  first: number,
  end: number,
) {
  return kafkaError(
    'KAFKA_OFFSET_OUT_OF_RANGE',
    `Group ${group} has committed offset ${offset} of topic ${place.topic}, partition ${place.partition}, which holds ${first} to ${end}.`,
    {
      location: { ...place, offset: String(offset) },
      hint: "Set 'properties.auto.offset.reset' to 'earliest' or 'latest' to go on from there, or 'scan.startup.mode' to begin elsewhere.",
    },
  )
}
