/**
 * Fetches the partitions that one broker leads, one request at a time, ahead of the decoding.
 *
 * Two response buffers: while the reader decodes one, the next is on its way; a third is not asked
 * for, so memory is bounded by twice `fetch.max.bytes` a broker. The partitions of a request
 * rotate, as a broker fills a response in their order.
 */
import type { FetchedPartition, FetchResponse, KafkaClient } from '../client/kafka-client.ts'
import type { KafkaSettings } from '../client/kafka-properties.ts'
import { ProtocolError, protocolErrorName } from '../client/protocol-errors.ts'
import { kafkaError } from '../error-codes.ts'
import { surveyBatches } from '../records/record-batch-reader.ts'
import { allocateResponse } from '../records/response-memory.ts'
import { decideFetchBytes } from './decide-fetch-bytes.ts'
import type { PartitionProgress } from './partition-progress.ts'

const RESPONSE_BUFFERS = 2
const BUFFER_GRANULE_BYTES = 256 << 10

/** One response's buffer; free again when every chunk of it has been released. */
class ResponseLease {
  buffer: Uint8Array = new Uint8Array(0)
  chunksLeft = 0
}

/** What one response holds of one partition. */
export interface FetchedChunk {
  readonly progress: PartitionProgress
  readonly bytes: Uint8Array
  readonly fetched: FetchedPartition
  readonly fetchOffset: number
  /** The bytes are not needed any more. */
  release(): void
}

export interface FetcherEvents {
  onChunk(chunk: FetchedChunk): void
  /** Fetching reached the end of what is there; `endOffset` is fresh. */
  onProgress(progress: PartitionProgress): void
  /** The partitions must be placed again: the leader moved or the broker is gone. */
  onLost(lost: readonly PartitionProgress[], reason: Error): void
  onFatal(error: unknown): void
}

export class BrokerFetcher {
  readonly nodeId: number
  readonly #client: KafkaClient
  readonly #settings: KafkaSettings
  readonly #events: FetcherEvents
  readonly #free: ResponseLease[] = []
  #partitions: PartitionProgress[] = []
  #inFlight = false
  #closed = false

  constructor(nodeId: number, client: KafkaClient, settings: KafkaSettings, events: FetcherEvents) {
    this.nodeId = nodeId
    this.#client = client
    this.#settings = settings
    this.#events = events
    for (let i = 0; i < RESPONSE_BUFFERS; i++) this.#free.push(new ResponseLease())
  }

  add(progress: PartitionProgress): void {
    this.#partitions.push(progress)
    this.pump()
  }

  close(): void {
    this.#closed = true
    this.#partitions = []
  }

  /** Sends the next request when a buffer is free and none is out. */
  pump(): void {
    if (this.#inFlight || this.#closed) return
    this.#partitions = this.#partitions.filter((progress) => progress.wantsMore)
    const lease = this.#free[this.#free.length - 1]
    if (lease === undefined || this.#partitions.length === 0) return
    this.#free.pop()
    this.#partitions.push(this.#partitions.shift() as PartitionProgress)
    this.#inFlight = true
    const asked = new Map(
      this.#partitions.map((progress) => [progress, progress.fetchOffset] as const),
    )
    this.#fetch(asked, lease).then(
      (response) => {
        this.#inFlight = false
        try {
          this.#accept(asked, response, lease)
        } catch (error) {
          this.#events.onFatal(error)
        }
        this.pump()
      },
      (error) => {
        this.#inFlight = false
        this.#free.push(lease)
        if (this.#closed) return
        this.#lose([...asked.keys()], error)
        // Partitions that came while the request was out were not part of it.
        this.pump()
      },
    )
  }

  #fetch(asked: ReadonlyMap<PartitionProgress, number>, lease: ResponseLease) {
    const settings = this.#settings
    const partitionMaxBytes = settings.fetchPartitionMaxBytes
    const partitions = [...asked].map(([progress, offset]) => ({
      ...{ topic: progress.topic, topicId: progress.topicId, partition: progress.partition },
      ...{ offset, bytesMax: decideFetchBytes(partitionMaxBytes, progress.seenBatches) },
    }))
    return this.#client.fetch(
      this.nodeId,
      {
        maxWaitMs: settings.fetchMaxWaitMs,
        minBytes: settings.fetchMinBytes,
        maxBytes: settings.fetchMaxBytes,
        partitionMaxBytes,
        isolation: settings.isolation,
        partitions,
      },
      (size) => {
        if (lease.buffer.length < size) {
          const rounded = Math.ceil(size / BUFFER_GRANULE_BYTES) * BUFFER_GRANULE_BYTES
          lease.buffer = allocateResponse(rounded, settings.fetchMaxBytes)
        }
        return lease.buffer
      },
    )
  }

