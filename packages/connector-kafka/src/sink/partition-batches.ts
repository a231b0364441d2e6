/**
 * Gathers encoded records into batches, by partition, and hands full or aged ones to the queue.
 *
 * `default` fills one batch for one partition and goes on with the next, as Kafka's own producer
 * does for records without key; `fixed` keeps a subtask on one partition; `round-robin` deals out
 * single records.
 */
import type { RecordSpans } from '@millrace/connector'
import type { Clock } from '@millrace/platform'
import type { CompressionName } from '../records/compression.ts'
import { RecordBatchBuilder } from '../records/record-batch-builder.ts'
import type { ProduceQueue } from './produce-queue.ts'

export interface PartitionBatchesSettings {
  readonly partitioner: 'default' | 'fixed' | 'round-robin'
  readonly partitions: readonly number[]
  readonly subtaskIndex: number
  readonly batchBytes: number
  readonly lingerMs: number
  readonly compression: CompressionName
}

/** The first buffer of a batch; it grows to what is needed, so a trickle of records stays small. */
const FIRST_CAPACITY_BYTES = 16 << 10

export class PartitionBatches {
  readonly #queue: ProduceQueue
  readonly #clock: Clock
  readonly #settings: PartitionBatchesSettings
  /** Index = index in `partitions`. */
  readonly #open: (RecordBatchBuilder | null)[]
  #current: number
  #cancelLinger: (() => void) | null = null
  /** Size of the last full batch: the next one's buffer starts at it. */
  #capacityBytes = FIRST_CAPACITY_BYTES

  constructor(queue: ProduceQueue, clock: Clock, settings: PartitionBatchesSettings) {
    this.#queue = queue
    this.#clock = clock
    this.#settings = settings
    this.#open = settings.partitions.map(() => null)
    this.#current = settings.subtaskIndex % Math.max(1, settings.partitions.length)
  }

  append(spans: RecordSpans): void {
    const { partitioner, partitions } = this.#settings
    const step = partitioner === 'round-robin' ? 1 : spans.count
    for (let from = 0; from < spans.count; ) {
      from = this.#appendSome(spans, from, Math.min(spans.count, from + step))
      if (partitioner === 'round-robin') this.#current = (this.#current + 1) % partitions.length
    }
    if (this.#cancelLinger === null && this.#open.some((builder) => builder !== null)) {
      this.#cancelLinger = this.#clock.setTimer(
        this.#settings.lingerMs,
        () => {
          this.#cancelLinger = null
          this.sealAll()
        },
        { unref: true },
      )
    }
  }

  #appendSome(spans: RecordSpans, from: number, to: number): number {
    const { batchBytes, compression, partitioner, partitions } = this.#settings
    let builder = this.#open[this.#current] ?? null
    if (builder === null) {
      builder = new RecordBatchBuilder(this.#capacityBytes, compression)
      this.#open[this.#current] = builder
    }
    const next = builder.append(spans.bytes, spans.starts, spans.lengths, from, to, batchBytes)
    if (builder.byteLength >= batchBytes) {
      this.#capacityBytes = builder.byteLength + 1024
      this.#seal(this.#current)
      if (partitioner === 'default') this.#current = (this.#current + 1) % partitions.length
    }
    return next
  }

  #seal(index: number): void {
    const builder = this.#open[index]
    if (builder === null || builder === undefined || builder.count === 0) return
    this.#open[index] = null
    this.#queue.enqueue(this.#settings.partitions[index] as number, builder)
  }

  /** Hands over whatever has been gathered. */
  sealAll(): void {
    this.#cancelLinger?.()
    this.#cancelLinger = null
    const wasOpen = this.#open[this.#current] !== null
    for (let index = 0; index < this.#open.length; index++) this.#seal(index)
    if (wasOpen && this.#settings.partitioner === 'default') {
      this.#current = (this.#current + 1) % this.#open.length
    }
  }

  close(): void {
    this.#cancelLinger?.()
    this.#cancelLinger = null
  }
}
