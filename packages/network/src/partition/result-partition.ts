/**
 * ResultPartition: the output of one subtask on one edge — batches and control elements in, one
 * subpartition per consumer subtask out.
 *
 * Between the last operator of a chain and the consumers' gates. Rows go to one subpartition
 * (forward, hash, rebalance) or to all of them (broadcast); control elements always go to all, in
 * order with the rows. Invariant: the partition is available while it holds fewer segments than its
 * quota; a producer that stops then overdraws by no more than the batch in hand.
 */
import {
  type CheckpointBarrier,
  type ColumnBatch,
  encodeBatch,
  encodedBatchSize,
  type Schema,
} from '@millrace/core'
import type { SegmentPool } from '../buffer/segment-pool.ts'
import { ControlElementEncoder, ElementKind } from '../wire/element-wire.ts'
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
  readonly schema: Schema
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

export class ResultPartition {
  readonly settings: ResultPartitionSettings
  readonly subpartitions: readonly Subpartition[]
  readonly quota: number
  readonly #pool: SegmentPool
  readonly #splitter: HashSplitter | null
  readonly #control = new ControlElementEncoder()
  #scratch = new Uint8Array(4096)
  #held = 0
  #next: number
  #released = false
  #onAvailable: () => void = () => {}
  #onReleased: () => void = () => {}
  #recordsOut = 0

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
        ? new HashSplitter(settings.partitioning.keyColumns, count, settings.maxParallelism)
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
    return this.#held < this.quota
  }

  /** Segments held, open or waiting for credit. */
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

  emitBatch(batch: ColumnBatch): void {
    if (batch.rowCount === 0) return
    this.#recordsOut += batch.rowCount
    if (this.#splitter !== null) {
      this.#emitSplit(this.#splitter, batch)
      return
    }
    const length = this.#encode(batch)
    if (this.settings.partitioning.kind === 'broadcast') {
      this.#toAll(ElementKind.BATCH, this.#scratch, length)
      return
    }
    const target = this.subpartitions[this.#next] as Subpartition
    if (this.settings.partitioning.kind === 'rebalance') {
      this.#next = (this.#next + 1) % this.subpartitions.length
    }
    target.append(ElementKind.BATCH, this.#scratch, length)
  }

  emitWatermark(timestampMs: number): void {
    this.#toAll(ElementKind.WATERMARK, this.#control.bytes, this.#control.watermark(timestampMs))
  }

  emitWatermarkStatus(idle: boolean): void {
    const length = this.#control.watermarkStatus(idle)
    this.#toAll(ElementKind.WATERMARK_STATUS, this.#control.bytes, length)
  }

  /** Barriers do not wait in an open segment. */
  emitBarrier(barrier: CheckpointBarrier): void {
    this.#toAll(ElementKind.BARRIER, this.#control.bytes, this.#control.barrier(barrier))
    this.flush()
  }

  emitEndOfData(): void {
    this.#toAll(ElementKind.END_OF_DATA, this.#control.bytes, 0)
    this.flush()
  }

  flush(): void {
    for (const subpartition of this.subpartitions) subpartition.flush()
  }

  /** Whether a flush would make rows visible. */
  get hasOpenData(): boolean {
    for (const subpartition of this.subpartitions) if (subpartition.hasOpenData) return true
    return false
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

  #emitSplit(splitter: HashSplitter, batch: ColumnBatch): void {
    const only = splitter.split(batch)
    if (only >= 0) {
      const length = this.#encode(batch)
      ;(this.subpartitions[only] as Subpartition).append(ElementKind.BATCH, this.#scratch, length)
      return
    }
    for (let target = 0; target < this.subpartitions.length; target++) {
      const part = splitter.part(batch, target)
      if (part === null) continue
      const length = this.#encode(part)
      ;(this.subpartitions[target] as Subpartition).append(ElementKind.BATCH, this.#scratch, length)
    }
  }

  #encode(batch: ColumnBatch): number {
    const size = encodedBatchSize(batch, this.settings.schema)
    if (this.#scratch.length < size) {
      this.#scratch = new Uint8Array(Math.max(size, this.#scratch.length * 2))
    }
    return encodeBatch(batch, this.settings.schema, this.#scratch, 0)
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
