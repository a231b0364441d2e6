/**
 * The reading half of `batch-wire.ts`: bounds first, then views.
 *
 * A section that is aligned in memory is returned as a view on the received bytes,
 * otherwise as a copy.
 */
import type { MillraceError } from '../error/millrace-error.ts'
import { coreError } from '../error-codes.ts'
import { padded } from './wire-target.ts'

/** A cursor over one encoded batch that never leaves it. */
export class WireReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #start: number
  readonly #end: number
  #at: number

  constructor(bytes: Uint8Array, at: number, length: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#start = at
    this.#at = at
    this.#end = at + length
  }

  corrupt(what: string): MillraceError {
    const offset = this.#at - this.#start
    const size = this.#end - this.#start
    return coreError(
      'BATCH_CORRUPT',
      `Cannot read a batch of ${size} bytes: ${what}, at byte ${offset}.`,
    )
  }

  #take(byteCount: number): number {
    if (byteCount > this.#end - this.#at) throw this.corrupt(`${byteCount} bytes are missing`)
    const at = this.#at
    this.#at = Math.min(at + padded(byteCount), this.#end)
    return at
  }

  u32(): number {
    const value = this.#view.getUint32(this.#scalar(4), true)
    return value
  }

  u16(): number {
    return this.#view.getUint16(this.#scalar(2), true)
  }

  u8(): number {
    return this.#bytes[this.#scalar(1)] as number
  }

  #scalar(byteCount: number): number {
    if (byteCount > this.#end - this.#at) throw this.corrupt(`${byteCount} bytes are missing`)
    const at = this.#at
    this.#at += byteCount
    return at
  }

  /** `count` bytes, always a view. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count)
    return this.#bytes.subarray(at, at + count)
  }

  i32Array(count: number): Int32Array {
    const [buffer, offset] = this.#aligned(4 * count, 4)
    return new Int32Array(buffer, offset, count)
  }

  f64Array(count: number): Float64Array {
    const [buffer, offset] = this.#aligned(8 * count, 8)
    return new Float64Array(buffer, offset, count)
  }

  i64Array(count: number): BigInt64Array {
    const [buffer, offset] = this.#aligned(8 * count, 8)
    return new BigInt64Array(buffer, offset, count)
  }

  #aligned(byteCount: number, alignment: number): [ArrayBuffer, number] {
    const at = this.#take(byteCount)
    const offset = this.#bytes.byteOffset + at
    if (offset % alignment === 0) return [this.#bytes.buffer as ArrayBuffer, offset]
    return [this.#bytes.slice(at, at + byteCount).buffer as ArrayBuffer, 0]
  }

  /**
   * Codes of `width` bytes, widened; each must be below `entries`, or 0 when there are none
   * (all rows NULL).
   */
  codes(count: number, width: number, entries: number): Int32Array {
    const codes = this.#widened(count, width)
    const limit = Math.max(entries, 1)
    // One unsigned comparison a code finds both negative and too large ones.
    let largest = 0
    for (let i = 0; i < count; i++) {
      const code = (codes[i] as number) >>> 0
      if (code > largest) largest = code
    }
    if (largest >= limit) throw this.corrupt(`code ${largest} of a dictionary of ${entries}`)
    return codes
  }

  #widened(count: number, width: number): Int32Array {
    if (width === 4) return this.i32Array(count)
    const at = this.#take(width * count)
    if (width === 1) return new Int32Array(this.#bytes.subarray(at, at + count))
    const offset = this.#bytes.byteOffset + at
    const buffer =
      offset % 2 === 0 ? this.#bytes.buffer : this.#bytes.slice(at, at + 2 * count).buffer
    return new Int32Array(new Uint16Array(buffer, offset % 2 === 0 ? offset : 0, count))
  }

  expectEnd(): void {
    if (this.#at !== this.#end) throw this.corrupt(`${this.#end - this.#at} bytes too many`)
  }
}
