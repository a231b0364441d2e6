/**
 * Writes the primitives of Kafka's non-flexible request encoding into one growing buffer.
 *
 * Big endian. Strings carry an int16 length, byte arrays and arrays an int32 one; -1 is null.
 */
export class WireWriter {
  #bytes: Buffer
  #length = 0

  constructor(capacity = 256) {
    this.#bytes = Buffer.allocUnsafe(capacity)
  }

  /** The bytes written so far; valid until the next write. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  get length(): number {
    return this.#length
  }

  #reserve(count: number): number {
    const at = this.#length
    if (at + count > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, at + count))
      this.#bytes.copy(grown, 0, 0, at)
      this.#bytes = grown
    }
    this.#length = at + count
    return at
  }

  int8(value: number): this {
    const at = this.#reserve(1)
    this.#bytes.writeInt8(value, at)
    return this
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0)
  }

  int16(value: number): this {
    const at = this.#reserve(2)
    this.#bytes.writeInt16BE(value, at)
    return this
  }

  int32(value: number): this {
    const at = this.#reserve(4)
    this.#bytes.writeInt32BE(value, at)
    return this
  }

  int64(value: number | bigint): this {
    const at = this.#reserve(8)
    this.#bytes.writeBigInt64BE(BigInt(value), at)
    return this
  }

  string(value: string | null): this {
    if (value === null) return this.int16(-1)
    const length = Buffer.byteLength(value)
    this.int16(length)
    const at = this.#reserve(length)
    this.#bytes.write(value, at)
    return this
  }

  array<T>(items: readonly T[] | null, write: (item: T) => void): this {
    if (items === null) return this.int32(-1)
    this.int32(items.length)
    for (const item of items) write(item)
    return this
  }

  /** Unsigned varint, as flexible versions use for lengths (n + 1) and tags. */
  unsignedVarint(value: number): this {
    let rest = value >>> 0
    while (rest >= 0x80) {
      this.int8(((rest & 0x7f) | 0x80) - 256)
      rest >>>= 7
    }
    return this.int8(rest)
  }

  /** Of 16 bytes, as Kafka's tools write them: base64url. */
  uuid(value: string): this {
    const at = this.#reserve(16)
    this.#bytes.write(value, at, 16, 'base64url')
    return this
  }

  /** Flexible versions end every structure with tagged fields; none of them matters here. */
  noTags(): this {
    return this.int8(0)
  }

  compactArray<T>(items: readonly T[] | null, write: (item: T) => void): this {
    if (items === null) return this.unsignedVarint(0)
    this.unsignedVarint(items.length + 1)
    for (const item of items) write(item)
    return this
  }

  compactString(value: string): this {
    const length = Buffer.byteLength(value)
    this.unsignedVarint(length + 1)
    const at = this.#reserve(length)
    this.#bytes.write(value, at)
    return this
  }
}
