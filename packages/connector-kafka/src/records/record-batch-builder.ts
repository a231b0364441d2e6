/**
 * Values → one record batch, version 2.
 *
 * Last on the data path of the sink: records are written once into a buffer that becomes the
 * request; producer id, epoch, sequence and CRC are filled in when the batch is sent (`seal`), as
 * the transaction may not have begun when the rows arrive. Keys and headers are not written.
 */
import { crc32c } from '@node-rs/crc32'
import { type CompressionName, compress } from './compression.ts'
import {
  BATCH_LENGTH_OVERHEAD,
  BatchAttribute,
  BatchField,
  COMPRESSION_NAMES,
  MAGIC_V2,
} from './record-batch-format.ts'

export interface SealSettings {
  readonly producerId: bigint
  readonly epoch: number
  readonly baseSequence: number
  readonly transactional: boolean
  readonly timestampMs: number
}

/** Attributes, timestamp delta, key length -1, header count: a byte each. */
const FIXED_RECORD_BYTES = 4
/** The most that the varints of one record take: three of 5 bytes. */
const VARINT_BYTES_MAX = 15

export class RecordBatchBuilder {
  #bytes: Uint8Array
  #length: number = BatchField.RECORDS
  #count = 0
  readonly #codec: CompressionName

  constructor(capacityBytes: number, codec: CompressionName) {
    this.#bytes = new Uint8Array(Math.max(capacityBytes, 256))
    this.#codec = codec
  }

  get count(): number {
    return this.#count
  }

  /** Size so far, before compression. */
  get byteLength(): number {
    return this.#length
  }

  /**
   * Appends the records `from … to` of spans until the batch has at least `limitBytes`; returns the
   * index of the first one left out.
   * Hot loop; `bench/write-records.bench.ts` measures it.
   */
  append(
    source: Uint8Array,
    starts: Int32Array,
    lengths: Int32Array,
    from: number,
    to: number,
    limitBytes: number,
  ): number {
    let bytes = this.#bytes
    let at = this.#length
    let count = this.#count
    let i = from
    for (; i < to && (at < limitBytes || count === 0); i++) {
      const length = lengths[i] as number
      const valueBytes = Math.max(length, 0)
      if (at + valueBytes + FIXED_RECORD_BYTES + VARINT_BYTES_MAX > bytes.length) {
        this.#length = at
        bytes = this.#grow(at + valueBytes + FIXED_RECORD_BYTES + VARINT_BYTES_MAX)
      }
      // Zigzag of n >= 0 is 2n; of -1 it is 1.
      const deltaZigzag = count * 2
      const valueZigzag = length < 0 ? 1 : length * 2
      let size = FIXED_RECORD_BYTES + valueBytes + 1
      for (let rest = deltaZigzag >>> 7; rest !== 0; rest >>>= 7) size++
      size++
      for (let rest = valueZigzag >>> 7; rest !== 0; rest >>>= 7) size++
      let varint = size * 2
      while (varint >= 0x80) {
        bytes[at++] = (varint & 0x7f) | 0x80
        varint >>>= 7
      }
      bytes[at++] = varint
      bytes[at++] = 0
      bytes[at++] = 0
      varint = deltaZigzag
      while (varint >= 0x80) {
        bytes[at++] = (varint & 0x7f) | 0x80
        varint >>>= 7
      }
      bytes[at++] = varint
      bytes[at++] = 1
      varint = valueZigzag
      while (varint >= 0x80) {
        bytes[at++] = (varint & 0x7f) | 0x80
        varint >>>= 7
      }
      bytes[at++] = varint
      const start = starts[i] as number
      if (valueBytes < 64) {
        for (let j = 0; j < valueBytes; j++) bytes[at + j] = source[start + j] as number
      } else bytes.set(source.subarray(start, start + valueBytes), at)
      at += valueBytes
      bytes[at++] = 0
      count++
    }
    this.#length = at
    this.#count = count
    return i
  }

  #grow(needed: number): Uint8Array {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, needed))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    return grown
  }

  /** Compresses once, when the batch is complete; `seal` may follow several times. */
  finish(): void {
    if (this.#codec === 'none') return
    const records = compress(this.#codec, this.#bytes.subarray(BatchField.RECORDS, this.#length))
    const packed = new Uint8Array(BatchField.RECORDS + records.length)
    packed.set(records, BatchField.RECORDS)
    this.#bytes = packed
    this.#length = packed.length
  }

  /** Fills in the header and the CRC; the result is a view of the builder's own bytes. */
  seal(settings: SealSettings): Uint8Array {
    const batch = this.#bytes.subarray(0, this.#length)
    const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength)
    view.setBigInt64(BatchField.BASE_OFFSET, 0n)
    view.setInt32(BatchField.LENGTH, this.#length - BATCH_LENGTH_OVERHEAD)
    view.setInt32(BatchField.LEADER_EPOCH, -1)
    view.setInt8(BatchField.MAGIC, MAGIC_V2)
    view.setInt16(
      BatchField.ATTRIBUTES,
      COMPRESSION_NAMES.indexOf(this.#codec) |
        (settings.transactional ? BatchAttribute.TRANSACTIONAL : 0),
    )
    view.setInt32(BatchField.LAST_OFFSET_DELTA, this.#count - 1)
    view.setBigInt64(BatchField.BASE_TIMESTAMP, BigInt(Math.floor(settings.timestampMs)))
    view.setBigInt64(BatchField.MAX_TIMESTAMP, BigInt(Math.floor(settings.timestampMs)))
    view.setBigInt64(BatchField.PRODUCER_ID, settings.producerId)
    view.setInt16(BatchField.PRODUCER_EPOCH, settings.epoch)
    view.setInt32(BatchField.BASE_SEQUENCE, settings.baseSequence)
    view.setInt32(BatchField.COUNT, this.#count)
    view.setUint32(BatchField.CRC, crc32c(batch.subarray(BatchField.ATTRIBUTES)))
    return batch
  }
}
