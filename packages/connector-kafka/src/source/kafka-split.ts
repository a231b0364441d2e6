/**
 * A split of the Kafka source: one partition with where to go on and where to end. Plain JSON
 * inside enumerator events and checkpoints.
 */
import type { SourceSplit } from '@millrace/connector'

export interface KafkaSplitPosition {
  readonly topic: string
  readonly partition: number
  /**
   * The topic's id, by which one of the same name is told apart; null or absent (older
   * checkpoints): not known yet.
   */
  readonly topicId?: string | null
  /** Offset of the next record to emit. */
  readonly offset: number
  /** First offset that is not read; null when unbounded. */
  readonly stoppingOffset: number | null
  /**
   * Of a split that nobody has read yet: where to begin when `offset` is not there any more. A
   * checkpoint keeps none: what is gone by then is a loss.
   */
  readonly reset?: OffsetReset
}

export type OffsetReset = 'earliest' | 'latest'

export function kafkaSplit(position: KafkaSplitPosition): SourceSplit {
  return {
    id: `${position.topic}-${position.partition}`,
    description: `topic ${position.topic}, partition ${position.partition}`,
    position,
  }
}

export function splitPosition(split: SourceSplit): KafkaSplitPosition {
  return split.position as KafkaSplitPosition
}

/**
 * The reader that owns a partition: partitions of a topic go round robin from a start that
 * depends on the topic.
 */
export function splitOwner(topic: string, partition: number, parallelism: number): number {
  let hash = 0
  for (let i = 0; i < topic.length; i++) hash = (Math.imul(hash, 31) + topic.charCodeAt(i)) | 0
  return (((Math.imul(hash, 31) & 0x7fffffff) % parallelism) + partition) % parallelism
}
