/**
 * ResultPartition: the output of one subtask on one edge — batches and control elements in, one
 * subpartition per consumer subtask out.
 *
 * Between the last operator of a chain and the consumers' gates. Rows go to one subpartition
 * (forward, hash, rebalance) or to all of them (broadcast); control elements always go to all, in
 * order with the rows. Batches are written right into the open segments; one with more than
 * BATCH_ROWS_MAX rows or BATCH_BYTES_MAX bytes goes in several. Invariant: the partition is
 * available while it holds fewer segments than its quota; a producer that stops then overdraws by
 * no more than the batch in hand. Before a barrier that overtakes the quota is a multiple.
 */
import {
  BATCH_BYTES_MAX,
  BATCH_ROWS_MAX,
  type BatchCodec,
  type CheckpointBarrier,
  type RecordBatch,
} from '@millrace/core'
import type { SegmentPool } from '../buffer/segment-pool.ts'
import { networkError } from '../error-codes.ts'
import {
  ControlElementEncoder,
  ELEMENT_BYTES_MAX,
  ElementKind,
  encodeBarrier,
} from '../wire/element-wire.ts'
import { HashSplitter } from './hash-splitter.ts'
import { Subpartition } from './subpartition.ts'

/** How rows are dealt out; `graph`'s Partitioning, which this package does not import. */
export type PartitionKind =
  | { readonly kind: 'forward' }
  | { readonly kind: 'hash'; readonly keyColumns: readonly number[] }
  | { readonly kind: 'rebalance' }
  | { readonly kind: 'broadcast' }

export interface ResultPartitionSettings {
  readonly attemptId: string
  readonly edgeIndex: number
  /** Of the edge's type. */
  readonly codec: BatchCodec
  readonly partitioning: PartitionKind
  readonly subpartitionCount: number
  /** Number of key groups of the consumer. */
  readonly maxParallelism: number
  /**
   * Where `rebalance` starts: the producer's subtask index, so that producers do not march in step.
   */
  readonly firstSubpartition: number
  readonly buffersPerChannel: number
  readonly floatingBuffers: number
  /** Named in NETWORK_MEMORY_INSUFFICIENT. */
  readonly owner: string
}

/** So many times its quota a partition may hold while a barrier waits that overtakes it. */
const OVERDRAFT = 3

export class ResultPartition {
  readonly settings: ResultPartitionSettings
  readonly subpartitions: readonly Subpartition[]
  readonly quota: number
  readonly #pool: SegmentPool
  readonly #splitter: HashSplitter | null
  readonly #control = new ControlElementEncoder()
  #held = 0
  #next: number
  #released = false
  #onAvailable: () => void = () => {}
  #onReleased: () => void = () => {}
  #recordsOut = 0
  #urgent = false
  #overdrawn = false

  constructor(settings: ResultPartitionSettings, pool: SegmentPool) {
    this.settings = settings
    this.#pool = pool
    const count = settings.subpartitionCount
    this.quota = pool.reserve(
      count + 1,
      count * settings.buffersPerChannel + settings.floatingBuffers,
      settings.owner,
    )
    const acquired = (): void => {
      this.#held++
    }
    const released = (segments: number): void => this.#returned(segments)
    this.subpartitions = Array.from(
      { length: count },
      () => new Subpartition(pool, acquired, released),
    )
    this.#next = settings.firstSubpartition % count
    this.#splitter =
      settings.partitioning.kind === 'hash' && count > 1
        ? new HashSplitter(
            settings.codec,
            settings.partitioning.keyColumns,
            count,
            settings.maxParallelism,
          )
        : null
  }

  /** Called when the partition has become available again. */
  onAvailable(handler: () => void): void {
    this.#onAvailable = handler
  }

  /** Called once, when no consumer can ask for anything any more. */
  onReleased(handler: () => void): void {
    this.#onReleased = handler
  }

  isAvailable(): boolean {
    return this.#held < (this.#overdrawn ? this.quota * OVERDRAFT : this.quota)
  }

  /**
   * While a barrier waits that overtakes what is here, what has to come out before it may go beyond
   * the quota: it would wait for its consumers otherwise.
   */
  set overdrawn(overdrawn: boolean) {
    this.#overdrawn = overdrawn
  }

  /** Segments held, open or waiting for credit. */
  /** Of a segment. */
  get segmentBytes(): number {
    return this.#pool.segmentBytes
  }

  get heldSegments(): number {
    return this.#held
  }

  get recordsOut(): number {
    return this.#recordsOut
  }

  get bytesOut(): number {
    let sum = 0
    for (const subpartition of this.subpartitions) sum += subpartition.bytesOut
    return sum
  }

  get segmentsOut(): number {
    let sum = 0
    for (const subpartition of this.subpartitions) sum += subpartition.segmentsOut
    return sum
  }

