/**
 * WireTarget: where a batch is written — bytes in one piece, or in pieces one after the other.
 *
 * Under `encodeBatch`. A result partition writes into its open segments, a snapshot into one array.
 * Pieces hold multiples of 8 bytes and begin aligned, and every section is padded to 8, so numbers
 * and padding never fall on two pieces.
 */

/** The next multiple of 8; of any size, also beyond 2 GiB. */
export function padded(byteCount: number): number {
  return byteCount + (-byteCount & 7)
}

export abstract class WireTarget {
  /** The piece in hand; written up to `at`, room up to `end`. */
  bytes: Uint8Array
  at: number
  end: number

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  /** Gives up the full piece in hand and sets `bytes`, `at` and `end` to the next one. */
  abstract nextPiece(): void

  u32(value: number): void {
    if (this.at === this.end) this.nextPiece()
    const { bytes, at } = this
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value >>> 16
    bytes[at + 3] = value >>> 24
    this.at = at + 4
  }

  append(source: Uint8Array): void {
    let done = 0
    const { length } = source
    while (done < length) {
      if (this.at === this.end) this.nextPiece()
      const count = Math.min(length - done, this.end - this.at)
      const part = count === length ? source : source.subarray(done, done + count)
      this.bytes.set(part, this.at)
      this.at += count
      done += count
    }
  }

  /** Zeros after a section of `byteCount` bytes, up to a multiple of 8. */
  pad(byteCount: number): void {
    for (let left = padded(byteCount) - byteCount; left > 0; left--) this.bytes[this.at++] = 0
  }
}

/** One array with room for all. */
export class ArrayTarget extends WireTarget {
  override nextPiece(): void {
    throw new RangeError(`A batch is larger than its ${this.end} bytes of room.`)
  }
}
