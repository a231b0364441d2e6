/**
 * A topic that source or sink need: an error that helps when it is not there. For a sink, brokers
 * are asked to make it, as Kafka's own producers ask; those that do (`auto.create.topics.enable`)
 * take a moment for it.
 */

import { nearestName } from '@millrace/core'
import type { Clock } from '@millrace/platform'
import { kafkaError } from '../error-codes.ts'
import type { KafkaClient, TopicMetadata } from './kafka-client.ts'
import { ProtocolError } from './protocol-errors.ts'

/**
 * Throws KAFKA_TOPIC_MISSING, with the names of topics that there are, unless the topic's
 * metadata is fine.
 */
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

const CREATION_MS_MAX = 10_000
const CREATION_PAUSE_MS = 100
const CREATES = 'auto.create.topics.enable'

/** Throws KAFKA_TOPIC_MISSING only when the brokers do not make the topic. */
export async function topicToWrite(
  client: KafkaClient,
  clock: Clock,
  topic: string,
): Promise<TopicMetadata> {
  const deadlineMs = clock.monotonicMs() + CREATION_MS_MAX
  for (let attempt = 0; ; attempt++) {
    const [found] = (await client.metadata([topic], { creates: true })).topics
    const error = found?.error ?? ProtocolError.UNKNOWN_TOPIC_OR_PARTITION
    if (found !== undefined && error === ProtocolError.NONE) return found
    const mayCome =
      error === ProtocolError.LEADER_NOT_AVAILABLE ||
      (error === ProtocolError.UNKNOWN_TOPIC_OR_PARTITION &&
        (attempt > 0 || (await client.describeBrokerConfigs([CREATES]))?.get(CREATES) !== 'false'))
    if (!mayCome || clock.monotonicMs() > deadlineMs) {
      await requireTopic(client, topic, error)
      if (found !== undefined) return found
    }
    await new Promise<void>((done) => void clock.setTimer(CREATION_PAUSE_MS, done))
  }
}

const TOPICS_SHOWN_MAX = 10

/** Names of topics that there are, the nearest one first. */
export function topicsHint(known: readonly TopicMetadata[], wanted: string): string {
  const names = known.map((entry) => entry.topic).sort()
  const near = nearestName(wanted, names)
  if (near !== undefined) return `Did you mean '${near}'? Otherwise create the topic first.`
  if (names.length === 0) return 'There is no topic at all; create it first.'
  const more = names.length > TOPICS_SHOWN_MAX ? ', …' : ''
  return `Create the topic first; there are: ${names.slice(0, TOPICS_SHOWN_MAX).join(', ')}${more}.`
}
