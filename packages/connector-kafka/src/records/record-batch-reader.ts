/**
 * Record batches of one partition in a fetch response → references to the values.
 *
 * First on the data path after the socket: the spans that it fills go to the format's decoder,
 * nothing is copied unless compressed. Offsets are exact: `nextOffset` is where reading goes on
 * after the rows of the last `fill`, past control records and aborted ones. A batch cut off at the
 * end of the response is left for the next fetch; anything else that does not add up is
 * KAFKA_RECORDS_CORRUPT.
 */
import { sharedMemoryOf } from '@millrace/connector/wasm'
import type { AbortedTransaction } from '../client/kafka-client.ts'
import { kafkaError } from '../error-codes.ts'
import { type CompressionName, decompress } from './compression.ts'
import {
  BATCH_LENGTH_OVERHEAD,
  BatchAttribute,
  BatchField,
  COMPRESSION_NAMES,
  MAGIC_V2,
  MARKER_BYTES_MIN,
  markerTypeOf,
} from './record-batch-format.ts'
import { crc32cOf } from './response-memory.ts'
import { SpanMemory } from './span-code.ts'

/** What one partition's part of a response is read with. */
export interface RecordSource {
  readonly topic: string
  readonly partition: number
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  /** Records below are skipped: a batch may begin before the offset that was asked for. */
  readonly fetchOffset: number
  /** Records from here on are not wanted; Infinity when unbounded. */
  readonly stoppingOffset: number
  /** Empty unless read_committed. */
  readonly aborted: readonly AbortedTransaction[]
  readonly readCommitted: boolean
}

const ABORT_MARKER = 0
const RECORDS_A_RUN = 64
/** So much of small batches is read at once that what is decoded next is still in a near cache. */
const GATHERED_BYTES_MAX = 1 << 20

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function offsetAt(view: DataView, at: number): number {
  return view.getInt32(at) * 4294967296 + view.getUint32(at + 4)
}

/** What a response showed of a partition's batches. */
export interface SeenBatches {
  /** The size of the largest one. */
  readonly largestBytes: number
  /** The size of the one that was cut off, and comes next; 0 when none was, or it is not known. */
  readonly cutBytes: number
}

/** What stands in `bytes[start … end)`, by the heads of its batches. */
export interface SurveyedBatches extends SeenBatches {
  /** The offset after the last complete batch; `fetchOffset` when there is none. */
  readonly nextOffset: number
}

export function surveyBatches(
  bytes: Uint8Array,
  start: number,
  end: number,
  fetchOffset: number,
): SurveyedBatches {
  const view = viewOf(bytes)
  let nextOffset = fetchOffset
  let largestBytes = 0
  let cutBytes = 0
  for (let at = start; at + BATCH_LENGTH_OVERHEAD <= end; ) {
    const size = view.getInt32(at + BatchField.LENGTH) + BATCH_LENGTH_OVERHEAD
    if (size < BatchField.RECORDS) break
    if (at + size > end) {
      cutBytes = size
      break
    }
    const last =
      offsetAt(view, at + BatchField.BASE_OFFSET) + view.getInt32(at + BatchField.LAST_OFFSET_DELTA)
    if (last + 1 > nextOffset) nextOffset = last + 1
    if (size > largestBytes) largestBytes = size
    at += size
  }
  return { nextOffset, largestBytes, cutBytes }
}

/** One per reader, used for one source after another; its arrays are reused. */
export class RecordBatchReader {
  /** The buffer that `starts` refer to after `fill`. */
  bytes: Uint8Array = new Uint8Array(0)
  starts: Int32Array = new Int32Array(4096)
  /** -1 is a null value. */
  lengths: Int32Array = new Int32Array(4096)
  offsets: Float64Array = new Float64Array(4096)
  count = 0
  /** Offset to go on from after everything that `fill` has gone through. */
  nextOffset = Number.NaN

  readonly #checkCrcs: boolean
  #source: RecordSource | null = null
  /** The arrays lie in it once records came in a shared memory. */
  #spans: SpanMemory | null = null
  #records: WebAssembly.Memory | null = null
  #view: DataView = new DataView(new ArrayBuffer(0))
  #position = 0
  /** Decompressed records; grows to the largest need. */
  #scratch = new Uint8Array(64 << 10)
  #scratchLength = 0
  #aborted: readonly AbortedTransaction[] = []
  #abortedNext = 0
  readonly #abortedProducers = new Set<bigint>()

