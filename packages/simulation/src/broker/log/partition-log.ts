/**
 * PartitionLog: the record batches of one partition as they came, with what isolation needs
 * to know of them.
 *
 * Everything in it is replicated at once, so the high watermark is the log's end. The last stable
 * offset stands before the first record of the oldest transaction that is open here; a transaction
 * opens in a partition with its first record, not with its registration, and ends with its marker.
 */
import { ProtocolError } from '@millrace/connector-kafka/protocol'
import {
  type BatchHeader,
  controlBatch,
  type Marker,
  readBatchHeader,
  stampBatch,
} from './batch-header.ts'
import { ProducerStates } from './producer-states.ts'
import { timestampAt } from './record-timestamps.ts'

/** `plain`: outside of any transaction. */
export type BatchOutcome = 'plain' | 'open' | 'committed' | 'aborted' | 'marker'

export interface StoredBatch {
  readonly bytes: Uint8Array
  readonly header: BatchHeader
  readonly baseOffset: number
  readonly lastOffset: number
  outcome: BatchOutcome
}

export interface AbortedInLog {
  readonly producerId: number
  readonly firstOffset: number
  readonly lastOffset: number
}

export interface AppendResult {
  readonly error: number
  readonly baseOffset: number
}

const refused = (error: number): AppendResult => ({ error, baseOffset: -1 })

export class PartitionLog {
  readonly producers = new ProducerStates()
  #batches: StoredBatch[] = []
  /** Open transactions by producer id, in the order of their first offsets. */
  readonly #open = new Map<number, StoredBatch[]>()
  #aborted: AbortedInLog[] = []
  #endOffset = 0
  #startOffset = 0
  leaderEpoch = 0

  /** Of the records that retention has left. */
  get startOffset(): number {
    return this.#startOffset
  }

  get highWatermark(): number {
    return this.#endOffset
  }

  get lastStableOffset(): number {
    for (const [first] of this.#open.values()) {
      return Math.max(this.#startOffset, first?.baseOffset ?? this.#endOffset)
    }
    return this.#endOffset
  }

  /** Where a reader of that isolation stops. */
  endFor(committedOnly: boolean): number {
    return committedOnly ? this.lastStableOffset : this.#endOffset
  }

  get batches(): readonly StoredBatch[] {
    return this.#batches
  }

  /** The producer ids of transactions that have records here and no marker yet. */
  get openProducers(): number[] {
    return [...this.#open.keys()]
  }

  hasOpen(producerId: number): boolean {
    return this.#open.has(producerId)
  }

  /** Appends one batch as a producer sent it; the log keeps the bytes. */
  append(bytes: Uint8Array, header: BatchHeader): AppendResult {
    const verdict = this.producers.judge(header)
    if (verdict.kind === 'refuse') return refused(verdict.error)
    if (verdict.kind === 'duplicate') {
      return { error: ProtocolError.NONE, baseOffset: verdict.baseOffset }
    }
    if (header.producerId >= 0 && !header.transactional && this.#open.has(header.producerId)) {
      return refused(ProtocolError.INVALID_TXN_STATE)
    }
    const stored = this.#store(bytes, header, header.transactional ? 'open' : 'plain')
    if (header.producerId >= 0) this.producers.remember(header, stored.baseOffset)
    if (header.transactional) {
      const open = this.#open.get(header.producerId)
      if (open === undefined) this.#open.set(header.producerId, [stored])
      else open.push(stored)
    }
    return { error: ProtocolError.NONE, baseOffset: stored.baseOffset }
  }

  /**
   * Ends a producer's transaction here; harmless when it has none. False: the marker's epoch
   * is an older one.
   */
  appendMarker(marker: Marker, timestampMs: number): boolean {
    const { producerId, epoch, commit } = marker
    if (epoch < this.producers.epochOf(producerId)) return false
    this.producers.seeEpoch(producerId, epoch)
    const bytes = controlBatch(marker, timestampMs)
    const stored = this.#store(bytes, readBatchHeader(bytes) as BatchHeader, 'marker')
    const open = this.#open.get(producerId)
    if (open === undefined) return true
    this.#open.delete(producerId)
    for (const batch of open) batch.outcome = commit ? 'committed' : 'aborted'
    if (!commit) {
      this.#aborted.push({
        producerId,
        firstOffset: (open[0] as StoredBatch).baseOffset,
        lastOffset: stored.lastOffset,
      })
    }
    return true
  }

  #store(bytes: Uint8Array, header: BatchHeader, outcome: BatchOutcome): StoredBatch {
    const baseOffset = this.#endOffset
    stampBatch(bytes, baseOffset, this.leaderEpoch)
    const lastOffset = baseOffset + header.count - 1
    const stored: StoredBatch = { bytes, header, baseOffset, lastOffset, outcome }
    this.#batches.push(stored)
    this.#endOffset = lastOffset + 1
    return stored
  }

  /** Index of the batch that holds `offset`, or of the first after it. */
  #indexOf(offset: number): number {
    let low = 0
    let high = this.#batches.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#batches[middle] as StoredBatch).lastOffset < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  inRange(offset: number): boolean {
    return offset >= this.#startOffset && offset <= this.#endOffset
  }

  /** Bytes between `offset` and `end`, counted up to `enough`. */
  bytesBetween(offset: number, end: number, enough: number): number {
    let size = 0
    for (let i = this.#indexOf(offset); i < this.#batches.length && size < enough; i++) {
      const batch = this.#batches[i] as StoredBatch
      if (batch.baseOffset >= end) break
      size += batch.bytes.length
    }
    return size
  }

  /**
   * Batches from the one that holds `offset` up to `end`, at most `maxBytes`: as a real broker
   * sends a stretch of a file, the last one may be cut off, but not the first. `firstWhole`: the
   * first comes however large it is.
   */
  read(offset: number, end: number, maxBytes: number, firstWhole: boolean): Uint8Array[] {
    const parts: Uint8Array[] = []
    let left = maxBytes
    for (let i = this.#indexOf(offset); i < this.#batches.length; i++) {
      const { bytes, baseOffset } = this.#batches[i] as StoredBatch
      if (baseOffset >= end) break
      if (bytes.length > left && !(firstWhole && parts.length === 0)) {
        if (left > 0 && parts.length > 0) parts.push(bytes.subarray(0, left))
        break
      }
      parts.push(bytes)
      left -= bytes.length
      if (left <= 0) break
    }
    return parts
  }

  /** Aborted transactions with records in [offset, end). */
  abortedIn(offset: number, end: number): AbortedInLog[] {
    return this.#aborted.filter((item) => item.lastOffset >= offset && item.firstOffset < end)
  }

  /** The first offset below `end` of a record at least as late, or -1. */
  offsetOf(timestampMs: number, end: number): number {
    for (const batch of this.#batches) {
      if (batch.header.maxTimestampMs < timestampMs) continue
      const offset = timestampAt(batch, timestampMs, this.#startOffset)
      if (offset >= 0) return offset < end ? offset : -1
    }
    return -1
  }

  /** Retention: everything below `offset` is gone. */
  deleteBefore(offset: number): void {
    this.#startOffset = Math.max(this.#startOffset, Math.min(offset, this.#endOffset))
    this.#batches.splice(0, this.#indexOf(this.#startOffset))
    this.#aborted = this.#aborted.filter((item) => item.lastOffset >= this.#startOffset)
  }
}