  emitBatch(batch: RecordBatch): void {
    if (batch.rowCount === 0) return
    if (batch.rowCount > BATCH_ROWS_MAX) {
      for (const piece of this.#pieces(batch)) this.emitBatch(piece)
      return
    }
    this.#urgent = true
    this.#recordsOut += batch.rowCount
    if (this.#splitter !== null) {
      this.#emitSplit(this.#splitter, batch)
      return
    }
    if (this.settings.partitioning.kind === 'broadcast') {
      for (const subpartition of this.subpartitions) this.#send(subpartition, batch)
      return
    }
    const target = this.subpartitions[this.#next] as Subpartition
    if (this.settings.partitioning.kind === 'rebalance') {
      this.#next = (this.#next + 1) % this.subpartitions.length
    }
    this.#send(target, batch)
  }

  emitWatermark(timestampMs: number): void {
    const length = this.#control.watermark(timestampMs)
    for (const subpartition of this.subpartitions) {
      subpartition.appendWatermark(this.#control.bytes, length)
    }
  }

  emitWatermarkStatus(idle: boolean): void {
    this.#urgent = true
    const length = this.#control.watermarkStatus(idle)
    this.#toAll(ElementKind.WATERMARK_STATUS, this.#control.bytes, length)
  }

  /** Barriers do not wait in an open segment. */
  emitBarrier(barrier: CheckpointBarrier): void {
    const bytes = encodeBarrier(barrier)
    this.#toAll(ElementKind.BARRIER, bytes, bytes.length)
    this.flush()
  }

  /**
   * The barrier overtakes everything that is not sent. A copy of that, by subpartition: it belongs
   * to the checkpoint.
   */
  overtake(barrier: CheckpointBarrier): (readonly Uint8Array[])[] {
    const bytes = encodeBarrier(barrier)
    return this.subpartitions.map((subpartition) => subpartition.overtake(bytes))
  }

  /**
   * As `emitBarrier`, for a barrier that may overtake later. Resolves when no consumer waits for
   * it any more.
   */
  passBarrier(barrier: CheckpointBarrier): Promise<void> {
    const bytes = encodeBarrier(barrier)
    const sent = this.subpartitions.map(
      (subpartition) =>
        new Promise<void>((resolve) => {
          subpartition.passBarrier(barrier.order.id, bytes, resolve)
        }),
    )
    return Promise.all(sent).then(() => {})
  }

  /** A barrier that was passed overtakes what is still before it: a copy of that, as `overtake`. */
  overtakeLate({ order }: CheckpointBarrier): (readonly Uint8Array[])[] {
    return this.subpartitions.map((subpartition) => subpartition.overtakeLate(order.id))
  }

  emitEndOfData(): void {
    this.#toAll(ElementKind.END_OF_DATA, this.#control.bytes, 0)
    this.flush()
  }

  flush(): void {
    this.#urgent = false
    for (const subpartition of this.subpartitions) subpartition.flush()
  }

  /** Whether a flush would make anything visible. */
  get hasOpenData(): boolean {
    for (const subpartition of this.subpartitions) if (subpartition.hasOpenData) return true
    return false
  }

  /** Whether rows, or a change of idleness, came in since the last flush: not watermarks alone. */
  get hasUrgentData(): boolean {
    return this.#urgent
  }

  /** The task is done: the partition goes away once every consumer has what is left. */
  finish(): void {
    for (const subpartition of this.subpartitions) subpartition.finish()
    this.#releaseWhenDrained()
  }

  /** Drops everything at once. */
  release(): void {
    if (this.#released) return
    this.#released = true
    for (const subpartition of this.subpartitions) subpartition.release()
    this.#pool.unreserve(this.quota)
    this.#onReleased()
  }

  /** The consumer of one subpartition is gone: what is meant for it is dropped from now on. */
  releaseSubpartition(index: number): void {
    this.subpartitions[index]?.release()
    this.#releaseWhenDrained()
  }

  #releaseWhenDrained(): void {
    for (const subpartition of this.subpartitions) if (!subpartition.isDrained) return
    this.release()
  }

  #emitSplit(splitter: HashSplitter, batch: RecordBatch): void {
    const only = splitter.split(batch)
    if (only >= 0) {
      this.#send(this.subpartitions[only] as Subpartition, batch)
      return
    }
    for (let target = 0; target < this.subpartitions.length; target++) {
      const part = splitter.part(batch, target)
      if (part !== null) this.#send(this.subpartitions[target] as Subpartition, part)
    }
  }

  /** Writes the batch into the open segment; one that is too large goes in several batches. */
  #send(target: Subpartition, batch: RecordBatch): void {
    const { codec } = this.settings
    const size = codec.size(batch)
    if (size > BATCH_BYTES_MAX && batch.rowCount > 1) {
      for (const piece of this.#pieces(batch)) this.#write(target, piece, codec.size(piece))
    } else this.#write(target, batch, size)
  }

  #write(target: Subpartition, batch: RecordBatch, size: number): void {
    if (size > ELEMENT_BYTES_MAX) {
      throw networkError(
        'NETWORK_ROW_TOO_LARGE',
        `Make the row smaller: a channel carries rows of at most ${ELEMENT_BYTES_MAX} bytes, this one takes ${size}.`,
      )
    }
    const writer = target.beginElement(ElementKind.BATCH, size)
    if (writer === null) return
    this.settings.codec.encode(batch, size, writer)
    target.endElement()
  }

  /**
   * The batch in pieces within BATCH_ROWS_MAX and, unless a row alone is larger, BATCH_BYTES_MAX.
   */
  *#pieces(batch: RecordBatch): Generator<RecordBatch> {
    const { codec } = this.settings
    for (let from = 0; from < batch.rowCount; ) {
      const count = codec.rowsWithin(batch, from)
      const rows = Int32Array.from({ length: count }, (_, i) => from + i)
      yield codec.gather(batch, rows, count)
      from += count
    }
  }

  #toAll(kind: number, payload: Uint8Array, length: number): void {
    for (const subpartition of this.subpartitions) subpartition.append(kind, payload, length)
  }

  #returned(segments: number): void {
    const wasAvailable = this.isAvailable()
    this.#held -= segments
    if (!wasAvailable && this.isAvailable()) this.#onAvailable()
    if (!this.#released) this.#releaseWhenDrained()
  }
}
