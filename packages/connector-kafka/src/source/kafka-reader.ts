/**
 * Reads partitions of Kafka topics in a slot: fetched chunks → record spans → the format's
 * decoder → rows.
 *
 * Fetching runs in the background (`BrokerFetcher`); `poll` decodes what has arrived, one batch of
 * rows a call, straight from the response's bytes. A split's position moves only when its rows have
 * been emitted, past control and aborted records too.
 */
import {
  type Format,
  type FormatDecoder,
  type ReaderContext,
  type ReaderOutput,
  RecordSpans,
  type SourceReader,
  type SourceSplit,
} from '@millrace/connector'
import { BATCH_ROWS_MAX } from '@millrace/core'
import type { KafkaClient } from '../client/kafka-client.ts'
import type { KafkaSettings } from '../client/kafka-properties.ts'
import type { OpenClient } from '../client/open-kafka-client.ts'
import { findFormat, type KafkaSourceConfig } from '../kafka-table.ts'
import { RecordBatchReader } from '../records/record-batch-reader.ts'
import type { FetchedChunk, FetcherEvents } from './broker-fetcher.ts'
import { kafkaSplit, splitPosition } from './kafka-split.ts'
import { OffsetCommitter } from './offset-committer.ts'
import { PartitionPlacement } from './partition-placement.ts'
import { PartitionProgress } from './partition-progress.ts'

/**
 * Rows that `poll` emits at once at most. Record batches are gathered up to it, and larger ones cut
 * into equal parts: what is done once a batch of rows is done by code that V8 seldom optimizes. Of
 * 4,000 rows of the sensor benchmark it took a fifth of the time.
 */
const ROWS_PER_POLL = BATCH_ROWS_MAX

export class KafkaReader implements SourceReader {
  readonly #config: KafkaSourceConfig
  readonly #context: ReaderContext
  readonly #openClient: OpenClient
  readonly #decoder: FormatDecoder
  readonly #partitions = new Map<string, PartitionProgress>()
  readonly #chunks: FetchedChunk[] = []
  readonly #caughtUp: PartitionProgress[] = []
  readonly #ended: PartitionProgress[] = []
  readonly #spans = new RecordSpans(new Uint8Array(0), new Int32Array(0), new Int32Array(0), 0)
  #records = new RecordBatchReader({ checkCrcs: true })
  #client: KafkaClient | null = null
  #settings: KafkaSettings | null = null
  #placement: PartitionPlacement | null = null
  #committer: OffsetCommitter | null = null
  #chunk: FetchedChunk | null = null
  /** Index of the next record of `#records` to emit. */
  #cursor = 0
  #noMoreSplits = false
  #unfinished = 0
  #closed = false

