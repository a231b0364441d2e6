/** How far one partition has been fetched and emitted; shared by its fetcher and the reader. */
import type { KafkaSplitPosition } from './kafka-split.ts'

export class PartitionProgress {
  readonly splitId: string
  /** Name of the gauge that shows the position. */
  readonly gaugeName: string
  readonly topic: string
  readonly partition: number
  /** Infinity when unbounded. */
  readonly stoppingOffset: number
  /** Offset to ask the broker for next. */
  fetchOffset: number
  /** Offset after the last emitted row: what a checkpoint keeps. */
  position: number
  /** Offset after the last record that can be read now; -1 when not known. */
  endOffset = -1
  hasDelivered = false
  caughtUpReported = false
  finished = false
  /** When fetching began to fail without a success since; NaN when it works. Monotonic ms. */
  failingSinceMs = Number.NaN
  lastFailure: Error | null = null

  constructor(splitId: string, position: KafkaSplitPosition) {
    this.splitId = splitId
    this.topic = position.topic
    this.partition = position.partition
    this.gaugeName = `KafkaSourceReader.topic.${position.topic}.partition.${position.partition}.currentOffset`
    this.stoppingOffset = position.stoppingOffset ?? Number.POSITIVE_INFINITY
    this.fetchOffset = position.offset
    this.position = position.offset
  }

  get wantsMore(): boolean {
    return !this.finished && this.fetchOffset < this.stoppingOffset
  }

  toPosition(): KafkaSplitPosition {
    const bounded = Number.isFinite(this.stoppingOffset)
    return {
      topic: this.topic,
      partition: this.partition,
      offset: this.position,
      stoppingOffset: bounded ? this.stoppingOffset : null,
    }
  }
}
