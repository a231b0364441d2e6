/**
 * Reads the primitives of Kafka's response encoding from one frame.
 *
 * Reading past the end throws KAFKA_RESPONSE_MALFORMED; a count that cannot fit in what is left
 * does too, before anything is allocated.
 */
import { kafkaError } from '../error-codes.ts'

export class WireReader {
  readonly bytes: Buffer
  position: number

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.position = position
  }

  #advance(count: number): number {
    const at = this.position
    if (count < 0 || at + count > this.bytes.length) {
      throw kafkaError(
        'KAFKA_RESPONSE_MALFORMED',
        `Expected ${count} bytes at ${at} of a broker's response of ${this.bytes.length} bytes.`,
      )
    }
    this.position = at + count
    return at
  }

  skip(count: number): void {
    this.#advance(count)
  }

  int8(): number {
    return this.bytes.readInt8(this.#advance(1))
  }

  boolean(): boolean {
    return this.int8() !== 0
  }

  int16(): number {
    return this.bytes.readInt16BE(this.#advance(2))
  }

  int32(): number {
    return this.bytes.readInt32BE(this.#advance(4))
  }

  int64(): bigint {
    return this.bytes.readBigInt64BE(this.#advance(8))
  }

  /** An int64 that is an offset or a time: exact up to 2^53. */
  int64Number(): number {
    const at = this.#advance(8)
    return this.bytes.readInt32BE(at) * 4294967296 + this.bytes.readUInt32BE(at + 4)
  }

  string(): string {
    return this.nullableString() ?? ''
  }

  nullableString(): string | null {
    const length = this.int16()
    if (length < 0) return null
    const at = this.#advance(length)
    return this.bytes.toString('utf8', at, at + length)
  }

  /**
   * A null array reads as an empty one. `itemBytesMin` bounds the count by the bytes that are left.
   */
  array<T>(read: () => T, itemBytesMin = 1): T[] {
    const count = this.int32()
    if (count < 0) return []
    return this.#items(count, read, itemBytesMin)
  }

  #items<T>(count: number, read: () => T, itemBytesMin: number): T[] {
    if (count * itemBytesMin > this.bytes.length - this.position) {
      throw kafkaError(
        'KAFKA_RESPONSE_MALFORMED',
        `An array of ${count} items does not fit into the ${this.bytes.length - this.position} bytes left of a broker's response.`,
      )
    }
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(read())
    return items
  }

  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.#advance(1)] as number
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw kafkaError('KAFKA_RESPONSE_MALFORMED', 'A varint in a response has more than 5 bytes.')
  }

  /** 16 bytes as Kafka's tools write them: base64url. */
  uuid(): string {
    const at = this.#advance(16)
    return this.bytes.toString('base64url', at, at + 16)
  }

  compactString(): string {
    const length = this.unsignedVarint() - 1
    if (length < 0) return ''
    const at = this.#advance(length)
    return this.bytes.toString('utf8', at, at + length)
  }

  compactArray<T>(read: () => T): T[] {
    const count = this.unsignedVarint() - 1
    return count <= 0 ? [] : this.#items(count, read, 1)
  }

  /** Skips the tagged fields of a flexible version. */
  tags(): void {
    const count = this.unsignedVarint()
    for (let i = 0; i < count; i++) {
      this.unsignedVarint()
      this.skip(this.unsignedVarint())
    }
  }
}