  constructor(config: KafkaSourceConfig, context: ReaderContext, openClient: OpenClient) {
    this.#config = config
    this.#context = context
    this.#openClient = openClient
    const format: Format = findFormat(context.formats, config.format)
    this.#decoder = format.createDecoder({
      schema: context.schema,
      projection: context.projection,
      options: config.options,
      metrics: context.metrics,
    })
  }

  async start(): Promise<void> {
    const { client, settings } = await this.#openClient(this.#config.properties)
    this.#client = client
    this.#settings = settings
    this.#records = new RecordBatchReader({ checkCrcs: settings.checkCrcs })
    const { platform, metrics } = this.#context
    if (settings.groupId !== null) {
      this.#committer = new OffsetCommitter(client, settings.groupId, metrics, platform.logger)
    }
    this.#placement = new PartitionPlacement(client, settings, platform, this.#fetcherEvents())
    for (const progress of this.#partitions.values()) this.#begin(progress)
  }

  #fetcherEvents(): Pick<FetcherEvents, 'onChunk' | 'onProgress' | 'onFatal'> {
    return {
      onChunk: (chunk) => {
        this.#chunks.push(chunk)
        this.#context.wakeUp()
      },
      onProgress: (progress) => this.#reportCaughtUp(progress),
      onFatal: (error) => {
        if (!this.#closed) this.#context.fail(error)
      },
    }
  }

  #reportCaughtUp(progress: PartitionProgress): void {
    if (progress.hasDelivered || progress.caughtUpReported) return
    if (progress.position < progress.fetchOffset || progress.position < progress.endOffset) return
    progress.caughtUpReported = true
    this.#caughtUp.push(progress)
    this.#context.wakeUp()
  }

  addSplits(splits: readonly SourceSplit[]): void {
    for (const split of splits) {
      const progress = new PartitionProgress(split.id, splitPosition(split))
      this.#partitions.set(split.id, progress)
      this.#unfinished++
      if (this.#placement !== null) this.#begin(progress)
    }
  }

  #begin(progress: PartitionProgress): void {
    this.#publishOffset(progress)
    if (progress.wantsMore) this.#placement?.place([progress])
    else {
      this.#ended.push(progress)
      this.#context.wakeUp()
    }
  }

  noMoreSplits(): void {
    this.#noMoreSplits = true
    this.#context.wakeUp()
  }

  poll(output: ReaderOutput): 'more' | 'empty' | 'end-of-input' {
    if (this.#closed) return 'empty'
    this.#reportSplits(output)
    for (;;) {
      if (this.#cursor < this.#records.count) {
        this.#emitRows(output)
        return 'more'
      }
      if (this.#chunk === null && !this.#openNextChunk()) break
      this.#cursor = 0
      if (!this.#records.fill(ROWS_PER_POLL)) this.#closeChunk(output)
    }
    if (this.#noMoreSplits && this.#unfinished === 0) return 'end-of-input'
    return 'empty'
  }

  #reportSplits(output: ReaderOutput): void {
    for (let next = this.#caughtUp.pop(); next !== undefined; next = this.#caughtUp.pop()) {
      output.splitCaughtUpEmpty(next.splitId)
    }
    for (let next = this.#ended.pop(); next !== undefined; next = this.#ended.pop()) {
      this.#finish(next, output)
    }
  }

  #finish(progress: PartitionProgress, output: ReaderOutput): void {
    if (progress.finished) return
    progress.finished = true
    this.#unfinished--
    output.splitFinished(progress.splitId)
  }

  #openNextChunk(): boolean {
    const chunk = this.#chunks.shift()
    if (chunk === undefined) return false
    const { progress, fetched, bytes, fetchOffset } = chunk
    this.#chunk = chunk
    this.#records.open({
      topic: progress.topic,
      partition: progress.partition,
      bytes,
      start: fetched.start,
      end: fetched.end,
      fetchOffset,
      stoppingOffset: progress.stoppingOffset,
      aborted: fetched.aborted,
      readCommitted: this.#settings?.isolation === 'read_committed',
    })
    return true
  }

  #emitRows(output: ReaderOutput): void {
    const records = this.#records
    const { progress } = this.#chunk as FetchedChunk
    const from = this.#cursor
    const left = records.count - from
    const to = from + Math.ceil(left / Math.ceil(left / ROWS_PER_POLL))
    const spans = this.#spans
    spans.bytes = records.bytes
    spans.starts = records.starts
    spans.lengths = records.lengths
    spans.count = records.count
    const batch = this.#decoder.decode(spans, from, to, this)
    this.#cursor = to
    progress.hasDelivered = true
    progress.position =
      to === records.count ? records.nextOffset : (records.offsets[to - 1] as number) + 1
    this.#context.metrics.numRecordsIn += to - from
    this.#publishOffset(progress)
    if (batch.rowCount > 0) output.emit(progress.splitId, batch)
  }

  /** Where record `index` of the spans being decoded came from. */
  locate(index: number) {
    const { topic, partition } = (this.#chunk as FetchedChunk).progress
    return { topic, partition, offset: String(this.#records.offsets[index]) }
  }

  #closeChunk(output: ReaderOutput): void {
    const chunk = this.#chunk as FetchedChunk
    const { progress, fetched } = chunk
    this.#chunk = null
    progress.position = Math.max(progress.position, this.#records.nextOffset)
    this.#context.metrics.numBytesIn += fetched.end - fetched.start
    chunk.release()
    this.#publishOffset(progress)
    if (progress.position >= progress.stoppingOffset) this.#finish(progress, output)
    else if (!progress.hasDelivered) {
      this.#reportCaughtUp(progress)
      this.#reportSplits(output)
    }
  }

  #publishOffset(progress: PartitionProgress): void {
    const { metrics } = this.#context
    metrics.gauges.set(progress.gaugeName, progress.position - 1)
    let pending = 0
    for (const { endOffset, stoppingOffset, position: at } of this.#partitions.values()) {
      if (endOffset >= 0) pending += Math.max(0, Math.min(endOffset, stoppingOffset) - at)
    }
    metrics.pendingRecords = pending
  }

  snapshot(checkpointId: number): readonly SourceSplit[] {
    const partitions = [...this.#partitions.values()]
    this.#committer?.remember(
      checkpointId,
      partitions.map((progress) => progress.toPosition()),
    )
    // A finished split is in no checkpoint: the enumerator knows that it was dealt out, so nobody
    // reads it again.
    const unfinished = partitions.filter((progress) => !progress.finished)
    return unfinished.map((progress) => kafkaSplit(progress.toPosition()))
  }

  notifyCheckpointComplete(checkpointId: number): void {
    this.#committer?.commit(checkpointId)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#placement?.close()
    await this.#committer?.settled()
    await this.#client?.close()
  }
}
