/**
 * Cuts a byte stream into frames.
 *
 * A frame that lies whole in a received segment is handed out as a view of it; one that spans
 * segments is put together in a buffer that is kept and reused. Both are valid until the handler
 * returns (the segment is then overwritten by the next read). Cost: at most one frame is copied
 * per segment.
 */
import { platformError } from '../../error-codes.ts'
import { FRAME_HEADER_BYTES, GOODBYE, readFrameHeader } from './frame.ts'

/**
 * A larger assembly buffer is dropped after its frame, so that one giant batch does not hold
 * memory for ever.
 */
const ASSEMBLY_KEPT_BYTES_MAX = 1024 * 1024

export class FrameReader {
  readonly #onFrame: (frame: Uint8Array) => void
  readonly #frameMaxBytes: number
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES)
  #headerFilled = 0
  #assembly = new Uint8Array(0)
  /** Length of the frame being put together; −1: none. */
  #frameLength = -1
  #filled = 0
  /** The peer said goodbye: nothing may follow. */
  ended = false

  constructor(onFrame: (frame: Uint8Array) => void, frameMaxBytes: number) {
    this.#onFrame = onFrame
    this.#frameMaxBytes = frameMaxBytes
  }

  /**
   * Takes `bytes[0 … length)`. Throws DATA_FRAME_TOO_LARGE, and whatever the frame handler throws.
   */
  push(bytes: Uint8Array, length: number): void {
    let at = 0
    while (at < length && !this.ended) {
      if (this.#frameLength >= 0) {
        at = this.#continueFrame(bytes, at, length)
      } else if (this.#headerFilled > 0 || length - at < FRAME_HEADER_BYTES) {
        at = this.#continueHeader(bytes, at, length)
      } else {
        const frameLength = this.#checked(readFrameHeader(bytes, at))
        if (this.ended) return
        at += FRAME_HEADER_BYTES
        if (length - at < frameLength) this.#startFrame(frameLength)
        else {
          this.#onFrame(bytes.subarray(at, at + frameLength))
          at += frameLength
        }
      }
    }
  }

  #continueHeader(bytes: Uint8Array, at: number, length: number): number {
    let next = at
    while (next < length && this.#headerFilled < FRAME_HEADER_BYTES) {
      this.#header[this.#headerFilled++] = bytes[next++]
    }
    if (this.#headerFilled === FRAME_HEADER_BYTES) {
      this.#headerFilled = 0
      const frameLength = this.#checked(readFrameHeader(this.#header, 0))
      if (!this.ended) this.#startFrame(frameLength)
      if (frameLength === 0) this.#finishFrame()
    }
    return next
  }

  #startFrame(frameLength: number): void {
    if (this.#assembly.length < frameLength)
      this.#assembly = new Uint8Array(Buffer.allocUnsafeSlow(frameLength).buffer)
    this.#frameLength = frameLength
    this.#filled = 0
  }

  #continueFrame(bytes: Uint8Array, at: number, length: number): number {
    const taken = Math.min(length - at, this.#frameLength - this.#filled)
    this.#assembly.set(bytes.subarray(at, at + taken), this.#filled)
    this.#filled += taken
    if (this.#filled === this.#frameLength) this.#finishFrame()
    return at + taken
  }

  #finishFrame(): void {
    const frame = this.#assembly.subarray(0, this.#frameLength)
    this.#frameLength = -1
    this.#onFrame(frame)
    if (this.#assembly.length > ASSEMBLY_KEPT_BYTES_MAX) this.#assembly = new Uint8Array(0)
  }

  #checked(frameLength: number): number {
    if (frameLength === GOODBYE) {
      this.ended = true
    } else if (frameLength > this.#frameMaxBytes) {
      throw platformError(
        'DATA_FRAME_TOO_LARGE',
        `A frame of ${frameLength} bytes arrived; the limit is ${this.#frameMaxBytes}.`,
        { hint: 'Check that the address is a TaskManager’s data port of the same version.' },
      )
    }
    return frameLength
  }
}