  #lose(lost: readonly PartitionProgress[], reason: Error): void {
    this.#partitions = this.#partitions.filter((progress) => !lost.includes(progress))
    this.#events.onLost(lost, reason)
  }

  #accept(
    asked: ReadonlyMap<PartitionProgress, number>,
    response: FetchResponse,
    lease: ResponseLease,
  ): void {
    const byId = new Map([...asked.keys()].map((item) => [`${item.topic}-${item.partition}`, item]))
    const chunks: FetchedChunk[] = []
    const lost: PartitionProgress[] = []
    let reason = response.error
    for (const fetched of response.partitions) {
      const progress = byId.get(`${fetched.topic}-${fetched.partition}`)
      if (progress === undefined || progress.finished) continue
      const fetchOffset = asked.get(progress) as number
      if (fetched.error !== ProtocolError.NONE) {
        progress.offsetGone =
          fetched.error === ProtocolError.OFFSET_OUT_OF_RANGE && progress.reset !== null
        if (!progress.offsetGone) this.#requireTransient(fetched, fetchOffset)
        reason = fetched.error
        lost.push(progress)
        continue
      }
      const chunk = this.#acceptPartition(progress, fetched, fetchOffset, response.bytes, lease)
      if (chunk !== null) chunks.push(chunk)
    }
    lease.chunksLeft = chunks.length
    if (chunks.length === 0) this.#free.push(lease)
    for (const chunk of chunks) this.#events.onChunk(chunk)
    if (response.error !== ProtocolError.NONE) lost.push(...asked.keys())
    if (lost.length > 0) {
      this.#lose(lost, new Error(`broker ${this.nodeId} answered ${protocolErrorName(reason)}`))
    }
  }

  #acceptPartition(
    progress: PartitionProgress,
    fetched: FetchedPartition,
    fetchOffset: number,
    bytes: Uint8Array,
    lease: ResponseLease,
  ): FetchedChunk | null {
    const committedOnly = this.#settings.isolation === 'read_committed'
    progress.endOffset = committedOnly ? fetched.lastStableOffset : fetched.highWatermark
    progress.failingSinceMs = Number.NaN
    progress.reset = null
    const seen = surveyBatches(bytes, fetched.start, fetched.end, fetchOffset)
    progress.seenBatches = seen
    if (seen.nextOffset === fetchOffset) {
      if (fetched.end - fetched.start > 0 && fetchOffset < progress.endOffset) {
        throw kafkaError(
          'KAFKA_RECORDS_CORRUPT',
          `No complete record batch came for offset ${fetchOffset} of topic ${progress.topic}, partition ${progress.partition}.`,
          {
            location: {
              topic: progress.topic,
              partition: progress.partition,
              offset: String(fetchOffset),
            },
          },
        )
      }
      this.#events.onProgress(progress)
      return null
    }
    progress.fetchOffset = seen.nextOffset
    let released = false
    return {
      progress,
      bytes,
      fetched,
      fetchOffset,
      release: () => {
        if (released) return
        released = true
        if (--lease.chunksLeft > 0) return
        this.#free.push(lease)
        this.pump()
      },
    }
  }

  /** Throws for what neither waiting nor another leader mends. */
  #requireTransient(fetched: FetchedPartition, fetchOffset: number): void {
    const { topic, partition, error } = fetched
    const location = { topic, partition, offset: String(fetchOffset) }
    if (error === ProtocolError.OFFSET_OUT_OF_RANGE) {
      throw outOfRangeError(topic, partition, fetchOffset, fetched.logStartOffset)
    }
    if (
      error === ProtocolError.TOPIC_AUTHORIZATION_FAILED ||
      error === ProtocolError.UNSUPPORTED_VERSION ||
      error === ProtocolError.CORRUPT_MESSAGE
    ) {
      throw kafkaError(
        'KAFKA_REQUEST_FAILED',
        `Fetching topic ${topic}, partition ${partition} was answered with ${protocolErrorName(error)}.`,
        { location },
      )
    }
  }
}

/** `logStartOffset`: −1 when it is not known. */
export function outOfRangeError(
  topic: string,
  partition: number,
  offset: number,
  logStartOffset: number,
) {
  const range = logStartOffset >= 0 ? `; the partition begins at ${logStartOffset}` : ''
  return kafkaError(
    'KAFKA_OFFSET_OUT_OF_RANGE',
    `Offset ${offset} of topic ${topic}, partition ${partition} is not there any more${range}.`,
    {
      location: { topic, partition, offset: String(offset) },
      hint: "Records were deleted by retention or the topic was made anew. Start without this checkpoint and with 'scan.startup.mode' = 'earliest-offset', or lengthen the topic's retention.",
    },
  )
}