  constructor(settings: { readonly checkCrcs: boolean }) {
    this.#checkCrcs = settings.checkCrcs
  }

  open(source: RecordSource): void {
    this.#source = source
    this.#view = viewOf(source.bytes)
    this.#position = source.start
    this.#records = sharedMemoryOf(source.bytes) ?? null
    if (this.#records !== null && this.#spans === null) this.#allocate(this.starts.length)
    // Brokers list them by their ends, not by their begins.
    this.#aborted =
      source.aborted.length < 2
        ? source.aborted
        : [...source.aborted].sort((a, b) => a.firstOffset - b.firstOffset)
    this.#abortedNext = 0
    this.#abortedProducers.clear()
    this.nextOffset = source.fetchOffset
    this.count = 0
  }

  /**
   * Reads whole batches, one at least, as long as they stay within `most` records and a bound of
   * bytes. False when the source is used up and no record was found (`nextOffset` may have moved
   * all the same).
   */
  fill(most: number): boolean {
    const source = this.#source
    this.count = 0
    this.#scratchLength = 0
    if (source === null) return false
    const { end } = source
    const first = this.#position
    let fromScratch = false
    while (this.nextOffset < source.stoppingOffset) {
      const at = this.#position
      if (at + BatchField.RECORDS > end) break
      const size = this.#view.getInt32(at + BatchField.LENGTH) + BATCH_LENGTH_OVERHEAD
      if (size > end - at) break
      if (size < BatchField.RECORDS) throw this.#corrupt(at, `its length is ${size}`)
      const attributes = this.#view.getInt16(at + BatchField.ATTRIBUTES)
      const compressed = (attributes & BatchAttribute.COMPRESSION_MASK) !== 0
      if (this.count > 0) {
        if (compressed !== fromScratch) break
        if (this.count + this.#view.getInt32(at + BatchField.COUNT) > most) break
        const bytes = compressed ? this.#scratchLength : at + size - first
        if (bytes > GATHERED_BYTES_MAX) break
      }
      fromScratch = compressed
      this.#readBatch(source, at, size, attributes)
      this.#position = at + size
    }
    this.bytes = fromScratch ? this.#scratch : source.bytes
    if (this.count > 0) return true
    this.#source = null
    return false
  }

  #readBatch(source: RecordSource, at: number, size: number, attributes: number): void {
    const view = this.#view
    const baseOffset = offsetAt(view, at + BatchField.BASE_OFFSET)
    const lastOffset = baseOffset + view.getInt32(at + BatchField.LAST_OFFSET_DELTA)
    this.#requireSound(source, at, size)
    const from = Math.max(this.nextOffset, source.fetchOffset)
    if (lastOffset + 1 > this.nextOffset) {
      this.nextOffset = Math.min(lastOffset + 1, source.stoppingOffset)
    }
    if (source.readCommitted && this.#isAborted(at, attributes, lastOffset)) return
    if ((attributes & BatchAttribute.CONTROL) !== 0) return
    const count = view.getInt32(at + BatchField.COUNT)
    if (count < 0 || count > size * 1000) throw this.#corrupt(at, `it counts ${count} records`)
    this.#reserve(count)
    const codec = COMPRESSION_NAMES[attributes & BatchAttribute.COMPRESSION_MASK]
    const recordsAt = at + BatchField.RECORDS
    if (codec === 'none') {
      this.#readRecords(source.bytes, recordsAt, at + size, count, at, baseOffset, from)
      return
    }
    const start = this.#decompress(codec, recordsAt, at, size)
    this.#readRecords(this.#scratch, start, this.#scratchLength, count, at, baseOffset, from)
  }

  #requireSound(source: RecordSource, at: number, size: number): void {
    const magic = this.#view.getInt8(at + BatchField.MAGIC)
    if (magic !== MAGIC_V2) {
      throw kafkaError(
        'KAFKA_RECORD_FORMAT_UNSUPPORTED',
        `Record batches of version ${magic} cannot be read; only version 2 can.`,
        {
          location: this.#location(at),
          hint: 'Rewrite the topic with a producer of Kafka 0.11 or later.',
        },
      )
    }
    if (!this.#checkCrcs) return
    const stored = this.#view.getUint32(at + BatchField.CRC)
    const computed = crc32cOf(source.bytes, at + BatchField.ATTRIBUTES, at + size)
    if (stored !== computed) throw this.#corrupt(at, 'its CRC-32C does not match its bytes')
  }

  /**
   * Whether the batch belongs to an aborted transaction; follows the control records on the way.
   */
  #isAborted(at: number, attributes: number, lastOffset: number): boolean {
    if ((attributes & BatchAttribute.TRANSACTIONAL) === 0) return false
    const aborted = this.#aborted
    while (
      this.#abortedNext < aborted.length &&
      (aborted[this.#abortedNext] as AbortedTransaction).firstOffset <= lastOffset
    ) {
      this.#abortedProducers.add((aborted[this.#abortedNext] as AbortedTransaction).producerId)
      this.#abortedNext++
    }
    if (this.#abortedProducers.size === 0) return false
    const producerId = this.#view.getBigInt64(at + BatchField.PRODUCER_ID)
    if (!this.#abortedProducers.has(producerId)) return false
    if ((attributes & BatchAttribute.CONTROL) !== 0 && this.#markerType(at) === ABORT_MARKER) {
      this.#abortedProducers.delete(producerId)
    }
    return true
  }

  #markerType(at: number): number {
    if (at + MARKER_BYTES_MIN > this.#view.byteLength)
      throw this.#corrupt(at, 'its control record is cut short')
    return markerTypeOf(this.#view, at)
  }

  #decompress(codec: CompressionName | undefined, from: number, at: number, size: number): number {
    if (codec === undefined) {
      throw kafkaError(
        'KAFKA_RECORD_FORMAT_UNSUPPORTED',
        'The compression of a record batch is unknown.',
        {
          location: this.#location(at),
        },
      )
    }
    const source = this.#source as RecordSource
    let records: Uint8Array
    try {
      records = decompress(codec, source.bytes.subarray(from, at + size))
    } catch (cause) {
      throw this.#corrupt(at, `its ${codec} data cannot be decompressed`, cause)
    }
    const start = this.#scratchLength
    if (start + records.length > this.#scratch.length) {
      const grown = new Uint8Array(Math.max(this.#scratch.length * 2, start + records.length))
      grown.set(this.#scratch.subarray(0, start))
      this.#scratch = grown
    }
    this.#scratch.set(records, start)
    this.#scratchLength = start + records.length
    return start
  }

  #reserve(count: number): void {
    const needed = this.count + count
    if (needed <= this.starts.length) return
    this.#allocate(2 ** Math.ceil(Math.log2(needed)))
  }

  #allocate(capacity: number): void {
    const { starts, lengths, offsets } = this
    this.#spans = this.#records === null ? null : new SpanMemory(capacity)
    this.starts = this.#spans?.starts ?? new Int32Array(capacity)
    this.lengths = this.#spans?.lengths ?? new Int32Array(capacity)
    this.offsets = this.#spans?.offsets ?? new Float64Array(capacity)
    this.starts.set(starts)
    this.lengths.set(lengths)
    this.offsets.set(offsets)
  }

  #readRecords(
    bytes: Uint8Array,
    start: number,
    end: number,
    count: number,
    at: number,
    baseOffset: number,
    fromOffset: number,
  ): void {
    const stop = this.#source?.stoppingOffset ?? Number.POSITIVE_INFINITY
    let position = start
    for (let i = 0; i < count; ) {
      const left = count - i
      const plain = this.#readPlain(bytes, position, end, left, at, baseOffset, fromOffset, stop)
      if (plain > 0) position = (this.#spans as SpanMemory).position - bytes.byteOffset
      i += plain
      const to = Math.min(count, i + RECORDS_A_RUN)
      position = this.#readRun(bytes, position, end, i, to, at, baseOffset, fromOffset, stop)
      i = to
    }
  }

  /**
   * Records of the batch at `at` that are wanted all, from a shared memory; returns how many were
   * read before one of another kind.
   */
  #readPlain(
    bytes: Uint8Array,
    start: number,
    end: number,
    count: number,
    at: number,
    baseOffset: number,
    fromOffset: number,
    stop: number,
  ): number {
    const records = this.#records
    const spans = this.#spans
    if (records === null || spans === null || bytes.buffer !== records.buffer) return 0
    const lastDelta = this.#view.getInt32(at + BatchField.LAST_OFFSET_DELTA)
    if (baseOffset < fromOffset || baseOffset + lastDelta >= stop) return 0
    const base = bytes.byteOffset
    spans.batch(base, baseOffset, lastDelta)
    const read = spans.read(records, base + start, base + end, count, this.count)
    this.count += read
    return read
  }

  /**
   * Records `from … to` of the batch at `at`; returns the position after them. The hot loop: no
   * allocation, no call, and short enough a run to be compiled whole instead of in its midst.
   * `read-records.bench.ts` measures it.
   */
  #readRun(
    bytes: Uint8Array,
    start: number,
    end: number,
    from: number,
    to: number,
    at: number,
    baseOffset: number,
    fromOffset: number,
    stop: number,
  ): number {
    const { starts, lengths, offsets } = this
    let filled = this.count
    let position = start
    for (let i = from; i < to; i++) {
      // A varint of one or two bytes is read in place; a longer one is rare.
      let raw = bytes[position++] as number
      if (raw >= 0x80) {
        const second = bytes[position++] as number
        if (second < 0x80) raw = (raw & 0x7f) | (second << 7)
        else {
          raw = longVarint(bytes, position - 2)
          position = varintEnd(bytes, position - 2)
        }
      }
      const recordEnd = position + ((raw >>> 1) ^ -(raw & 1))
      if (!(recordEnd <= end) || recordEnd < position) {
        throw this.#corruptRecord(at, `record ${i}`)
      }
      position++ // attributes
      while ((bytes[position++] as number) >= 0x80); // timestamp delta
      raw = bytes[position++] as number
      if (raw >= 0x80) {
        const second = bytes[position++] as number
        if (second < 0x80) raw = (raw & 0x7f) | (second << 7)
        else {
          raw = longVarint(bytes, position - 2)
          position = varintEnd(bytes, position - 2)
        }
      }
      const offset = baseOffset + ((raw >>> 1) ^ -(raw & 1))
      raw = bytes[position++] as number
      if (raw !== 1) {
        // A key: skipped.
        const keyLength = longVarint(bytes, position - 1)
        position =
          varintEnd(bytes, position - 1) + Math.max((keyLength >>> 1) ^ -(keyLength & 1), 0)
      }
      raw = bytes[position++] as number
      if (raw >= 0x80) {
        const second = bytes[position++] as number
        if (second < 0x80) raw = (raw & 0x7f) | (second << 7)
        else {
          raw = longVarint(bytes, position - 2)
          position = varintEnd(bytes, position - 2)
        }
      }
      const valueLength = (raw >>> 1) ^ -(raw & 1)
      if (!(position + Math.max(valueLength, 0) <= recordEnd)) {
        throw this.#corruptRecord(at, `the value of record ${i}`)
      }
      if (offset >= fromOffset && offset < stop) {
        starts[filled] = position
        lengths[filled] = Math.max(valueLength, -1)
        offsets[filled] = offset
        filled++
      }
      position = recordEnd
    }
    this.count = filled
    return position
  }

  #corruptRecord(at: number, what: string) {
    const count = this.#view.getInt32(at + BatchField.COUNT)
    return this.#corrupt(at, `${what} of ${count} does not fit`)
  }

  #location(at: number) {
    const source = this.#source as RecordSource
    return {
      topic: source.topic,
      partition: source.partition,
      offset: String(offsetAt(this.#view, at + BatchField.BASE_OFFSET)),
    }
  }

  #corrupt(at: number, what: string, cause?: unknown) {
    const location = this.#location(at)
    return kafkaError(
      'KAFKA_RECORDS_CORRUPT',
      `The record batch at offset ${location.offset} of topic ${location.topic}, partition ${location.partition} is damaged: ${what}.`,
      {
        location,
        hint: 'The bytes came damaged from the broker; check its disks and the network.',
        ...(cause === undefined ? {} : { cause }),
      },
    )
  }
}

/**
 * The raw (still zigzag) value of the varint at `position`; bytes past the fifth are not looked at.
 */
function longVarint(bytes: Uint8Array, position: number): number {
  let raw = 0
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[position++] as number
    raw |= (byte & 0x7f) << shift
    if (!(byte >= 0x80)) break
  }
  return raw
}

/** The position after that varint. */
function varintEnd(bytes: Uint8Array, position: number): number {
  for (let i = 0; i < 5; i++) {
    if (!((bytes[position++] as number) >= 0x80)) break
  }
  return position
}
