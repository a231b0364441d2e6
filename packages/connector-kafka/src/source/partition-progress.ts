/** How far one partition has been fetched and emitted; shared by its fetcher and the reader. */
import type { SeenBatches } from '../records/record-batch-reader.ts'
import { NOTHING_SEEN } from './decide-fetch-bytes.ts'
import type { KafkaSplitPosition, OffsetReset } from './kafka-split.ts'

export class PartitionProgress {
  readonly splitId: string
  /** Name of the gauge that shows the position. */
  readonly gaugeName: string
  readonly topic: string
  readonly partition: number
  /** Null until metadata has named it. */
  topicId: string | null
  /** When metadata began to name another id; NaN while it names this one. Monotonic ms. */
  anotherTopicSinceMs = Number.NaN
  /** Infinity when unbounded. */
  readonly stoppingOffset: number
  /** Offset to ask the broker for next. */
  fetchOffset: number
  /** Offset after the last emitted row: what a checkpoint keeps. */
  position: number
  /** Offset after the last record that can be read now; -1 when not known. */
  endOffset = -1
  /** Of the last response. */
  seenBatches: SeenBatches = NOTHING_SEEN
  hasDelivered = false
  caughtUpReported = false
  finished = false
  /** Where to begin when the first fetch finds its offset gone; null once anything was fetched. */
  reset: OffsetReset | null
  /** The offset was found gone, and is to be asked for anew by `reset`. */
  offsetGone = false
  /** When fetching began to fail without a success since; NaN when it works. Monotonic ms. */
  failingSinceMs = Number.NaN
  lastFailure: Error | null = null

  constructor(splitId: string, position: KafkaSplitPosition) {
    this.splitId = splitId
    this.topic = position.topic
    this.partition = position.partition
    this.topicId = position.topicId ?? null
    this.gaugeName = `KafkaSourceReader.topic.${position.topic}.partition.${position.partition}.currentOffset`
    this.stoppingOffset = position.stoppingOffset ?? Number.POSITIVE_INFINITY
    this.fetchOffset = position.offset
    this.position = position.offset
    this.reset = position.reset ?? null
  }

  get wantsMore(): boolean {
    return !this.finished && this.fetchOffset < this.stoppingOffset
  }

  /** Only before anything was read. */
  beginAt(offset: number): void {
    this.offsetGone = false
    this.fetchOffset = offset
    this.position = offset
  }

  toPosition(): KafkaSplitPosition {
    const bounded = Number.isFinite(this.stoppingOffset)
    return {
      topic: this.topic,
      partition: this.partition,
      topicId: this.topicId,
      offset: this.position,
      stoppingOffset: bounded ? this.stoppingOffset : null,
    }
  }
}
